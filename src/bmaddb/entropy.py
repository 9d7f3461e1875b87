"""The only door to chance: random bytes, and the ids and jitter made of them."""

from __future__ import annotations

import os
from typing import Protocol


class Entropy(Protocol):
    """What the rooms ask of chance; `SeededEntropy` is its repeatable twin."""

    def random_bytes(self, count: int) -> bytes:
        """`count` bytes, each value equally likely."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""
        ...


class SystemEntropy:
    """The operating system's source."""

    def random_bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def fraction(self) -> float:
        return int.from_bytes(os.urandom(7), "big") / (1 << 56)


class SeededEntropy:
    """A repeatable source: the same seed gives the same run. Not for secrets."""

    def __init__(self, seed: int) -> None:
        import random

        self._random = random.Random(seed)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def fraction(self) -> float:
        return self._random.random()


def uuid7(entropy: Entropy, now_ms: int) -> str:
    """A time-ordered id (RFC 9562, version 7): 48 bits of `now_ms`, then 74 random bits, as 36 characters."""
    return uuid7_of(now_ms, int.from_bytes(entropy.random_bytes(10), "big"))


def uuid7_of(now_ms: int, chance: int) -> str:
    """The id of that millisecond with the low 74 bits of `chance`: the low 62 of them last, the others in front."""
    front = (now_ms & 0xFFFF_FFFF_FFFF) << 16 | 0x7000 | chance >> 62 & 0xFFF
    text = f"{front << 64 | 0b10 << 62 | chance & 0x3FFF_FFFF_FFFF_FFFF:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
