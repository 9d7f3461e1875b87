"""`Operations`: runs them, one at a time, in turns.

Rules of this room: what an operation meets is said in its result and not raised; what is raised is a mistake of
whoever wrote it, and nothing was begun then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from bmaddb import errors as e
from bmaddb.device.atomic.bounds import Bounds, Watch
from bmaddb.device.atomic.course import declared
from bmaddb.device.atomic.local import BATCH_OPERATIONS_MAX, is_local, run_batch, run_one
from bmaddb.device.atomic.operation import Operation
from bmaddb.device.atomic.result import BatchResult, Failure, OperationResult, Status
from bmaddb.device.atomic.turns import WAITING_MAX, Turns
from bmaddb.device.store import Store
from bmaddb.signals import OperationEnded

_UNBOUND: Final = Bounds()


class Operations:
    """The operations of one file. Usable from any thread."""

    def __init__(self, store: Store, *, waiting_max: int = WAITING_MAX) -> None:
        self._store = store
        self.turns = Turns(waiting_max)

    def execute(self, operation: Operation, bounds: Bounds = _UNBOUND) -> OperationResult:
        """Run it: all of it, or none. See the result; AtomicError for one that is declared wrongly, or in a write."""
        self._acceptable((operation,))
        watch = Watch(self._store.clock, bounds)
        try:
            with self.turns.turn(watch):
                result = run_one(self._store, operation, watch)
        except e.AtomicError as error:
            result = _never_begun(operation, error)
        result = msgspec.structs.replace(result, duration_ms=watch.taken_ms())
        self._tell((result,))
        return result

    def execute_batch(self, operations: Sequence[Operation], bounds: Bounds = _UNBOUND) -> BatchResult:
        """Run them in one transaction, one entry of the outbox; one that fails is undone alone.

        A fault that is not one operation's (the disk, the deadline, a cancellation) undoes all, the last first.
        """
        self._acceptable(operations)
        watch = Watch(self._store.clock, bounds)
        try:
            with self.turns.turn(watch):
                batch = run_batch(self._store, operations, watch)
        except e.AtomicError as error:
            results = tuple(_never_begun(operation, error) for operation in operations)
            batch = BatchResult(results=results, duration_ms=watch.taken_ms(), fatal=Failure(error=error))
        self._tell(batch.results)
        return replace(batch, duration_ms=watch.taken_ms())

    def _acceptable(self, operations: Sequence[Operation]) -> None:
        if self._store.writes_here:
            raise e.AtomicError("an operation cannot run inside a write", hint="it is a transaction of its own")
        if len(operations) > BATCH_OPERATIONS_MAX:
            raise e.AtomicError(f"{len(operations)} operations in one batch", hint=f"at most {BATCH_OPERATIONS_MAX}")
        if len({operation.id for operation in operations}) < len(operations):
            raise e.AtomicError("two operations of a batch have one id")
        for operation in operations:
            declared(operation, self._store)
            if len(operations) > 1 and not is_local(operation):
                raise e.AtomicError(f"operation '{operation.type}' runs outside of the file, and not in a batch")

    def _tell(self, results: Sequence[OperationResult]) -> None:
        signals = self._store.signals
        if not signals.heard(OperationEnded):
            return
        for result in results:
            signals.emit(
                OperationEnded(
                    id=result.operation_id,
                    type=result.type,
                    status=result.status.value,
                    duration_ms=result.duration_ms,
                    rows=sum(len(ids) for _, ids in result.rows),
                    code=None if result.failure is None else result.failure.code,
                )
            )


def _never_begun(operation: Operation, error: e.AtomicError) -> OperationResult:
    return OperationResult(
        operation_id=operation.id, type=operation.type, status=Status.ROLLED_BACK, failure=Failure(error=error)
    )
