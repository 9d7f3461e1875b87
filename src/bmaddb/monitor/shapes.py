"""Statements by shape: how often, how long, how many rows, and SQLite's own counters; a bounded number of them."""

from __future__ import annotations

import threading
from typing import Final, Protocol

from bmaddb.monitor.alarms import Calm
from bmaddb.monitor.histogram import Histogram
from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.report import ShapeFigures
from bmaddb.monitor.texts import shape_of

OTHER: Final = "other"
COUNT, TIME, ROWS = range(3)
"""How deeply a run is measured, as `device.store.probe.Depth` has it."""


class Run(Protocol):
    """What the store measured of one run; `device.store.probe.StatementRun`."""

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


class Shape:
    """The sums of one shape."""

    def __init__(self, text: str, limits: MonitorLimits) -> None:
        self.text = text
        self.calls = 0
        self.times = Histogram()
        self.calm = Calm(limits.slow_statement_ms * 1000, limits.calm_runs)
        self.counted = self.rows = self.changes = self.memory_bytes_max = 0
        self.full_scan_steps = self.sorts = self.automatic_indexes = self.machine_steps = 0
        self.page_hits = self.page_misses = 0
        self._limits = limits

    def wanted(self) -> int:
        """How deeply to measure the run that starts now."""
        limits = self._limits
        self.calls += 1
        if self.calls <= limits.measured_first or self.calls % limits.sample_every == 0:
            return ROWS
        return TIME if self.times.total_us >= limits.always_time_us * self.times.count else COUNT

    def add(self, run: Run) -> bool:
        """Add a measured run; the answer is whether it made the shape a slow one."""
        self.times.add(run.duration_us)
        if run.rows is not None:
            self.counted += 1
            self.rows += run.rows
        self.changes += run.changes
        self.full_scan_steps += run.full_scan_steps
        self.sorts += run.sorts
        self.automatic_indexes += run.automatic_indexes
        self.machine_steps += run.machine_steps
        self.memory_bytes_max = max(self.memory_bytes_max, run.memory_bytes)
        self.page_hits += run.page_hits
        self.page_misses += run.page_misses
        return self.calm.disturbed(run.duration_us)

    def figures(self) -> ShapeFigures:
        """The sums as they are now."""
        return ShapeFigures(
            shape=self.text,
            calls=self.calls,
            measured=self.times.count,
            total_us=self.times.total_us,
            p50_us=self.times.quantile_us(0.5),
            p95_us=self.times.quantile_us(0.95),
            p99_us=self.times.quantile_us(0.99),
            max_us=self.times.max_us,
            rows=self.rows,
            counted=self.counted,
            changes=self.changes,
            full_scan_steps=self.full_scan_steps,
            sorts=self.sorts,
            automatic_indexes=self.automatic_indexes,
            machine_steps=self.machine_steps,
            memory_bytes_max=self.memory_bytes_max,
            page_hits=self.page_hits,
            page_misses=self.page_misses,
            slow=self.calm.raised,
        )


class Shapes:
    """Every shape seen, found by the hash of a text: the text itself may hold values and is not kept."""

    def __init__(self, limits: MonitorLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._by_hash: dict[int, Shape] = {}
        self._by_text: dict[str, Shape] = {}
        self._other = Shape(OTHER, limits)

    def begin(self, text: str) -> int:
        """A statement starts; how deeply to measure it."""
        with self._lock:
            shape = self._by_hash.get(hash(text)) or self._met(text)
            return shape.wanted()

    def ended(self, text: str, run: Run) -> Shape | None:
        """A measured run is over; the answer is its shape when that became slow with it."""
        with self._lock:
            shape = self._by_hash.get(hash(text)) or self._met(text)
            return shape if shape.add(run) else None

    def figures(self) -> tuple[tuple[ShapeFigures, ...], ShapeFigures | None]:
        """Those kept apart, the most time first; and the sum of the rest."""
        with self._lock:
            each = [shape.figures() for shape in self._by_text.values()]
            other = self._other.figures() if self._other.calls else None
        return tuple(sorted(each, key=lambda figures: figures.time_us, reverse=True)), other

    def slow(self) -> list[str]:
        """The shapes that are slow now."""
        with self._lock:
            return [shape.text for shape in (*self._by_text.values(), self._other) if shape.calm.raised]

    def _met(self, text: str) -> Shape:
        if len(self._by_hash) >= self._limits.texts_max:
            self._by_hash.clear()
        bare = shape_of(text)
        shape = self._by_text.get(bare)
        if shape is None:
            full = len(self._by_text) >= self._limits.shapes_max
            shape = self._other if full else self._by_text.setdefault(bare, Shape(bare, self._limits))
        self._by_hash[hash(text)] = shape
        return shape
