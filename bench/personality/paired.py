"""Paired statistics: the same trace under two policies, the difference of each pair, and how sure its mean is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

RESAMPLES = 10_000


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Of `pairs` pairs: the mean, its 95 % bootstrap interval, the worst pair, the one at the 5th percentile."""

    pairs: int
    mean: float
    low: float
    high: float
    worst: float
    fifth: float
    p: float


def difference(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = 1) -> Difference:
    """What `values`, one for each pair, say of their mean; `p` is two-sided, by the normal law."""
    chance = random.Random(seed)
    count = len(values)
    mean = sum(values) / count
    if min(values) == max(values):
        return Difference(pairs=count, mean=mean, low=mean, high=mean, worst=mean, fifth=mean, p=float(mean == 0.0))
    means = sorted(sum(chance.choices(values, k=count)) / count for _ in range(resamples))
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (count - 1) / count)
    ordered = sorted(values)
    return Difference(
        pairs=count,
        mean=mean,
        low=means[int(0.025 * resamples)],
        high=means[int(0.975 * resamples) - 1],
        worst=ordered[0],
        fifth=ordered[int(0.05 * (count - 1))],
        p=erfc(abs(mean) / spread / sqrt(2)),
    )


def holm(p_values: Sequence[float], level: float = 0.05) -> list[bool]:
    """Which of these tests are significant together, after Holm."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    significant = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > level / (len(p_values) - rank):
            break
        significant[place] = True
    return significant
