"""What a query says, as frozen data: conditions, orders, parameters. Built by operands, read by `device.query`.

Rules of this room: no SQL text and no evaluation here; a condition is never true or false by itself
(`if Task.title == "x"` raises), because only a database or a matcher can say.
"""

from __future__ import annotations

import enum
from typing import Any, NoReturn

import msgspec

from bmaddb import errors as e
from bmaddb.schema.kinds import Kind


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


class LikeForm(enum.StrEnum):
    """What the text beside LIKE is: a pattern, or a text that is found literally somewhere."""

    PATTERN = "pattern"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"


class Valued:
    """Something with a value for each row: a column, or what is made of columns."""

    __slots__ = ()
    kind: Kind
    """Which kind of value it has; decides how the other side of a comparison is bound."""


class Subquery:
    """The values of one operand over the rows of a query; `device.query` fills it in."""

    __slots__ = ()
    plan: Any
    operand: Any


class Param(msgspec.Struct, frozen=True, eq=False):
    """Stands for a value that is given when a prepared query runs."""

    name: str


class Condition(msgspec.Struct, frozen=True, eq=False):
    """Something a row may satisfy; combine with `&`, `|`, `~`."""

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
    if not isinstance(condition, Condition):
        raise e.QueryError(f"not a condition: {condition!r}", hint="comparisons need parentheses: (a == 1) & (b == 2)")
    return condition.parts if isinstance(condition, kind) else (condition,)


class Compare(Condition, frozen=True, eq=False):
    """`left comparator right`; `right` is a value, a parameter or another operand."""

    left: Valued
    comparator: Comparator
    right: Any


class In(Condition, frozen=True, eq=False):
    """`values`: a tuple of values, or a parameter that will be a list of them."""

    left: Valued
    values: tuple[Any, ...] | Param


class InRows(Condition, frozen=True, eq=False):
    """`left` is one of the values a subquery gives; its nulls are left out."""

    left: Valued
    rows: Any


class Between(Condition, frozen=True, eq=False):
    left: Valued
    low: Any
    high: Any


class Like(Condition, frozen=True, eq=False):
    left: Valued
    text: str | Param
    form: LikeForm = LikeForm.PATTERN


class Includes(Condition, frozen=True, eq=False):
    """Holds `text` to the letter, case and all."""

    left: Valued
    text: str | Param


class Holds(Condition, frozen=True, eq=False):
    """The JSON of `left` is a list, and `value` (a text, number, boolean or null) is one of its items."""

    left: Valued
    value: str | int | float | bool | None


class Related(Condition, frozen=True, eq=False):
    """Some row on the other side of the foreign key `column` satisfies all `conditions`.

    `down`: from a parent to the rows whose `column` names it; otherwise from a row to its parent.
    """

    column: Any
    down: bool
    conditions: tuple[Condition, ...]


class And(Condition, frozen=True, eq=False):
    parts: tuple[Condition, ...]


class Or(Condition, frozen=True, eq=False):
    parts: tuple[Condition, ...]


class Not(Condition, frozen=True, eq=False):
    """Three-valued: the opposite of unknown is unknown."""

    part: Condition


class Known(Condition, frozen=True, eq=False):
    """True where `part` is, otherwise false: unknown is false."""

    part: Condition


class Raw(Condition, frozen=True, eq=False):
    """A condition in SQLite's own words; `arguments` are bound to its `?`, `reads` names the tables it looks into."""

    sql: str
    arguments: tuple[Any, ...] = ()
    reads: tuple[str, ...] = ()


class Search(Condition, frozen=True, eq=False):
    """Full text: the row's text columns hold `text`, as the store's text index understands it."""

    columns: tuple[Valued, ...]
    text: str


class Order(msgspec.Struct, frozen=True, eq=False):
    """One step of ORDER BY."""

    operand: Valued
    descending: bool
    nulls_last: bool
