"""After a crash, or when a compensation failed: unfinished sagas are undone, as far as they are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bmaddb.device.atomic import alive, journal
from bmaddb.device.atomic.compensation import Account, AnyStep, settle
from bmaddb.device.atomic.ledger import read_ledger
from bmaddb.device.atomic.result import Status
from bmaddb.device.store import Store
from bmaddb.modules.sync_status import OperationJournal

RESUMED_MAX: Final = 1_000
"""Unfinished sagas that one resume looks at, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeReport:
    """Ids of operations. `busy`: a saga runs just now, so that nothing was touched."""

    compensated: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """A compensation failed, and is tried again when it is due: `due_ms` is the first such moment."""
    failed: tuple[str, ...] = ()
    """A compensation was given up; the journal says which, and why."""
    unknown: tuple[str, ...] = ()
    """Nobody has given the steps of this type."""
    due_ms: int | None = None
    busy: bool = False


def resume(store: Store, steps: Mapping[str, Sequence[AnyStep]]) -> ResumeReport:
    """Undo what was cut off. `steps`: operation type -> the steps that operations of it are made of."""
    if not journal.unfinished(store, 1):
        return ResumeReport()
    with alive.alone(store.path) as nobody_runs_one:
        if not nobody_runs_one:
            return ResumeReport(busy=True)
        ends: dict[Status | None, list[str]] = {}
        due_ms: list[int] = []
        for line in journal.unfinished(store, RESUMED_MAX):
            status, due = _one(store, line, steps.get(line.op_type, ()))
            ends.setdefault(status, []).append(line.id)
            due_ms += due
    return ResumeReport(
        compensated=tuple(ends.get(Status.COMPENSATED, ())),
        waiting=tuple(ends.get(Status.COMPENSATING, ())),
        failed=tuple(ends.get(Status.FAILED, ())),
        unknown=tuple(ends.get(None, ())),
        due_ms=min(due_ms, default=None),
    )


def _one(store: Store, line: OperationJournal, steps: Sequence[AnyStep]) -> tuple[Status | None, list[int]]:
    ledger = read_ledger(line.compensations)
    account = Account(line.id, ledger, {step.name: step for step in steps})
    if account.lacks():
        return None, []
    status = settle(store, account)
    waiting = [debt.due_ms for debt in ledger.debts if debt.open and debt.attempts]
    return status, waiting if status is Status.COMPENSATING else []
