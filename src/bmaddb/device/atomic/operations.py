"""`Operations`: runs them, one at a time, in turns.

Rules of this room: what an operation meets is said in its result and not raised; what is raised is a mistake of
whoever wrote it, and nothing was begun then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from bmaddb import errors as e
from bmaddb.device.atomic.bounds import Bounds, Watch
from bmaddb.device.atomic.compensation import AnyStep
from bmaddb.device.atomic.course import check_kinds, declared
from bmaddb.device.atomic.local import BATCH_OPERATIONS_MAX, is_local, never_run, run_batch, run_one
from bmaddb.device.atomic.operation import Operation
from bmaddb.device.atomic.result import BatchResult, Failure, OperationResult, Status
from bmaddb.device.atomic.resuming import ResumeReport, resume
from bmaddb.device.atomic.saga import run_saga, undoable
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
        self._acceptable((operation,), batch=False)
        watch = Watch(self._store.clock, bounds)
        try:
            if is_local(operation):
                with self.turns.turn(watch):
                    result = run_one(self._store, operation, watch)
            else:
                result = self._saga(operation, watch)
        except e.BmadError as error:
            result = never_begun(self._store, operation, error)
        result = msgspec.structs.replace(result, duration_ms=watch.taken_ms())
        self._tell((result,))
        return result

    def execute_batch(self, operations: Sequence[Operation], bounds: Bounds = _UNBOUND) -> BatchResult:
        """Run them in one transaction, one entry of the outbox; one that fails is undone alone.

        A fault that is not one operation's (the disk, the deadline, a cancellation) undoes all, the last first.
        """
        self._acceptable(operations, batch=True)
        watch = Watch(self._store.clock, bounds)
        try:
            with self.turns.turn(watch):
                batch = run_batch(self._store, operations, watch)
        except e.AtomicError as error:
            batch = no_batch(self._store, operations, error)
        self._tell(batch.results)
        return replace(batch, duration_ms=watch.taken_ms())

    def resume(self, steps: Mapping[str, Sequence[AnyStep]]) -> ResumeReport:
        """Undo the sagas that were cut off, or whose compensation failed and is due again.

        `steps`: operation type -> the steps that operations of it are made of, as they were then; one of another type,
        or of other steps, is left alone and reported. Each compensation is tried once; call it again at `due_ms`.
        """
        if self._store.holds_still:
            raise e.AtomicError(
                "resume() cannot run inside a write or a snapshot", hint="it would not see what is undone already"
            )
        return resume(self._store, steps)

    def _acceptable(self, operations: Sequence[Operation], *, batch: bool) -> None:
        if self._store.writes_here:
            raise e.AtomicError("an operation cannot run inside a write", hint="it is a transaction of its own")
        if len(operations) > BATCH_OPERATIONS_MAX:
            raise e.AtomicError(f"{len(operations)} operations in one batch", hint=f"at most {BATCH_OPERATIONS_MAX}")
        for operation in operations:
            check_kinds(operation)
        if len({operation.id for operation in operations}) < len(operations):
            raise e.AtomicError("two operations of a batch have one id")
        for operation in operations:
            declared(operation, self._store)
            if not is_local(operation):
                if batch:
                    raise e.AtomicError(f"operation '{operation.type}' is a saga, and cannot be one of a batch")
                undoable(operation, self._store)

    def _saga(self, operation: Operation, watch: Watch) -> OperationResult:
        try:
            return run_saga(self._store, operation, watch, self.turns)
        except BaseException as error:
            if not isinstance(error, Exception):  # cut off, as by Ctrl-C: who undoes such in the background is told
                cut_off = OperationResult(operation_id=operation.id, type=operation.type, status=Status.RUNNING)
                self._tell((msgspec.structs.replace(cut_off, duration_ms=watch.taken_ms()),))
            raise

    def _tell(self, results: Sequence[OperationResult]) -> None:
        signals = self._store.signals
        if not signals.heard(OperationEnded):
            return
        for result in results:
            signals.emit(
                OperationEnded(
                    id=result.operation_id,
                    type=result.type,
                    ok=result.ok,
                    duration_us=round(result.duration_ms * 1000),
                    status=result.status.value,
                    rows=sum(len(ids) for _, ids in result.rows),
                    code=None if result.failure is None else result.failure.code,
                )
            )


def no_batch(store: Store, operations: Sequence[Operation], error: e.AtomicError) -> BatchResult:
    """What is said of a batch that did not get its turn."""
    fatal = Failure(error=error)
    return BatchResult(results=tuple(never_run(store, operations, fatal)), duration_ms=0.0, fatal=fatal)


def never_begun(store: Store, operation: Operation, error: e.BmadError) -> OperationResult:
    """What is said of an operation that did not get its turn."""
    return never_run(store, (operation,), Failure(error=error))[0]
