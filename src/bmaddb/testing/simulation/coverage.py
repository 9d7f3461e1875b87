"""What a run met: each fault and event counted, so that nobody praises a simulator that tries nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

MUST_HAPPEN = (
    "write",
    "write rolled back",
    "sync",
    "request lost",
    "answer lost",
    "request doubled",
    "request delayed",
    "stale request delivered",
    "process killed",
    "other work during a call",
    "conflict",
    "operator writes",
    "operator commits late",
    "row moved to another user",
    "tombstones purged",
    "clock jumps",
    "resync",
    "entry parked",
    "power lost",
    "a value went bad",
    "server backed up",
    "server restored",
    "server upgraded",
    "device upgraded",
    "entries carried over",
    "answer cut in the middle",
    "sync refused: another process syncs this file",
    "sync refused: another process took over the sync of this file",
)
"""A long run in which one of these never happened has not tested what it says."""

MUST_HAPPEN_WIDE = (
    "cards merged by POS",
    "cards merged by FUN",
    "cards merged by DRV",
    "operator touches a card",
    "a summary worked out anew",
    "first sync streamed",
    "first sync goes on where its stream broke",
    "stream cut",
    "stream ended early",
    "stream refused",
    "written during a stream",
    "killed during a stream",
    "power lost at durability normal",
    "a commit went with the power",
)
"""The same of a long run of wide seeds (`storms.WIDE_FROM`)."""


class Coverage:
    """Counts by name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def note(self, what: str, times: int = 1) -> None:
        """It happened."""
        self._counts[what] += times

    def add(self, other: Mapping[str, int]) -> None:
        """What another run met."""
        self._counts.update(other)

    def as_dict(self) -> dict[str, int]:
        return dict(sorted(self._counts.items()))

    def missing(self, *, wide: bool) -> list[str]:
        """What must happen in a long run (of `wide` seeds) and did not."""
        return [name for name in (*MUST_HAPPEN, *(MUST_HAPPEN_WIDE if wide else ())) if not self._counts[name]]
