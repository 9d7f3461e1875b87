"""Ids of many new rows: uuid7 text, ascending within one call."""

from __future__ import annotations

import struct

import msgspec

from bmaddb.entropy import Entropy, uuid7, uuid7_of

_CHANCE_BYTES = 10
_TEN_BYTES = struct.Struct(">HQ")
_HIGH_BITS = (1 << 10) - 1
"""Of the 80 bits that are drawn for an id the lowest 74 are in it."""
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
    drawn = [(high & _HIGH_BITS) << 64 | low for high, low in _TEN_BYTES.iter_unpack(chance)]
    drawn.sort()
    stem = uuid7_of(now_ms, 0)[:15]
    texts = [f"{(value >> 62) << 64 | _VARIANT | value & _LOW_BITS:019x}" for value in drawn]
    return [f"{stem}{text[:3]}-{text[3:7]}-{text[7:]}" for text in texts]
