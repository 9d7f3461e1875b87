"""What an upkeep found and did."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the file takes, in bytes. `used` are pages that hold something; `free` ones go back to the system."""

    used_bytes: int
    free_bytes: int
    log_bytes: int
    attachment_bytes: int
    budget_bytes: int
    vacuums: bool
    """Can free pages be given back a few at a time? False in a file made before this was so (`rebuild()` it once), and
    in one that is encrypted (`rebuild()` it when it has many)."""

    @property
    def counted_bytes(self) -> int:
        """What counts against the budget: what is in use, and the attachments."""
        return self.used_bytes + self.attachment_bytes

    @property
    def share(self) -> float:
        """The part of the budget that is taken; 1 is all of it."""
        return self.counted_bytes / self.budget_bytes


class Ended(enum.StrEnum):
    """How a clean-up ended."""

    NOT_NEEDED = "not needed"
    """The file was below the share at which one begins."""
    DONE = "done"
    """It is below the share at which one ends."""
    STILL_OVER = "still over"
    """All that may go is gone; what is left is unsynced, young, or referred to."""
    STOPPED = "stopped"
    """Somebody asked it to stop; the next goes on from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """One step: rows that left their table (or files removed), bytes freed, transactions, and the longest of them."""

    name: str
    rows: int
    freed_bytes: int
    batches: int
    longest_ms: float
    duration_ms: float
    kept: str = ""
    """Why it left something it might have taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepReport:
    """The end of one clean-up."""

    ended: Ended
    before: Usage
    after: Usage
    steps: tuple[StepReport, ...]
    duration_ms: float

    @property
    def rows(self) -> int:
        return sum(step.rows for step in self.steps)

    @property
    def longest_ms(self) -> float:
        """The longest time a writer had to wait."""
        return max((step.longest_ms for step in self.steps), default=0.0)
