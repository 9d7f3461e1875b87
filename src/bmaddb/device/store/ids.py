"""Ids of new rows: uuid7 text, ascending within one call."""

from __future__ import annotations

from bmaddb.entropy import Entropy

_CHANCE_BYTES = 10
_CHANCE_BITS = 74


def new_ids(entropy: Entropy, now_ms: int, count: int) -> list[str]:
    """`count` ids (RFC 9562, version 7) of one millisecond, sorted, so that an index grows at its end."""
    chance = entropy.random_bytes(_CHANCE_BYTES * count)
    drawn = [
        int.from_bytes(chance[start : start + _CHANCE_BYTES], "big") & ((1 << _CHANCE_BITS) - 1)
        for start in range(0, len(chance), _CHANCE_BYTES)
    ]
    head = f"{now_ms & 0xFFFF_FFFF_FFFF:012x}"
    stem = f"{head[:8]}-{head[8:]}-7"
    return [_written(stem, value) for value in sorted(drawn)]


def _written(stem: str, chance: int) -> str:
    low = f"{0b10 << 62 | (chance & 0x3FFF_FFFF_FFFF_FFFF):016x}"
    return f"{stem}{chance >> 62:03x}-{low[:4]}-{low[4:]}"
