"""Thresholds with hysteresis: told once when crossed, and once when it is well on the other side again."""

from __future__ import annotations


class Calm:
    """Something that is raised by one value above a threshold, and calm after enough in a row below half of it."""

    __slots__ = ("_calm_runs", "_still", "_threshold", "raised")

    def __init__(self, threshold: int, calm_runs: int) -> None:
        self._threshold = threshold
        self._calm_runs = calm_runs
        self._still = 0
        self.raised = False

    def disturbed(self, value: int) -> bool:
        """Look at one value; was it raised by it?"""
        if value > self._threshold:
            self._still = 0
            was, self.raised = self.raised, True
            return not was
        if self.raised:
            self._still = self._still + 1 if value * 2 < self._threshold else 0
            self.raised = self._still < self._calm_runs
        return False


class Alarm:
    """A measure with a bad end: raised at `raise_at`, taken back at `clear_at`, silent between the two.

    The bad end is above when `raise_at` is the greater, else below.
    """

    def __init__(self, name: str, *, raise_at: float, clear_at: float) -> None:
        self.name = name
        self.raise_at = raise_at
        self.clear_at = clear_at
        self.raised = False

    def look(self, value: float) -> bool:
        """Look at the measure; did it cross?"""
        sign = 1 if self.raise_at >= self.clear_at else -1
        if not self.raised and value * sign >= self.raise_at * sign:
            self.raised = True
            return True
        if self.raised and value * sign <= self.clear_at * sign:
            self.raised = False
            return True
        return False
