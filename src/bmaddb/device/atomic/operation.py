"""An operation as data: its steps in order, what must hold afterwards, and how it is undone."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from bmaddb.clock import SystemClock
from bmaddb.device.atomic.rules import Check, RuleContext, Validator
from bmaddb.device.store import WriteTransaction
from bmaddb.entropy import SystemEntropy, uuid7

STEPS_MAX: Final = 100
ROWS_PER_STEP_MAX: Final = 10_000
_ENTROPY: Final = SystemEntropy()
_CLOCK: Final = SystemClock()

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Row | Sequence[Row]
"""One row or several, as column -> value; an update or a delete names its row by `id`."""
Undo: TypeAlias = Callable[[WriteTransaction, RuleContext], None]
"""Undoes a step that is committed, by ordinary writes in one transaction."""


class Action(enum.StrEnum):
    """What a step does with its rows."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    UPSERT = "upsert"
    """Update the row with this id (or natural key) where there is one, else insert it."""


class Rollback(enum.StrEnum):
    """What becomes of the steps before one that fails."""

    REVERSE = "reverse_order"
    """All are undone, the last first: nothing is left, nothing was sent."""
    COMPENSATE = "compensating_transactions"
    """Some run outside of a local transaction; what was done is undone by its compensation, the last first."""
    NONE = "none"
    """They stay; the failing step alone is undone, and those behind it do not run."""


@dataclass(frozen=True, slots=True)
class Step:
    """Rows of one table, written within the operation's transaction.

    `data`: rows, or a function of the context that gives them, called when the steps before it are done.
    `undo`: for a saga, when deleting what was inserted is not right.
    """

    name: str
    table: str
    action: Action
    data: Rows | Callable[[RuleContext], Rows]
    validators: tuple[Validator, ...] = ()
    undo: Undo | None = None


@dataclass(frozen=True, slots=True)
class OuterContext:
    """What a step outside of the file knows. `key` is the same at every attempt, and no other step's."""

    operation_id: str
    step: str
    facts: Mapping[str, Any]
    results: Mapping[str, Any]
    """Outer step -> what it answered; for an undo without its own step, when nobody knows what that answered."""

    @property
    def key(self) -> str:
        return f"{self.operation_id}/{self.step}"


@dataclass(frozen=True, slots=True)
class OuterStep:
    """A step that no local transaction holds: a reservation on a server, a reminder of the system, a model's answer.

    `do` answers with something JSON can say. `undo` may be called again after a crash, and when `do` never ran to its
    end: both go by `context.key`.
    """

    name: str
    do: Callable[[OuterContext], Any]
    undo: Callable[[OuterContext], None]


def new_id() -> str:
    """An id for an operation: a uuid7."""
    return uuid7(_ENTROPY, _CLOCK.now_ms())


@dataclass(frozen=True, slots=True)
class Operation:
    """Steps that are one act. Run again under the same `id` it has no second effect."""

    type: str
    steps: tuple[Step | OuterStep, ...]
    checks: tuple[Check, ...] = ()
    strategy: Rollback = Rollback.REVERSE
    id: str = field(default_factory=new_id)
    facts: Mapping[str, Any] = field(default_factory=dict)
