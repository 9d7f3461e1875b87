"""Durations in fixed logarithmic buckets: small, never growing, and their quantiles within an eighth."""

from __future__ import annotations

from typing import Final

_PARTS: Final = 8
"""Buckets of one doubling."""
VALUE_US_MAX: Final = 2**36 - 1
"""19 hours; what takes longer counts as that."""


class Histogram:
    """How often something took how many microseconds."""

    __slots__ = ("_buckets", "count", "max_us", "total_us")

    def __init__(self) -> None:
        self._buckets: dict[int, int] = {}
        self.count = 0
        self.total_us = 0
        self.max_us = 0

    def add(self, value_us: int) -> None:
        """One more; below 0 counts as 0."""
        value = min(max(value_us, 0), VALUE_US_MAX)
        bucket = _bucket(value)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.count += 1
        self.total_us += value
        self.max_us = max(self.max_us, value)

    def quantile_us(self, share: float) -> int:
        """What this share of them took at most, rounded up within an eighth; 0 when there are none."""
        wanted = share * self.count
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= wanted:
                return min(_highest(bucket), self.max_us)
        return self.max_us

    @property
    def mean_us(self) -> float:
        return self.total_us / self.count if self.count else 0.0


def _bucket(value: int) -> int:
    """The first 8 values have buckets of their own; from there on, 8 to each doubling."""
    shift = max(value.bit_length() - _PARTS.bit_length(), 0)
    return shift * _PARTS + (value >> shift)


def _highest(bucket: int) -> int:
    """The greatest value of a bucket."""
    if bucket < 2 * _PARTS:
        return bucket
    shift = bucket // _PARTS - 1
    return ((bucket % _PARTS + _PARTS + 1) << shift) - 1
