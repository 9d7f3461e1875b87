"""Chance for a simulation: every choice comes from one seed, so one seed gives one run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeVar

from bmaddb.entropy import SeededEntropy

T = TypeVar("T")


class Dice:
    """Choices out of one seed. `split` gives dice of their own, so that one actor's choices do not move another's."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._entropy = SeededEntropy(seed)

    def split(self, name: str) -> Dice:
        """Other dice, decided by this seed and `name`."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return Dice(int.from_bytes(digest[:8], "big"))

    def entropy(self) -> SeededEntropy:
        """An entropy of its own, for a device."""
        return SeededEntropy(int.from_bytes(self._entropy.random_bytes(8), "big"))

    def chance(self, probability: float) -> bool:
        """True in `probability` of all cases."""
        return self._entropy.fraction() < probability

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self._entropy.fraction() * (high - low + 1))

    def choice(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[self.number(0, len(items) - 1)]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, as often as its weight says."""
        left = self._entropy.fraction() * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return list(weights)[-1]
