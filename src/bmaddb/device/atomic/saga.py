"""A saga: an operation of which some steps run outside of the file. It ends done, or undone.

Rules of this room: what a step outside may leave behind is written down before it begins; no lock of the file is held
while it runs; neighbouring local steps are one transaction, and the last of all says that the saga is done.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.atomic import alive, journal
from bmaddb.device.atomic.bounds import Watch
from bmaddb.device.atomic.compensation import Account, gave_up_error, outer_context, settle
from bmaddb.device.atomic.course import Course, Stopped
from bmaddb.device.atomic.ledger import Debt, Ledger, as_json, new_ledger
from bmaddb.device.atomic.local import answered, run_checks, run_steps
from bmaddb.device.atomic.operation import Action, Operation, OuterStep, Step
from bmaddb.device.atomic.result import Failure, OperationResult, Status
from bmaddb.device.atomic.turns import Turns
from bmaddb.device.atomic.writing import raised
from bmaddb.device.store import Store
from bmaddb.device.store.writer import WhileWaiting
from bmaddb.schema.records import deletable

_log: Final = logging.getLogger("bmaddb.atomic")
Part: TypeAlias = OuterStep | tuple[Step, ...]


def run_saga(store: Store, operation: Operation, watch: Watch, turns: Turns) -> OperationResult:
    """Every part in order; when one fails, what was done is undone, the last first. BmadError: it was never begun."""
    ledger = new_ledger(operation)
    with alive.running(store.path):
        saga = _Saga(store, operation, ledger, watch, turns)
        answer = saga.claimed()
        if answer is not None:
            return answer
        try:
            return saga.run()
        except Stopped as stopped:
            return saga.undo(stopped)
        except e.BmadError as error:
            return saga.undo(Stopped(error))
        except Exception as error:  # nothing that is done outside stays only because something here is mistaken
            return saga.undo(Stopped(raised(error)))


def parts_of(operation: Operation) -> tuple[Part, ...]:
    """The steps as they are run: each outer one alone, neighbouring local ones together."""
    return tuple(_parts(operation.steps))


def undoable(operation: Operation, store: Store) -> None:
    """AtomicError when rows of a step could not be taken back after they are committed, or facts cannot be kept."""
    new_ledger(operation)
    for part in parts_of(operation)[:-1]:
        for step in () if isinstance(part, OuterStep) else part:
            table = store.catalog.records[step.table].__table__
            if step.undo is None and (step.action is not Action.INSERT or not deletable(table)):
                raise e.AtomicError(
                    f"step '{step.name}' is committed before a later one may fail, and nothing says how it is undone",
                    hint="give it undo=, or let it come after the steps outside of the file",
                )


class _Saga:
    """One saga under way."""

    def __init__(self, store: Store, operation: Operation, ledger: Ledger, watch: Watch, turns: Turns) -> None:
        self._store, self._operation, self._ledger = store, operation, ledger
        self._watch, self._turns = watch, turns
        self._course = Course(operation, store, store)
        self._parts = parts_of(operation)

    def claimed(self) -> OperationResult | None:
        """Say that it runs, so that nobody else runs it; or what is said to who comes again.

        While it does not say so, the journal's line of this id is somebody else's. It need not survive a power cut:
        what comes first says it again, and durably.
        """
        with self._store.write(while_waiting=self._watch.check):
            answer = answered(self._store, self._operation)
            if answer is None:
                self._line(self._course.ended(Status.RUNNING), finished=False)
        return answer

    def run(self) -> OperationResult:
        checked_after = max((i for i, part in enumerate(self._parts) if not isinstance(part, OuterStep)), default=-1)
        for place, part in enumerate(self._parts):
            self._watch.check()
            if isinstance(part, OuterStep):
                self._outside(part)
            else:
                self._inside(part, checked=place == checked_after, last=place == len(self._parts) - 1)
        if isinstance(self._parts[-1], OuterStep):
            if checked_after < 0:
                run_checks(self._course)
            self._note(self._course.ended(Status.COMMITTED), finished=True)
        return self._course.ended(Status.COMMITTED)

    def undo(self, stopped: Stopped) -> OperationResult:
        """What was begun is undone as far as it can be now; the rest is tried again by `resume`."""
        status = Status.COMPENSATING if self._ledger.debts else Status.ROLLED_BACK
        self._course.rows.clear()
        self._course.rows.update(self._ledger.rows)
        try:
            self._note(self._course.ended(status, stopped.failure(())), finished=not self._ledger.debts)
            if self._ledger.debts:
                steps = {step.name: step for step in self._operation.steps}
                status = settle(self._store, Account(self._operation.id, self._ledger, steps))
        except e.StoreError as error:  # the file takes nothing any more; what it said last is undone by a later resume
            _log.warning("operation %s could not be undone yet: %s", self._operation.id, error)
        self._course.rows.clear()
        self._course.rows.update(self._ledger.rows)
        failure = Failure(
            error=gave_up_error(self._ledger) if status is Status.FAILED else stopped.error,
            step=stopped.step,
            violations=stopped.violations,
            checks=stopped.checks,
            undone=self._ledger.undone,
            left=self._ledger.left,
        )
        return self._course.ended(status, failure)

    def _outside(self, step: OuterStep) -> None:
        debt = Debt(steps=[step.name], outside=True)
        self._ledger.debts.append(debt)
        try:
            self._note(self._course.ended(Status.RUNNING), while_waiting=self._watch.check)
        except e.BmadError:
            self._ledger.debts.remove(debt)
            raise
        try:
            answer = step.do(outer_context(self._operation.id, self._ledger, step.name))
            debt.result = as_json(answer, f"what step '{step.name}' answered")
        except e.BmadError as error:
            raise Stopped(error, step.name) from error
        except Exception as error:
            raise Stopped(raised(error), step.name) from error
        debt.answered = True
        self._course.results[step.name] = debt.result

    def _inside(self, steps: Sequence[Step], *, checked: bool, last: bool) -> None:
        course = self._course
        before = dict(course.rows)
        debt = Debt(steps=[step.name for step in steps], outside=False)
        try:
            with self._turns.turn(self._watch), self._store.write(while_waiting=self._watch.check) as tx:
                run_steps(self._store, tx, course, steps, self._watch)
                if checked:
                    run_checks(course)
                debt.rows = {step.name: list(course.rows[step.name]) for step in steps}
                self._ledger.debts.append(debt)
                self._line(course.ended(Status.COMMITTED if last else Status.RUNNING), finished=last)
        except BaseException:
            course.rows.clear()
            course.rows.update(before)
            if debt in self._ledger.debts:
                self._ledger.debts.remove(debt)
            raise

    def _note(
        self, result: OperationResult, *, finished: bool = False, while_waiting: WhileWaiting | None = None
    ) -> None:
        with self._store.apply("local", durable=True, while_waiting=while_waiting):
            self._line(result, finished=finished)

    def _line(self, result: OperationResult, *, finished: bool) -> None:
        """Say in this thread's write how it stands; what is done owes nothing any more."""
        now_ms = self._store.clock.now_ms() if finished else None
        owed = "[]" if result.status is Status.COMMITTED else self._ledger.text()
        journal.note(self._store, (journal.line_of(self._course, result, now_ms, owed),))


def _parts(steps: Sequence[Step | OuterStep]) -> Iterator[Part]:
    for outside, group in groupby(steps, key=lambda step: isinstance(step, OuterStep)):
        if outside:
            yield from (step for step in group if isinstance(step, OuterStep))
        else:
            yield tuple(step for step in group if isinstance(step, Step))
