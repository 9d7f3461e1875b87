"""Operations by name: how often, how long, how many failed; a bounded number of names."""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Final

from bmaddb.monitor.alarms import Calm
from bmaddb.monitor.histogram import Histogram
from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.report import OperationFigures
from bmaddb.monitor.tally import Tally

OTHER: Final = "other"


class Operation:
    """The sums of one name."""

    def __init__(self, name: str, limits: MonitorLimits) -> None:
        self.name = name
        self.failed = 0
        self.measured = 0
        self.tally = Tally()
        self.times = Histogram()
        self.calm = Calm(limits.slow_operation_ms * 1000, limits.calm_runs)

    def figures(self) -> OperationFigures:
        """The sums as they are now."""
        return OperationFigures(
            name=self.name,
            count=self.times.count,
            failed=self.failed,
            p50_us=self.times.quantile_us(0.5),
            p95_us=self.times.quantile_us(0.95),
            p99_us=self.times.quantile_us(0.99),
            max_us=self.times.max_us,
            slow=self.calm.raised,
            measured=self.measured,
            **asdict(self.tally),
        )


class Operations:
    """Every operation seen; names beyond the limit are summed as one."""

    def __init__(self, limits: MonitorLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._by_name: dict[str, Operation] = {}

    def wants(self, name: str) -> bool:
        """Should the statements of the next operation of this name be measured?"""
        with self._lock:
            done = self._of(name).times.count
        return done < self._limits.measured_first or done % self._limits.sample_every == 0

    def add(self, name: str, duration_us: int, *, ok: bool, tally: Tally | None = None) -> bool:
        """One more has ended; the answer is whether it made its name a slow one."""
        with self._lock:
            operation = self._of(name)
            if tally is not None:
                operation.measured += 1
                operation.tally.include(tally)
            operation.times.add(duration_us)
            operation.failed += not ok
            return operation.calm.disturbed(duration_us)

    def figures(self) -> tuple[OperationFigures, ...]:
        """Each by its name."""
        with self._lock:
            ended = sorted(name for name, operation in self._by_name.items() if operation.times.count)
            return tuple(self._by_name[name].figures() for name in ended)

    def slow(self) -> list[str]:
        """The names that are slow now."""
        with self._lock:
            return [name for name, operation in self._by_name.items() if operation.calm.raised]

    def _of(self, name: str) -> Operation:
        if name not in self._by_name and len(self._by_name) >= self._limits.operations_max:
            name = OTHER
        return self._by_name.setdefault(name, Operation(name, self._limits))
