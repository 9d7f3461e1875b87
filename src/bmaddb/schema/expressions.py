"""Operands: what a query can compare, order and read. Columns are operands, and so is what is made of them.

Rules of this room: an operand says what is meant, as data; SQL and evaluation are `device.query`'s. A method
that makes no sense for the operand's kind refuses at once, where it was written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final, Generic, TypeVar, overload

from bmaddb import errors as e
from bmaddb.schema.conditions import (
    And,
    Between,
    Comparator,
    Compare,
    Condition,
    Holds,
    In,
    Includes,
    InRows,
    Like,
    LikeForm,
    Not,
    Or,
    Order,
    Param,
    Raw,
    Subquery,
    Valued,
)
from bmaddb.schema.kinds import Kind, to_raw

T = TypeVar("T")
S = TypeVar("S")
PATH_STEPS_MAX: Final = 32
_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})
_PATH_KINDS: Final[dict[Any, Kind]] = {str: Kind.TEXT, int: Kind.INT, float: Kind.REAL, bool: Kind.BOOL}


class Operand(Valued, Generic[T]):
    """Something with a value for each row. `T` is its Python type."""

    __slots__ = ()

    # -- comparing -----------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Compare(self, Comparator.EQ, _not_null(other))

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Compare(self, Comparator.NE, _not_null(other))

    def __lt__(self, other: object) -> Condition:
        return Compare(self, Comparator.LT, _not_null(other))

    def __le__(self, other: object) -> Condition:
        return Compare(self, Comparator.LE, _not_null(other))

    def __gt__(self, other: object) -> Condition:
        return Compare(self, Comparator.GT, _not_null(other))

    def __ge__(self, other: object) -> Condition:
        return Compare(self, Comparator.GE, _not_null(other))

    __hash__ = object.__hash__

    def is_(self, other: object) -> Condition:
        """Null-safe equality: null is null."""
        return Compare(self, Comparator.IS, other)

    def is_not(self, other: object) -> Condition:
        """Null-safe inequality: a null is not 'done'."""
        return Compare(self, Comparator.IS_NOT, other)

    def is_null(self) -> Condition:
        """Has no value."""
        return Compare(self, Comparator.IS, None)

    def is_not_null(self) -> Condition:
        """Has a value."""
        return Compare(self, Comparator.IS_NOT, None)

    def weak_gt(self, other: object) -> Condition:
        """More than `other`, where every value is more than a null; a null is more than nothing."""
        if not isinstance(other, Valued):
            return self > other
        return Or((self > other, And((self.is_not_null(), Compare(other, Comparator.IS, None)))))

    def in_(self, values: Iterable[object] | Subquery | Param) -> Condition:
        """One of `values`: a list, or the values of a subquery; an empty one matches nothing.

        Null is not allowed in a list, and left out of a subquery.
        """
        if isinstance(values, Subquery):
            return InRows(self, values)
        return In(self, values if isinstance(values, Param) else _listed(values))

    def not_in(self, values: Iterable[object] | Subquery | Param) -> Condition:
        """None of `values`; a null column does not match (as in SQL); an empty list matches everything."""
        return Not(self.in_(values))

    def between(self, low: object, high: object) -> Condition:
        """`low <= value <= high`, both ends included."""
        return Between(self, _not_null(low), _not_null(high))

    # -- texts ---------------------------------------------------------------------------------------------

    def like(self, pattern: str | Param) -> Condition:
        """SQL LIKE: `%` any text, `_` one character, `\\` escapes; letters A-Z without case."""
        return Like(self, pattern)

    def not_like(self, pattern: str | Param) -> Condition:
        """The opposite; a null does not match, as in SQL."""
        return Not(Like(self, pattern))

    def contains(self, text: str | Param) -> Condition:
        """Holds `text` literally, A-Z without case."""
        return Like(self, text, LikeForm.CONTAINS)

    def starts_with(self, text: str | Param) -> Condition:
        """Begins with `text` literally, A-Z without case."""
        return Like(self, text, LikeForm.STARTS)

    def ends_with(self, text: str | Param) -> Condition:
        """Ends with `text` literally, A-Z without case."""
        return Like(self, text, LikeForm.ENDS)

    def includes(self, text: str | Param) -> Condition:
        """Holds `text` to the letter, case and all; every text includes ''."""
        return Includes(self, text)

    def length(self) -> Operand[int]:
        """How many characters the text has; null of a null."""
        return Derived(Function.LENGTH, (_wanted(self, {Kind.TEXT}, "length"),), Kind.INT)

    def folded(self) -> Operand[T]:
        """The text with A-Z as a-z and every other letter as it is."""
        return Derived(Function.LOWER, (_wanted(self, {Kind.TEXT}, "folded"),), Kind.TEXT)

    # -- numbers and nulls ---------------------------------------------------------------------------------

    def or_else(self: Operand[S | None], value: S) -> Operand[S]:
        """The value, or `value` where there is none."""
        return Derived(Function.IFNULL, (self, _not_null(value)), self.kind)

    def __add__(self, other: object) -> Operand[Any]:
        return _arithmetic(Function.ADD, self, other)

    def __sub__(self, other: object) -> Operand[Any]:
        return _arithmetic(Function.SUBTRACT, self, other)

    def __mul__(self, other: object) -> Operand[Any]:
        return _arithmetic(Function.MULTIPLY, self, other)

    # -- JSON ----------------------------------------------------------------------------------------------

    @overload
    def path(self, *steps: str | int, as_: type[bool]) -> Operand[bool | None]: ...
    @overload
    def path(self, *steps: str | int, as_: type[int]) -> Operand[int | None]: ...
    @overload
    def path(self, *steps: str | int, as_: type[float]) -> Operand[float | None]: ...
    @overload
    def path(self, *steps: str | int, as_: type[str] = str) -> Operand[str | None]: ...
    def path(self, *steps: str | int, as_: type = str) -> Operand[Any]:
        """What stands in the JSON at `steps`: names of keys and places in lists (-1 is the last).

        `as_` is the type it must have there (str, int, float or bool; float takes whole numbers too); null
        where it has another, or where there is nothing.
        """
        _wanted(self, {Kind.JSON}, "path")
        if as_ not in _PATH_KINDS:
            raise e.QueryError(f"path() reads str, int, float or bool, not {as_!r}")
        if len(steps) > PATH_STEPS_MAX:
            raise e.QueryError(f"the path has more than {PATH_STEPS_MAX} steps")
        for step in steps:
            if isinstance(step, bool) or not isinstance(step, str | int) or (isinstance(step, str) and "\0" in step):
                raise e.QueryError(f"not a step of a path: {step!r}", hint="a key as text, or a place in a list")
        return JsonPath(self, steps, _PATH_KINDS[as_])

    def holds(self, value: str | int | float | bool | None) -> Condition:
        """The JSON is a list and `value` one of its items; never unknown: a null column holds nothing."""
        return Holds(_wanted(self, {Kind.JSON}, "holds"), value)

    # -- ordering ------------------------------------------------------------------------------------------

    def asc(self, *, nulls_last: bool = False) -> Order:
        """Smallest first; nulls come first unless `nulls_last`."""
        return Order(self, descending=False, nulls_last=nulls_last)

    def desc(self, *, nulls_last: bool = True) -> Order:
        """Largest first; nulls come last unless `nulls_last=False`."""
        return Order(self, descending=True, nulls_last=nulls_last)


class Function(enum.StrEnum):
    """What makes an operand of others; only what SQLite and Python do exactly alike."""

    LENGTH = "length"
    LOWER = "lower"
    IFNULL = "ifnull"
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"


class Derived(Operand[T]):
    """`function` of `arguments`: operands, or values that go with the first of them."""

    __slots__ = ("arguments", "function", "kind")

    def __init__(self, function: Function, arguments: tuple[Any, ...], kind: Kind) -> None:
        self.function = function
        self.arguments = arguments
        self.kind = kind


class JsonPath(Operand[T]):
    """What stands at `steps` in the JSON of `document`, where it is of `kind`."""

    __slots__ = ("document", "kind", "steps")

    def __init__(self, document: Operand[Any], steps: tuple[str | int, ...], kind: Kind) -> None:
        self.document = document
        self.steps = steps
        self.kind = kind


class Constant(Operand[T]):
    """A value that is the same for every row, as SQLite holds it."""

    __slots__ = ("kind", "raw")

    def __init__(self, kind: Kind, raw: Any) -> None:
        self.kind = kind
        self.raw = raw


def param(name: str) -> Any:
    """Stands for a value in a query that is prepared: `.where(Task.state == param("state")).prepare()`."""
    return Param(name)


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


def escape_like(text: str) -> str:
    """`text` with LIKE's special characters escaped, so that it stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _not_null(value: object) -> object:
    if value is None:
        raise e.QueryError(
            "comparing with None matches no row in SQL",
            hint="use .is_null(), .is_not_null(), .is_(value) or .is_not(value)",
        )
    return value


def _listed(values: Iterable[object]) -> tuple[object, ...]:
    if isinstance(values, str | bytes):
        raise e.QueryError("in_() takes a list of values, not one text", hint="write in_([value])")
    listed = tuple(values)
    for value in listed:
        _not_null(value)
    return listed


def _wanted(operand: Operand[S], kinds: set[Kind], word: str) -> Operand[S]:
    if operand.kind not in kinds:
        raise e.QueryError(f"{word} needs {' or '.join(sorted(kinds))}, not {operand.kind}: {operand!r}")
    return operand


def _arithmetic(function: Function, left: Operand[Any], right: object) -> Operand[Any]:
    """Whole numbers stay whole, but for a result beyond 64 bits, which is real as in SQLite."""
    if isinstance(right, int | float) and not isinstance(right, bool):
        kind = Kind.INT if isinstance(right, int) else Kind.REAL
    else:
        kind = right.kind if isinstance(right, Operand) else Kind.TEXT
    if left.kind not in _NUMBERS or kind not in _NUMBERS:
        raise e.QueryError(f"{function} needs numbers on both sides, got {left!r} and {right!r}")
    made = right if isinstance(right, Operand) else Constant(kind, _number(kind, right))
    return Derived(function, (left, made), Kind.INT if left.kind is kind is Kind.INT else Kind.REAL)


def _number(kind: Kind, value: object) -> Any:
    try:
        return to_raw(kind, value)
    except e.RecordInvalid as error:
        raise e.QueryError(error.message) from None
