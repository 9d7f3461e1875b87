"""Operations by name: how often, how long, how many failed; a bounded number of names."""

from __future__ import annotations

import threading
from typing import Final

from bmaddb.monitor.alarms import Calm
from bmaddb.monitor.histogram import Histogram
from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.report import OperationFigures

OTHER: Final = "other"


class Operation:
    """The sums of one name."""

    def __init__(self, name: str, limits: MonitorLimits) -> None:
        self.name = name
        self.failed = 0
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
        )


class Operations:
    """Every operation seen; names beyond the limit are summed as one."""

    def __init__(self, limits: MonitorLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._by_name: dict[str, Operation] = {}

    def add(self, name: str, duration_us: int, *, ok: bool) -> bool:
        """One more has ended; the answer is whether it made its name a slow one."""
        with self._lock:
            if name not in self._by_name and len(self._by_name) >= self._limits.operations_max:
                name = OTHER
            operation = self._by_name.setdefault(name, Operation(name, self._limits))
            operation.times.add(duration_us)
            operation.failed += not ok
            return operation.calm.disturbed(duration_us)

    def figures(self) -> tuple[OperationFigures, ...]:
        """Each by its name."""
        with self._lock:
            return tuple(self._by_name[name].figures() for name in sorted(self._by_name))

    def slow(self) -> list[str]:
        """The names that are slow now."""
        with self._lock:
            return [name for name, operation in self._by_name.items() if operation.calm.raised]
