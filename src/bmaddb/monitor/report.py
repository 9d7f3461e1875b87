"""What a monitor has seen, as frozen values; `as_json` of them is what a file may keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeFigures:
    """One shape of statement. All but `calls` is of the runs that were measured; `rows` of those that were counted.

    Times are microseconds, quantiles rounded up within an eighth. A full scan step is a row passed in search of
    others; an automatic index is one SQLite built for this run alone.
    """

    shape: str
    calls: int
    measured: int
    total_us: int
    p50_us: int
    p95_us: int
    p99_us: int
    max_us: int
    rows: int
    counted: int
    changes: int
    full_scan_steps: int
    sorts: int
    automatic_indexes: int
    machine_steps: int
    memory_bytes_max: int
    page_hits: int
    page_misses: int
    slow: bool

    @property
    def time_us(self) -> float:
        """About how long all its calls took together: the mean of those measured, times the calls."""
        return self.total_us / self.measured * self.calls if self.measured else 0.0

    @property
    def cache_share(self) -> float | None:
        """Of the pages it touched, the part that was in memory; None when it touched none."""
        pages = self.page_hits + self.page_misses
        return self.page_hits / pages if pages else None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFigures:
    """One kind of operation: a sync, a clean-up, an atomic operation, one of the application's own."""

    name: str
    count: int
    failed: int
    p50_us: int
    p95_us: int
    p99_us: int
    max_us: int
    slow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorReport:
    """Since `since_ms`. Shapes that took the most time first; `alarms` are the thresholds that are crossed now.

    `other` sums the shapes beyond the limit. `commits` by origin.
    """

    recording: bool
    since_ms: int | None
    shapes: tuple[ShapeFigures, ...]
    other: ShapeFigures | None
    operations: tuple[OperationFigures, ...]
    commits: dict[str, int]
    alarms: tuple[str, ...]
    signals_dropped: int
