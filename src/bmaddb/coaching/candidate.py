"""A row that is about to be written, and a set of rules that looks at it.

Rules of this room: a rule is a generator of flaws with the number of the rule as the first word of its name
(`u1_id_is_subject`); it only reads. A value of the wrong type is said once, by the shape rule, and the other rules
see the value before it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from bmaddb import errors as e
from bmaddb.device.atomic.rules import Reader, RuleContext, Severity, Violation
from bmaddb.device.query import Query
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Condition
from bmaddb.schema.kinds import milliseconds
from bmaddb.schema.natural_keys import natural_id
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STORED = "stored"
"""The fact that says: the row is in the file already, judge only what can be seen of it there."""


class DeclaredReader(Reader, Protocol):
    """A reader that knows the tables of its file: a store is one, and so is a transaction."""

    @property
    def catalog(self) -> Catalog:
        """The declarations the file was opened with."""
        ...


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong, before it has the number of its rule."""

    column: str | None
    message: str
    severity: Severity
    allowed: Any = None


Flaws: TypeAlias = Iterator[Flaw]


def error(column: str | None, message: str, allowed: Any = None) -> Flaw:
    """A flaw that stops the operation."""
    return Flaw(column, message, Severity.ERROR, allowed)


def warn(column: str | None, message: str, allowed: Any = None) -> Flaw:
    """A flaw that is kept with the operation."""
    return Flaw(column, message, Severity.WARN, allowed)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The whole row as it would be. `given` is what the caller said of it, `before` the row it replaces."""

    record: type[Record]
    row: Mapping[str, Any]
    given: Mapping[str, Any]
    before: Record | None
    context: RuleContext

    @property
    def is_new(self) -> bool:
        """Is it an insert, and not a row that is judged as it is stored?"""
        return self.before is None and not self.stored

    @property
    def stored(self) -> bool:
        """Is a row judged that is in the file already?"""
        return bool(self.context.facts.get(STORED))

    @property
    def catalog(self) -> Catalog:
        """The tables of this file, the application's own among them."""
        return cast(DeclaredReader, self.context.reader).catalog

    @property
    def now_ms(self) -> int:
        """When the operation began, in ms since 1970."""
        return self.context.now_ms

    @property
    def now(self) -> datetime:
        """The same as an aware moment."""
        return moment(self.context.now_ms)

    def fact(self, name: str, default: Any = None) -> Any:
        """What the application says of `name`."""
        return self.context.facts.get(name, default)

    def old(self, name: str) -> Any:
        """The value before; None for a new row."""
        return None if self.before is None else getattr(self.before, name)

    def changed(self, name: str) -> bool:
        """Is this value new in the row? Of a stored row none is."""
        if self.stored:
            return False
        return self.before is None or self.row.get(name) != self.old(name)

    def get(self, record: type[R], row_id: Any) -> R | None:
        """The row of another table, None also when there is no id."""
        return self.context.reader.get(record, row_id) if isinstance(row_id, str) and row_id else None

    def query(self, record: type[R]) -> Query[R]:
        """The stored rows of a table, to be narrowed."""
        return self.context.reader.query(record)

    def others(self, record: type[R], *conditions: Condition) -> list[R]:
        """The stored rows of a table that satisfy `conditions`, but for the one that is replaced."""
        return [row for row in self.query(record).where(*conditions).all() if row.id != self.row.get("id")]


Rule: TypeAlias = Callable[[Candidate], Flaws]


def code_of(rule: Rule) -> str:
    """The number of a rule: U1 of `u1_id_is_subject`."""
    return rule.__name__.partition("_")[0].upper()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A validator (`bmaddb.device.atomic.rules.Validator`): all `rules` upon each row of `record`'s table."""

    record: type[Record]
    rules: tuple[Rule, ...]

    def __call__(self, row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
        """Every violation, in the order of the rules."""
        candidate = candidate_of(self.record, row, before, context)
        return [
            Violation(code_of(rule), flaw.column, flaw.severity, flaw.message, flaw.allowed)
            for rule in self.rules
            for flaw in rule(candidate)
        ]


def candidate_of(
    record: type[Record], given: Mapping[str, Any], before: Record | None, context: RuleContext
) -> Candidate:
    """The row that `given` makes of `before`, or of nothing."""
    row = {column.name: _start(column, before, context) for column in record.__table__.columns}
    for name, value in given.items():
        column = record.__table__.by_name.get(name)
        if column is not None and type_flaw(column, value) is None:
            row[name] = value
    if before is None and "id" not in given and record.__table__.options.natural_key:
        row["id"] = _natural(record, row)
    return Candidate(record, row, given, before, context)


def type_flaw(column: Column[Any], value: Any) -> str | None:
    """Why `value` cannot stand in `column` at all; None when it can."""
    if value is None:
        return None if column.spec.nullable else "may not be null"
    try:
        column.bind(value)
    except e.RecordInvalid as problem:
        return problem.message
    if column.spec.enum and value not in column.spec.enum:
        return f"{value!r} is not one of its values"
    return None


def _start(column: Column[Any], before: Record | None, context: RuleContext) -> Any:
    if before is not None:
        return getattr(before, column.name)
    if column.name == "user_id":
        return context.user
    if column.name in ("created_at", "updated_at"):
        return moment(context.now_ms)
    return column.spec.default if column.spec.has_default else None


def _natural(record: type[Record], row: Mapping[str, Any]) -> str | None:
    try:
        return natural_id(record.__table__, row)
    except e.RecordInvalid:
        return None


def values_of(record: Record) -> dict[str, Any]:
    """A stored row as column -> value."""
    return {column.name: getattr(record, column.name) for column in record.__table__.columns}


def moment(at_ms: int) -> datetime:
    """The aware moment of `at_ms` milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def ms(value: Any) -> int | None:
    """Milliseconds since 1970 of a moment; None for what is none."""
    return milliseconds(value) if isinstance(value, datetime) and value.tzinfo is not None else None
