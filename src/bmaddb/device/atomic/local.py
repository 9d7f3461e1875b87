"""Operations within one local transaction: alone, or many in one, each with a savepoint of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb.device.atomic import journal
from bmaddb.device.atomic.bounds import Watch
from bmaddb.device.atomic.course import Course, Stopped
from bmaddb.device.atomic.operation import Operation, Rollback, Step
from bmaddb.device.atomic.result import BatchResult, Failure, OperationResult, Status
from bmaddb.device.atomic.rules import Check, CheckOutcome
from bmaddb.device.atomic.writing import raised, run_step
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.store.transaction import MANY_ROWS
from bmaddb.modules.sync_status import OperationJournal

BATCH_OPERATIONS_MAX: Final = 10_000
_OWN_FAULTS: Final = (e.RecordInvalid, e.RecordNotFound, e.ReadOnlyTable, e.RowArchived)
"""What the store says of one operation's rows."""
_BOUNDS: Final = (e.OperationCancelled, e.DeadlinePassed)


def run_one(store: Store, operation: Operation, watch: Watch) -> OperationResult:
    """The operation in a transaction of its own; when it fails the journal alone says that it was tried."""
    course = Course(operation, store, store)
    begun = False
    try:
        with store.write(while_waiting=watch.check) as tx:
            begun = True
            answer = answered(store, operation)
            if answer is not None:
                return answer
            result = _steps_and_checks(store, tx, course, watch)
            watch.check()
            journal.note(store, (journal.line_of(course, result, store.clock.now_ms()),))
    except Stopped as stopped:
        result = course.ended(Status.ROLLED_BACK, stopped.failure(course.undo()))
    except e.BmadError as error:  # the commit itself, or what comes before a step
        if not begun:
            return never_begun(store, (operation,), Failure(error=error))[0]
        result = course.ended(Status.ROLLED_BACK, Failure(error=error, undone=course.undo()))
    if result.status is Status.ROLLED_BACK:
        _note_failed(store, [(course, result)])
    return result


def run_batch(store: Store, operations: Sequence[Operation], watch: Watch) -> BatchResult:
    """All of them in one transaction: one that fails is undone alone; what is fatal undoes all."""
    ended: list[tuple[Course, OperationResult]] = []
    answers: dict[str, OperationResult] = {}
    try:
        with store.write(while_waiting=watch.check) as tx:
            standing = journal.known(store, [operation.id for operation in operations])
            if len(operations) >= MANY_ROWS:
                store.expect_many()
            for operation in operations:
                watch.check()
                line = standing.get(operation.id)
                answer = None if line is None else answer_of(line, operation)
                if answer is not None:
                    answers[operation.id] = answer
                else:
                    ended.append(_one_of_many(store, tx, operation, watch))
            watch.check()
            now_ms = store.clock.now_ms()
            journal.note(store, (journal.line_of(course, result, now_ms) for course, result in ended))
        fatal = None
    except e.BmadError as error:
        fatal = Failure(error=error, undone=_undone(ended))
        ended = [(course, _undone_too(course, result, fatal)) for course, result in ended]
        _note_failed(store, ended)
    results = answers | {course.operation.id: result for course, result in ended}
    if fatal is not None:
        unrun = [operation for operation in operations if operation.id not in results]
        results |= {result.operation_id: result for result in never_begun(store, unrun, fatal)}
    return BatchResult(
        results=tuple(results[operation.id] for operation in operations), duration_ms=watch.taken_ms(), fatal=fatal
    )


def never_begun(store: Store, operations: Sequence[Operation], failure: Failure) -> list[OperationResult]:
    """What is said of operations that did not get to run: how they stand, if they were run before; else the failure."""
    try:
        standing = journal.known(store, [operation.id for operation in operations])
    except e.BmadError:  # a file that cannot be read just now: then the failure alone is known
        standing = {}
    results = []
    for operation in operations:
        line = standing.get(operation.id)
        result = None if line is None else answer_of(line, operation)
        if result is None:
            result = OperationResult(
                operation_id=operation.id, type=operation.type, status=Status.ROLLED_BACK, failure=failure
            )
        results.append(result)
    return results


def answered(store: Store, operation: Operation) -> OperationResult | None:
    """The answer to an operation that was run before, asked within the transaction that would run it again."""
    line = journal.known(store, (operation.id,)).get(operation.id)
    return None if line is None else answer_of(line, operation)


def answer_of(line: OperationJournal, operation: Operation) -> OperationResult | None:
    """What is said to an operation that was run before; None when it may run (again)."""
    if line.op_type != operation.type:
        error = e.AtomicError(
            f"the id {line.id} is that of an operation '{line.op_type}'", hint="each operation has an id of its own"
        )
        return OperationResult(
            operation_id=operation.id, type=operation.type, status=Status.ROLLED_BACK, failure=Failure(error=error)
        )
    if line.status == Status.COMMITTED:
        return journal.repeated(line)
    if line.status in journal.UNFINISHED:
        return OperationResult(
            operation_id=line.id,
            type=operation.type,
            status=Status(line.status),
            failure=Failure(error=journal.unfinished_error(line)),
            repeated=True,
        )
    if line.status in (Status.COMPENSATED, Status.FAILED):
        error = e.AtomicError(f"operation {line.id} has ended {line.status}", hint="a new attempt takes a new id")
        return OperationResult(
            operation_id=line.id,
            type=operation.type,
            status=Status(line.status),
            failure=Failure(error=error),
            repeated=True,
        )
    return None


def run_steps(store: Store, tx: WriteTransaction, course: Course, steps: Sequence[Any], watch: Watch) -> None:
    """The local steps among these; Stopped, with nothing undone yet."""
    for step in steps:
        watch.check()
        run_step(store, tx, course, step)


def run_checks(course: Course) -> None:
    """Every check, on the rows as they are stored now; Stopped when one of them fails."""
    if not course.operation.checks:
        return
    for check in course.operation.checks:
        try:
            course.outcomes.append(_outcome(check(course.context), check))
        except Exception as error:
            raise Stopped(error if isinstance(error, e.BmadError) else raised(error)) from error
    failed = [outcome for outcome in course.outcomes if not outcome.ok]
    if failed:
        names = ", ".join(
            f"{outcome.name}: {outcome.message}" if outcome.message else outcome.name for outcome in failed
        )
        raise Stopped(e.CheckFailed(names), checks=failed)


def _outcome(said: Any, check: Check) -> CheckOutcome:
    """What a check said; one that says something else, or nothing, has found nothing out."""
    if not isinstance(said, CheckOutcome):
        name = getattr(check, "__name__", type(check).__name__)
        raise e.StepFailed(f"check '{name}' answered {type(said).__name__}", hint="a check answers a CheckOutcome")
    return said


def _steps_and_checks(store: Store, tx: WriteTransaction, course: Course, watch: Watch) -> OperationResult:
    if course.operation.strategy is Rollback.NONE:
        return _kept_as_far_as_it_came(store, tx, course, watch)
    run_steps(store, tx, course, course.operation.steps, watch)
    run_checks(course)
    return course.ended(Status.COMMITTED)


def _kept_as_far_as_it_came(store: Store, tx: WriteTransaction, course: Course, watch: Watch) -> OperationResult:
    """Strategy NONE: each step has a savepoint; what was done before one that fails stays."""
    try:
        for step in course.operation.steps:
            if isinstance(step, Step):
                _step_alone(store, tx, course, step, watch)
        run_checks(course)
    except Stopped as stopped:
        if _fatal(tx, stopped.error):
            raise
        return course.ended(Status.FAILED, stopped.failure(()))
    return course.ended(Status.COMMITTED)


def _step_alone(store: Store, tx: WriteTransaction, course: Course, step: Step, watch: Watch) -> None:
    watch.check()
    try:
        with store.savepoint():
            run_step(store, tx, course, step)
            store.check_references()
    except e.RecordInvalid as error:
        course.rows.pop(step.name, None)
        raise Stopped(error, step.name) from error


def _one_of_many(
    store: Store, tx: WriteTransaction, operation: Operation, watch: Watch
) -> tuple[Course, OperationResult]:
    course = Course(operation, store, store)
    try:
        with store.savepoint():
            result = _steps_and_checks(store, tx, course, watch)
            store.check_references()
    except Stopped as stopped:
        if _fatal(tx, stopped.error):
            raise stopped.error from stopped
        result = course.ended(Status.ROLLED_BACK, stopped.failure(course.undo()))
    except _OWN_FAULTS as error:
        result = course.ended(Status.ROLLED_BACK, Failure(error=error, undone=course.undo()))
    return course, result


def _fatal(tx: WriteTransaction, error: e.BmadError) -> bool:
    """Does it concern the whole transaction? Its bounds do, and what SQLite refuses of the file, not of a row."""
    if not tx.stands or isinstance(error, _BOUNDS):
        return True
    refused = isinstance(error, e.StoreError) and isinstance(error.__cause__, apsw.Error)
    return refused and not isinstance(error, _OWN_FAULTS)


def _undone(ended: Sequence[tuple[Course, OperationResult]]) -> tuple[str, ...]:
    """The operations that had gone well, the last first."""
    return tuple(course.operation.id for course, result in reversed(ended) if result.ok)


def _undone_too(course: Course, result: OperationResult, fatal: Failure) -> OperationResult:
    if result.status is Status.ROLLED_BACK:
        return result
    failure = Failure(error=fatal.error, undone=course.undo())
    return course.ended(Status.ROLLED_BACK, failure)


def _note_failed(store: Store, ended: Sequence[tuple[Course, OperationResult]]) -> None:
    """Say in the journal that they were tried; a file that takes nothing any more takes this neither."""
    if not ended:
        return
    now_ms = store.clock.now_ms()
    try:
        with store.write():
            journal.note(store, (journal.line_of(course, result, now_ms) for course, result in ended))
    except e.StoreError:
        return


def is_local(operation: Operation) -> bool:
    """Does it run within one local transaction?"""
    return operation.strategy is not Rollback.COMPENSATE
