"""Operands that say something of many rows at once: counts, sums, averages, extremes."""

from __future__ import annotations

import enum
from typing import Any, Final, TypeVar

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Operand
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
    """`function` over `column` of the rows of a group; over the rows themselves when there is no column."""

    __slots__ = ("_kind", "column", "distinct", "function")

    def __init__(self, function: Function, column: Column[Any] | None, kind: Kind, *, distinct: bool = False) -> None:
        self.function = function
        self.column = column
        self.distinct = distinct
        self._kind = kind

    @property
    def kind(self) -> Kind:
        return self._kind

    def __repr__(self) -> str:
        return f"<{self.function} of {self.column!r}>"


def count_of(column: Column[Any] | None = None, *, distinct: bool = False) -> Aggregate[int]:
    """How many rows; with a column, how many where it is not null (`distinct`: how many different values)."""
    if distinct and column is None:
        raise e.QueryError("count_of(distinct=True) needs a column")
    return Aggregate(Function.COUNT, column, Kind.INT, distinct=distinct)


def sum_of(column: Column[T]) -> Aggregate[T | None]:
    """The sum of the values that are not null; None when there is none."""
    return Aggregate(Function.SUM, _numeric(column, Function.SUM), column.kind)


def avg_of(column: Column[Any]) -> Aggregate[float | None]:
    """The mean of the values that are not null; None when there is none."""
    return Aggregate(Function.AVG, _numeric(column, Function.AVG), Kind.REAL)


def min_of(column: Column[T]) -> Aggregate[T | None]:
    """The smallest value that is not null; None when there is none."""
    return Aggregate(Function.MIN, column, column.kind)


def max_of(column: Column[T]) -> Aggregate[T | None]:
    """The largest value that is not null; None when there is none."""
    return Aggregate(Function.MAX, column, column.kind)


def _numeric(column: Column[Any], function: Function) -> Column[Any]:
    if column.kind not in _NUMBERS:
        raise e.QueryError(f"{function} needs numbers; {column.table}.{column.name} is {column.kind}")
    return column
