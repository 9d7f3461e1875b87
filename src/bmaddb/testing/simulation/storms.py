"""Which of the rare and costly things a seed meets, besides what every seed meets.

Rules of this room: it follows from the number alone, so that a kept seed stays what it was when a new storm is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

WIDE_FROM: Final = 600_000
"""Seeds below it meet what there was when they were kept; those from here on meet everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storms:
    """What may happen in a run."""

    restores: bool = False
    """The server goes back to a backup."""
    again: bool = False
    """One backup is restored again and again."""
    upgrades: bool = False
    """Devices and server grow through three schema versions, each at its own time."""
    twins: bool = False
    """Some files are open in two processes."""
    wide: bool = False
    """The seed is of a number from which on everything may be met."""
    cards: bool = False
    """People work on cards: places in a list, sums, and what follows from both."""

    late_syncs: bool = False
    """Disks that can lose power are written at durability "normal": then the last commits go with it."""

    walks: bool = False
    """Devices can read a first sync as a stream."""

    @classmethod
    def of(cls, seed: int) -> Self:
        """Of eight seeds one has restores (some of the same backup, again and again), one upgrades, one twins.

        Of wide ones two in three have cards, four in seven disks at durability "normal", three in
        five stream first syncs.
        """
        everything = seed % 64 == 48
        wide = seed >= WIDE_FROM
        return cls(
            restores=seed % 8 == 0,
            again=seed % 32 == 16,
            upgrades=seed % 8 == 4 or everything,
            twins=seed % 8 == 2 or seed % 64 == 16,
            wide=wide,
            cards=wide and seed % 3 != 0,
            walks=wide and seed % 5 < 3,
            late_syncs=wide and seed % 7 < 4,
        )

    @property
    def shake_the_server(self) -> bool:
        """Does the run do what concerns everybody in its database?"""
        return self.restores or self.upgrades
