"""How much the monitor keeps, how often it looks closely, and what it calls too slow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorLimits:
    """Every number has a unit.

    A shape is measured in full at its first `measured_first` runs, then at one of `sample_every`; one that takes
    `always_time_us` or more on average is timed at every run, for there it costs next to nothing.
    """

    shapes_max: int = 256
    """Shapes kept apart; the rest is summed as one."""
    operations_max: int = 64
    texts_max: int = 4_096
    """Texts whose shape is remembered; then it is found out anew."""
    measured_first: int = 16
    sample_every: int = 64
    always_time_us: int = 1_000
    slow_statement_ms: int = 100
    """A run that takes longer is told as SlowQuery."""
    slow_operation_ms: int = 1_000
    calm_runs: int = 8
    """Something slow is told again only after so many measured runs in a row below half of the threshold."""
    failed_syncs: int = 3
    """So many failed syncs in a row raise an alarm; being offline is no failure."""
    cache_share_min: float = 0.8
    """Pages that should be found in memory; judged over `cache_pages_min` pages at a time."""
    cache_pages_min: int = 20_000
    signals_waiting_max: int = 256
