"""What the statements of one operation took together, on the thread that runs it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol


class Run(Protocol):
    """What the store measured of one run of a statement; `device.store.probe.StatementRun`."""

    @property
    def duration_us(self) -> int: ...
    @property
    def rows(self) -> int | None: ...
    @property
    def changes(self) -> int: ...
    @property
    def full_scan_steps(self) -> int: ...
    @property
    def sorts(self) -> int: ...
    @property
    def automatic_indexes(self) -> int: ...
    @property
    def machine_steps(self) -> int: ...
    @property
    def memory_bytes(self) -> int: ...
    @property
    def page_hits(self) -> int: ...
    @property
    def page_misses(self) -> int: ...


@dataclass(slots=True)
class Tally:
    """Sums over the statements of one operation, or of many."""

    statements: int = 0
    rows: int = 0
    changes: int = 0
    full_scan_steps: int = 0
    sorts: int = 0
    memory_bytes_max: int = 0
    page_hits: int = 0
    page_misses: int = 0

    def add(self, run: Run) -> None:
        """One more statement."""
        self.statements += 1
        self.rows += run.rows or 0
        self.changes += run.changes
        self.full_scan_steps += run.full_scan_steps
        self.sorts += run.sorts
        self.memory_bytes_max = max(self.memory_bytes_max, run.memory_bytes)
        self.page_hits += run.page_hits
        self.page_misses += run.page_misses

    def include(self, other: Tally) -> None:
        """All that another counted too: an operation inside this one."""
        self.statements += other.statements
        self.rows += other.rows
        self.changes += other.changes
        self.full_scan_steps += other.full_scan_steps
        self.sorts += other.sorts
        self.memory_bytes_max = max(self.memory_bytes_max, other.memory_bytes_max)
        self.page_hits += other.page_hits
        self.page_misses += other.page_misses


class Here(threading.local):
    """The innermost operation this thread is in, when its statements are to be measured."""

    tally: Tally | None = None
    of: str | None = None
    """The operation of several steps whose statements these are; it tells by itself that it has ended."""
