"""What a query says, as frozen data: operands, conditions, orders. Built by columns, read by `device.query`.

Rules of this room: no SQL text and no evaluation here; a condition is never true or false by itself
(`if Task.title == "x"` raises), because only a database or a matcher can say.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from bmaddb import errors as e

if TYPE_CHECKING:
    from bmaddb.schema.kinds import Kind

T = TypeVar("T")


class Comparator(enum.StrEnum):
    """The comparisons, written as SQL writes them."""

    EQ = "="
    NE = "<>"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IS = "is"
    IS_NOT = "is not"


class Condition:
    """Something a row may satisfy; combine with `&`, `|`, `~`."""

    __slots__ = ()

    def __and__(self, other: Condition) -> Condition:
        return And((*_parts(And, self), *_parts(And, other)))

    def __or__(self, other: Condition) -> Condition:
        return Or((*_parts(Or, self), *_parts(Or, other)))

    def __invert__(self) -> Condition:
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise e.QueryError(
            "a condition has no truth value in Python",
            hint="combine conditions with & | ~ in parentheses, not with and, or, not or chained comparisons",
        )


def _parts(kind: type[And] | type[Or], condition: Condition) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


class Operand(Generic[T]):
    """Something with a value for each row: a column, an aggregate. `T` is its Python type."""

    __slots__ = ()

    @property
    def kind(self) -> Kind:
        """Which kind of value the operand has; decides how the other side of a comparison is bound."""
        raise NotImplementedError

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.EQ, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return self._compare(Comparator.NE, other)

    def __lt__(self, other: object) -> Condition:
        return self._compare(Comparator.LT, other)

    def __le__(self, other: object) -> Condition:
        return self._compare(Comparator.LE, other)

    def __gt__(self, other: object) -> Condition:
        return self._compare(Comparator.GT, other)

    def __ge__(self, other: object) -> Condition:
        return self._compare(Comparator.GE, other)

    __hash__ = object.__hash__

    def is_(self, other: object) -> Condition:
        """Null-safe equality: null is null."""
        return Compare(self, Comparator.IS, other)

    def is_not(self, other: object) -> Condition:
        """Null-safe inequality: a null is not 'done'."""
        return Compare(self, Comparator.IS_NOT, other)

    def is_null(self) -> Condition:
        return Compare(self, Comparator.IS, None)

    def is_not_null(self) -> Condition:
        return Compare(self, Comparator.IS_NOT, None)

    def in_(self, values: Iterable[object]) -> Condition:
        """One of `values`; an empty list matches nothing; null is not allowed among them."""
        return In(self, _listed(values))

    def not_in(self, values: Iterable[object]) -> Condition:
        """None of `values`; a null column does not match (as in SQL); an empty list matches everything."""
        return Not(In(self, _listed(values)))

    def between(self, low: object, high: object) -> Condition:
        """`low <= value <= high`, both ends included."""
        _refuse_null(low)
        _refuse_null(high)
        return Between(self, low, high)

    def like(self, pattern: str) -> Condition:
        """SQL LIKE: `%` any text, `_` one character, `\\` escapes; letters A-Z without case."""
        return Like(self, pattern)

    def contains(self, text: str) -> Condition:
        """Holds `text` literally, A-Z without case."""
        return Like(self, f"%{escape_like(text)}%")

    def starts_with(self, text: str) -> Condition:
        return Like(self, f"{escape_like(text)}%")

    def ends_with(self, text: str) -> Condition:
        return Like(self, f"%{escape_like(text)}")

    def asc(self, *, nulls_last: bool = False) -> Order:
        """Smallest first; nulls come first unless `nulls_last`."""
        return Order(self, descending=False, nulls_last=nulls_last)

    def desc(self, *, nulls_last: bool = True) -> Order:
        """Largest first; nulls come last unless `nulls_last=False`."""
        return Order(self, descending=True, nulls_last=nulls_last)

    def _compare(self, comparator: Comparator, other: object) -> Condition:
        _refuse_null(other)
        return Compare(self, comparator, other)


def escape_like(text: str) -> str:
    """`text` with LIKE's special characters escaped, so that it stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _refuse_null(value: object) -> None:
    if value is None:
        raise e.QueryError(
            "comparing with None matches no row in SQL",
            hint="use .is_null(), .is_not_null(), .is_(value) or .is_not(value)",
        )


def _listed(values: Iterable[object]) -> tuple[object, ...]:
    if isinstance(values, str | bytes):
        raise e.QueryError("in_() takes a list of values, not one text", hint="write in_([value])")
    listed = tuple(values)
    for value in listed:
        _refuse_null(value)
    return listed


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Condition):
    """`left comparator right`; `right` is a value or another operand."""

    left: Operand[Any]
    comparator: Comparator
    right: object


@dataclass(frozen=True, slots=True, eq=False)
class In(Condition):
    left: Operand[Any]
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Between(Condition):
    left: Operand[Any]
    low: object
    high: object


@dataclass(frozen=True, slots=True, eq=False)
class Like(Condition):
    left: Operand[Any]
    pattern: str


@dataclass(frozen=True, slots=True, eq=False)
class And(Condition):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Or(Condition):
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Not(Condition):
    """Three-valued: the opposite of unknown is unknown."""

    part: Condition


@dataclass(frozen=True, slots=True, eq=False)
class Raw(Condition):
    """A condition in SQLite's own words; `arguments` are bound to its `?`, `reads` names the tables it looks into."""

    sql: str
    arguments: tuple[object, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Search(Condition):
    """Full text: the row's text columns hold `text`, as the store's text index understands it."""

    columns: tuple[Operand[Any], ...]
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """One step of ORDER BY."""

    operand: Operand[Any]
    descending: bool
    nulls_last: bool


def raw(sql: str, *arguments: object, reads: Iterable[str] = ()) -> Condition:
    """A condition in SQL; values go to `arguments`, never into the text.

    `reads`: the names of other tables it looks into, so that a live query notices when they change.
    """
    return Raw(sql, arguments, tuple(reads))


def all_of(*conditions: Condition) -> Condition:
    """True where every condition is; with none, everywhere."""
    return And(conditions)


def any_of(*conditions: Condition) -> Condition:
    """True where some condition is; with none, nowhere."""
    return Or(conditions)
