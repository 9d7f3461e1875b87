"""What rules and checks of an operation look like: the shapes that whoever writes one fills in.

Rules of this room: a validator reads through its context and changes nothing; it says all it has to say, not only the
first; a check sees stored rows, in the transaction that is about to commit.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec

from bmaddb.device.query import Query
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)


class Severity(enum.StrEnum):
    """Whether a violation stops its operation."""

    ERROR = "error"
    WARN = "warn"
    """Kept in `operation_journal.checks`; the operation goes on."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong with a row: which rule says so, of which column, and what would be right."""

    rule: str
    column: str | None
    severity: Severity
    message: str
    allowed: Any = None


class Reader(Protocol):
    """What a rule may look at; a transaction and a store are one."""

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id, or None."""
        ...

    def query(self, record: type[R]) -> Query[R]:
        """Every row of the record's table, to be narrowed."""
        ...


class RuleContext(msgspec.Struct, frozen=True):
    """Who does what, when, on which device; `reader` sees what earlier steps wrote.

    `facts`: the operation's own, and `facts["rows"]`: step -> ids of the rows it wrote; `facts["results"]`: outer step
    -> what it answered.
    """

    user: str
    device_id: str
    now_ms: int
    operation_id: str
    reader: Reader
    facts: Mapping[str, Any]


class Validator(Protocol):
    """Says what is wrong with a row that a step would write; nothing is, when the list is empty.

    `row` is what the step gives: a whole new row, or the id and the columns that change. `before` is the row as it
    stands, None when it is new.
    """

    def __call__(self, row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]: ...


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What a check found; `rows` are the ones concerned, each as "table/id"."""

    name: str
    ok: bool
    rows: tuple[str, ...] = ()
    message: str = ""


class Check(Protocol):
    """Looks at stored rows after the last step, before the commit."""

    def __call__(self, context: RuleContext) -> CheckOutcome: ...
