"""Undoing a saga: its debts are paid one by one, the last first, each once.

Rules of this room: a debt whose compensation fails holds up those before it, until its next attempt or until it is
given up; local rows are undone in the transaction that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.atomic import journal
from bmaddb.device.atomic.ledger import Debt, Ledger
from bmaddb.device.atomic.operation import Action, OuterContext, OuterStep, Step
from bmaddb.device.atomic.result import Status
from bmaddb.device.atomic.rules import RuleContext
from bmaddb.device.outbox.retry import backoff_ms, is_due
from bmaddb.device.store import Store

ATTEMPTS_MAX: Final = 12
"""With the waits between them, about half an hour; then a person must look."""
FIRST_WAIT_MS: Final = 1_000
ERROR_CHARS_MAX: Final = 500
"""Of what a compensation raised; the ledger is written anew with every attempt."""
_OUTSIDE: Final = "outside of the file"
AnyStep: TypeAlias = Step | OuterStep


@dataclass(frozen=True, slots=True)
class Account:
    """One operation that is to be undone."""

    operation_id: str
    ledger: Ledger
    steps: Mapping[str, AnyStep]

    @property
    def due_ms(self) -> int:
        """When the next debt may be paid; 0 is now."""
        return next((debt.due_ms for debt in reversed(self.ledger.debts) if debt.open), 0)

    def unknown(self, made: Sequence[Mapping[str, Any]]) -> str | None:
        """Why the given steps do not say how this is undone. `made`: the journal's line of each step that was made."""
        before = {line["name"]: _kind_before(line) for line in made}
        for debt in self.ledger.debts:
            for name in debt.steps if debt.open else ():
                step = self.steps.get(name)
                if step is None:
                    return f"nobody has given its step '{name}'"
                if (kind := _kind(step)) != before.get(name):
                    return f"its step '{name}' was {before.get(name)}, and is given as {kind}"
                if isinstance(step, Step) and step.undo is None and step.action is not Action.INSERT:
                    return f"its step '{name}' is given without undo="
        return None


def settle(store: Store, account: Account) -> Status:
    """Pay every debt that is due, the last first; the answer is how the operation stands now, which the file says."""
    for debt in reversed(account.ledger.debts):
        if not debt.open:
            continue
        if not is_due(debt.due_ms, store.clock.now_ms()):
            return Status.COMPENSATING
        try:
            _pay(store, account, debt)
        except Exception as error:
            _put_off(store, account, debt, error)
            if debt.open:
                return Status.COMPENSATING
    status = Status.FAILED if any(debt.gave_up for debt in account.ledger.debts) else Status.COMPENSATED
    with store.apply("local", durable=True):
        journal.settle(store, account.operation_id, status, account.ledger.text(), store.clock.now_ms())
    return status


def _kind(step: AnyStep) -> str:
    return _OUTSIDE if isinstance(step, OuterStep) else f"{step.action} in {step.table}"


def _kind_before(line: Mapping[str, Any]) -> str:
    return _OUTSIDE if line.get("outside") else f"{line['action']} in {line['table']}"


def _pay(store: Store, account: Account, debt: Debt) -> None:
    if debt.outside:
        step = account.steps[debt.steps[0]]
        if isinstance(step, OuterStep):
            step.undo(outer_context(account.operation_id, account.ledger, step.name))
        _mark_undone(store, account, debt)
    else:
        _take_back(store, account, debt)


def _mark_undone(store: Store, account: Account, debt: Debt) -> None:
    debt.undone = True
    try:
        with store.apply("local", durable=True):
            _note(store, account)
    except BaseException:
        debt.undone = False
        raise


def _take_back(store: Store, account: Account, debt: Debt) -> None:
    """The rows of local steps, by ordinary writes, which other devices get to see if they saw the rows."""
    context = RuleContext(
        user=store.user or "",
        device_id=store.device_id,
        now_ms=store.clock.now_ms(),
        operation_id=account.operation_id,
        reader=store,
        facts=MappingProxyType(
            {**account.ledger.facts, "rows": account.ledger.rows, "results": account.ledger.results}
        ),
    )
    try:
        with store.write() as tx:
            for name in reversed(debt.steps):
                step = account.steps[name]
                if not isinstance(step, Step):
                    continue
                if step.undo is not None:
                    step.undo(tx, context)
                elif step.action is Action.INSERT:
                    for row_id in reversed(debt.rows.get(name, [])):
                        tx.delete(store.catalog.records[step.table], row_id)
            debt.undone = True
            _note(store, account)
    except BaseException:
        debt.undone = False
        raise


def _put_off(store: Store, account: Account, debt: Debt, error: Exception) -> None:
    debt.attempts += 1
    debt.error = _words(error)
    debt.gave_up = debt.attempts >= ATTEMPTS_MAX
    wait_ms = backoff_ms(FIRST_WAIT_MS, debt.attempts, store.entropy.fraction())
    debt.due_ms = store.clock.now_ms() + round(wait_ms)
    with store.apply("local", durable=True):
        _note(store, account)


def _words(error: Exception) -> str:
    """What an error says, as the file can hold it: a name of a file may hold half a surrogate pair."""
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:
        said = f"{type(error).__name__}, which cannot be said"
    return said.encode("utf-8", "backslashreplace").decode()[:ERROR_CHARS_MAX]


def _note(store: Store, account: Account) -> None:
    journal.settle(store, account.operation_id, Status.COMPENSATING, account.ledger.text(), None)


def outer_context(operation_id: str, ledger: Ledger, step: str) -> OuterContext:
    """What a step outside of the file is told, going forth or back."""
    facts = MappingProxyType({**ledger.facts, "rows": ledger.rows})
    return OuterContext(operation_id, step, facts, MappingProxyType(ledger.results))


def gave_up_error(ledger: Ledger) -> e.CompensationFailed:
    """What is said when some of it could not be undone."""
    owed = [debt for debt in ledger.debts if debt.gave_up]
    said = "; ".join(f"{debt.name}: {debt.error}" for debt in owed)
    return e.CompensationFailed(f"not undone after {ATTEMPTS_MAX} attempts: {said}", hint="undo it by hand")
