"""Ids of many new rows: uuid7 text, ascending within one call."""

from __future__ import annotations

import msgspec

from bmaddb.entropy import Entropy, uuid7, uuid7_of

_CHANCE_BYTES = 10
_CHANCE_BITS = 74
_VARIANT = 0b10 << 62
_LOW_BITS = (1 << 62) - 1


class Moment(msgspec.Struct, frozen=True):
    """What the envelope of a new row is made of."""

    user: str | None
    now_ms: int
    entropy: Entropy

    def new_id(self) -> str:
        return uuid7(self.entropy, self.now_ms)

    def new_ids(self, count: int) -> list[str]:
        """So many, ascending."""
        return new_ids(self.entropy, self.now_ms, count)


def new_ids(entropy: Entropy, now_ms: int, count: int) -> list[str]:
    """`count` ids (RFC 9562, version 7) of one millisecond, sorted, so that an index grows at its end."""
    chance = entropy.random_bytes(_CHANCE_BYTES * count)
    drawn = [
        int.from_bytes(chance[start : start + _CHANCE_BYTES], "big") & ((1 << _CHANCE_BITS) - 1)
        for start in range(0, len(chance), _CHANCE_BYTES)
    ]
    stem = uuid7_of(now_ms, 0)[:15]
    return [
        f"{stem}{value >> 62:03x}-{low[:4]}-{low[4:]}"
        for value in sorted(drawn)
        for low in (f"{_VARIANT | (value & _LOW_BITS):016x}",)
    ]
