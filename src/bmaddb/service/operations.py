"""`db.operations`: operations on their way in: shaped for the user, measured, run in turns.

Rules of this room: it joins rooms and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from bmaddb.device.atomic import (
    BatchResult,
    Bounds,
    Operation,
    OperationResult,
    Operations,
    OuterStep,
    ResumeReport,
    Step,
)
from bmaddb.device.atomic.course import check_kinds
from bmaddb.device.atomic.resumer import Resumer
from bmaddb.device.store import Store

if TYPE_CHECKING:
    from bmaddb.monitor import Monitor

Shape: TypeAlias = Callable[[Operation], Operation]
"""Gives the operation back as it is to be run: with other facts, steps or checks; the same id."""
_UNBOUND: Final = Bounds()


class OperationDesk:
    """Takes operations of one database. What they end with is told as the signal `OperationEnded`."""

    def __init__(self, store: Store, *first: Shape, monitor: Callable[[], Monitor | None]) -> None:
        self.shapes: list[Shape] = list(first)
        """Called in order before an operation is run; one that raises refuses it."""
        self._store = store
        self._monitor = monitor
        self._operations = Operations(store)
        self._resumer: Resumer | None = None

    @property
    def waiting(self) -> int:
        """How many operations wait for their turn just now."""
        return self._operations.turns.waiting

    def execute(self, operation: Operation, bounds: Bounds | None = None) -> OperationResult:
        monitor = self._monitor()
        with nullcontext() if monitor is None else monitor.measuring(operation.type):
            return self._operations.execute(self._shaped(operation), bounds or _UNBOUND)

    def execute_batch(self, operations: Sequence[Operation], bounds: Bounds | None = None) -> BatchResult:
        return self._operations.execute_batch([self._shaped(one) for one in operations], bounds or _UNBOUND)

    def resume(self, steps: Mapping[str, Sequence[Step | OuterStep]], *, again: bool = False) -> ResumeReport:
        report = self._operations.resume(steps)
        if again:
            self.stop()
            self._resumer = Resumer(self._store, partial(self._operations.resume, dict(steps)))
            self._resumer.start(report)
        return report

    def stop(self) -> None:
        """Undo nothing in the background any more; again is fine."""
        if self._resumer is not None:
            self._resumer.stop()
            self._resumer = None

    def _shaped(self, operation: Operation) -> Operation:
        check_kinds(operation)
        for shape in tuple(self.shapes):
            operation = shape(operation)
        return operation
