"""Operands that say something of many rows at once: counts, sums, averages, extremes."""

from __future__ import annotations

import enum
from typing import Any, Final, TypeVar

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Derived, JsonPath, Operand
from bmaddb.schema.kinds import Kind

T = TypeVar("T")
_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})


class Function(enum.StrEnum):
    """The aggregates, written as SQL writes them."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class Aggregate(Operand[T]):
    """`function` over `operand` of the rows of a group; over the rows themselves when there is no operand."""

    __slots__ = ("distinct", "function", "kind", "operand")

    def __init__(self, function: Function, operand: Operand[Any] | None, kind: Kind, *, distinct: bool = False) -> None:
        self.function = function
        self.operand = operand
        self.distinct = distinct
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.function} of {self.operand!r}>"


def count_of(operand: Operand[Any] | None = None, *, distinct: bool = False) -> Aggregate[int]:
    """How many rows; with an operand, how many where it is not null (`distinct`: how many different values)."""
    if distinct and operand is None:
        raise e.QueryError("count_of(distinct=True) needs a column")
    return Aggregate(Function.COUNT, operand, Kind.INT, distinct=distinct)


def sum_of(operand: Operand[T]) -> Aggregate[T | None]:
    """The sum of the values that are not null; None when there is none."""
    return Aggregate(Function.SUM, _numeric(operand, Function.SUM), operand.kind)


def avg_of(operand: Operand[Any]) -> Aggregate[float | None]:
    """The mean of the values that are not null; None when there is none."""
    return Aggregate(Function.AVG, _numeric(operand, Function.AVG), Kind.REAL)


def min_of(operand: Operand[T]) -> Aggregate[T | None]:
    """The smallest value that is not null; None when there is none."""
    return Aggregate(Function.MIN, operand, operand.kind)


def max_of(operand: Operand[T]) -> Aggregate[T | None]:
    """The largest value that is not null; None when there is none."""
    return Aggregate(Function.MAX, operand, operand.kind)


def _numeric(operand: Operand[Any], function: Function) -> Operand[Any]:
    if operand.kind not in _NUMBERS:
        raise e.QueryError(f"{function} needs numbers; {named(operand)} is {operand.kind}")
    return operand


def named(operand: object) -> str:
    """How an error speaks of `operand`."""
    match operand:
        case Column():
            return f"{operand.table}.{operand.name}"
        case Aggregate(operand=None):
            return "count of rows"
        case Aggregate():
            return f"{operand.function} of {named(operand.operand)}"
        case Derived():
            return f"{operand.function} of {named(operand.arguments[0])}"
        case JsonPath():
            return f"{named(operand.document)} at {list(operand.steps)}"
        case _:
            return repr(operand)
