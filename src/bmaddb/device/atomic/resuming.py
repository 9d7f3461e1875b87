"""After a crash, or when a compensation failed: unfinished sagas are undone, as far as they are due.

Rules of this room: whatever is wrong with one saga, the others are undone.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bmaddb import errors as e
from bmaddb.device.atomic import alive, journal
from bmaddb.device.atomic.compensation import Account, AnyStep, settle
from bmaddb.device.atomic.ledger import read_ledger
from bmaddb.device.atomic.result import Status
from bmaddb.device.outbox.retry import is_due
from bmaddb.device.store import Store
from bmaddb.modules.sync_status import OperationJournal

RESUMED_MAX: Final = 1_000
"""Unfinished sagas that one resume undoes, the oldest first; what waits or is unknown does not count."""
LOOKED_AT_MAX: Final = 100_000
"""Unfinished sagas that one resume looks at."""
ODD_WAIT_MS: Final = 60_000
"""Until the next look at one that could not be looked at."""
_log: Final = logging.getLogger("bmaddb.atomic")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeReport:
    """Ids of operations. `busy`: a saga runs just now, so that nothing was touched."""

    compensated: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    """A compensation failed, or its line cannot be read; it is tried again when it is due: `due_ms` is the first such
    moment.
    """
    failed: tuple[str, ...] = ()
    """A compensation was given up; the journal says which, and why."""
    unknown: tuple[str, ...] = ()
    """Nobody has given the steps of this type, or not as they were; nothing of it was touched."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Unknown one -> what is missing."""
    due_ms: int | None = None
    busy: bool = False


def resume(store: Store, steps: Mapping[str, Sequence[AnyStep]]) -> ResumeReport:
    """Undo what was cut off. `steps`: operation type -> the steps that operations of it are made of."""
    if not journal.unfinished(store, 1):
        return ResumeReport()
    with alive.alone(store.path) as nobody_runs_one:
        if not nobody_runs_one:
            return ResumeReport(busy=True)
        found = _Found()
        for line in journal.lines(store, journal.unfinished(store, LOOKED_AT_MAX)):
            if found.tried == RESUMED_MAX:
                found.due_ms.append(store.clock.now_ms())
                break
            _guarded(store, line, steps.get(line.op_type), found)
    return found.report()


class _Found:
    """What has become of those that were looked at."""

    def __init__(self) -> None:
        self.tried = 0
        self.ends: dict[Status, list[str]] = {}
        self.due_ms: list[int] = []
        self.reasons: dict[str, str] = {}

    def report(self) -> ResumeReport:
        return ResumeReport(
            compensated=tuple(self.ends.get(Status.COMPENSATED, ())),
            waiting=tuple(self.ends.get(Status.COMPENSATING, ())),
            failed=tuple(self.ends.get(Status.FAILED, ())),
            unknown=tuple(self.reasons),
            reasons=self.reasons,
            due_ms=min(self.due_ms, default=None),
        )


def _guarded(store: Store, line: OperationJournal, steps: Sequence[AnyStep] | None, found: _Found) -> None:
    try:
        _one(store, line, steps, found)
    except e.StoreError:  # the file takes nothing: it would be the same with every other
        raise
    except Exception as error:
        _log.warning("operation %s is not undone: %s: %s", line.id, type(error).__name__, error)
        found.ends.setdefault(Status.COMPENSATING, []).append(line.id)
        found.due_ms.append(store.clock.now_ms() + ODD_WAIT_MS)


def _one(store: Store, line: OperationJournal, steps: Sequence[AnyStep] | None, found: _Found) -> None:
    account = Account(line.id, read_ledger(line.compensations), {step.name: step for step in steps or ()})
    why = account.unknown(line.steps)
    if why is not None:
        found.reasons[line.id] = why if steps is not None else f"nobody has given the steps of '{line.op_type}'"
        if steps is not None:
            _log.warning("operation %s of type '%s' is not undone: %s", line.id, line.op_type, why)
        return
    status = Status.COMPENSATING
    if is_due(account.due_ms, store.clock.now_ms()):
        found.tried += 1
        status = settle(store, account)
    found.ends.setdefault(status, []).append(line.id)
    if status is Status.COMPENSATING:
        found.due_ms.append(account.due_ms)
