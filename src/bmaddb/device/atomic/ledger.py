"""What a saga owes: each thing that was done, or begun, with its compensation, in the order in which it came.

Rules of this room: a debt is in the file, durably, before what it is for begins; it is paid once, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bmaddb import errors as e
from bmaddb.device.atomic.operation import Operation


class Debt(msgspec.Struct, kw_only=True):
    """The compensation of one outer step, or of local steps that were committed together."""

    steps: list[str]
    outside: bool
    answered: bool = False
    result: Any = None
    rows: dict[str, list[str]] = {}
    """Local step -> ids of the rows it wrote."""
    undone: bool = False
    gave_up: bool = False
    attempts: int = 0
    due_ms: int = 0
    """No attempt before this moment."""
    error: str | None = None

    @property
    def open(self) -> bool:
        return not (self.undone or self.gave_up)

    @property
    def name(self) -> str:
        return ", ".join(self.steps)


class Ledger(msgspec.Struct, kw_only=True):
    """The debts of one operation, and the facts they are paid with; JSON in `operation_journal.compensations`."""

    facts: dict[str, Any]
    debts: list[Debt] = []

    @property
    def results(self) -> dict[str, Any]:
        """Outer step -> its answer, as far as they are known."""
        return {debt.steps[0]: debt.result for debt in self.debts if debt.outside and debt.answered}

    @property
    def rows(self) -> dict[str, tuple[str, ...]]:
        """Local step -> the rows it wrote and that are not taken back."""
        local = (debt.rows for debt in self.debts if not debt.outside and not debt.undone)
        return {step: tuple(ids) for rows in local for step, ids in rows.items()}

    @property
    def undone(self) -> tuple[str, ...]:
        """The steps whose compensation has run, in the order in which they did."""
        return tuple(step for debt in reversed(self.debts) if debt.undone for step in reversed(debt.steps))

    @property
    def left(self) -> tuple[str, ...]:
        """The steps that are not undone, the last first."""
        return tuple(step for debt in reversed(self.debts) if not debt.undone for step in reversed(debt.steps))

    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def new_ledger(operation: Operation) -> Ledger:
    """AtomicError when the facts cannot be kept: a compensation after a restart has nothing else to go by."""
    return Ledger(facts=as_json(operation.facts, f"the facts of operation '{operation.type}'"))


def read_ledger(kept: Any) -> Ledger:
    """The ledger that a journal's line holds."""
    return msgspec.convert(kept, Ledger)


def as_json(value: Mapping[str, Any] | Any, what: str) -> Any:
    """The value as it comes back from the file. AtomicError when JSON cannot say it."""
    try:
        return msgspec.json.decode(msgspec.json.encode(value))
    except (TypeError, ValueError) as error:
        raise e.AtomicError(f"{what} cannot be kept: {error}", hint="texts, numbers, lists and dicts") from error
