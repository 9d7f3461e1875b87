"""Counts, sums, means and extremes over the rows of one table, kept in step where that is exact.

Whole numbers are added and taken away; when the smallest or largest value leaves, or a sum might leave 64 bits, where
SQLite would raise an error, the number is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import ge, le
from typing import Any, TypeAlias

from bmaddb.device.observe.index import Interest, leaf_of
from bmaddb.device.observe.views import Pair, View
from bmaddb.device.query import (
    Matcher,
    Plan,
    Query,
    avg_of,
    count_of,
    dependencies_of,
    matcher_of,
    max_of,
    min_of,
    sum_of,
)
from bmaddb.device.query.aggregates import Aggregate, Function
from bmaddb.device.query.ends import refuse_parted
from bmaddb.device.query.matcher_operands import OnlySql, Reader, reader_of
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import INT_MAX, Kind, from_raw

_Numbers: TypeAlias = tuple[Any, ...]


class _Followed:
    """What counting has in common: which rows take part, and what they give."""

    def __init__(self, read: Callable[[], _Numbers], matcher: Matcher, value: Reader, interest: Interest) -> None:
        self.interest = interest
        self.short = False
        self.read = read
        self._matcher, self._value = matcher, value

    def hear(self, pairs: Sequence[Pair]) -> bool:
        differs = False
        for old, new in pairs:
            was, now = self._given(old), self._given(new)
            if was != now:
                self.change(was, now)
                differs = True
        return differs

    def change(self, was: Any, now: Any) -> None:
        raise NotImplementedError

    def made(self, state: Any) -> Any:
        return state

    def _given(self, row: Any) -> Any:
        """What the row gives; None when it takes no part, and for null, which counts for nothing."""
        return self._value(row) if row is not None and self._matcher(row) is True else None


class Count(_Followed):
    """How many rows; of an operand, how many where it is not null."""

    _count = 0

    def put(self, read: Any) -> None:
        self._count = read[0]
        self.short = False

    def change(self, was: Any, now: Any) -> None:
        self._count += (now is not None) - (was is not None)

    def state(self) -> int:
        return self._count


class Sum(_Followed):
    """The sum of whole numbers."""

    _count = 0
    _sum = 0
    _largest = 0

    def put(self, read: Any) -> None:
        count, total, low, high = read
        self._count, self._sum = count, total or 0
        self._largest = max(abs(low or 0), abs(high or 0))
        self.short = False

    def change(self, was: Any, now: Any) -> None:
        if was is not None:
            self._count, self._sum = self._count - 1, self._sum - was
        if now is not None:
            self._count, self._sum = self._count + 1, self._sum + now
            self._largest = max(self._largest, abs(now))
        self.short = self.short or self._count * self._largest > INT_MAX

    def state(self) -> int | float | None:
        return self._sum if self._count else None


class Mean(Sum):
    """Their mean, as a real: as SQLite divides, both sides as reals.

    Where the sum might leave 64 bits SQLite still knows the mean, and it is read after each change.
    """

    _mean: float | None = None
    _far = False

    def put(self, read: Any) -> None:
        count, self._mean, total, low, high = read
        self._far = total is None and count > 0
        super().put((count, total, low, high))

    def change(self, was: Any, now: Any) -> None:
        super().change(was, now)
        self.short = self.short or self._far

    def state(self) -> float | None:
        if self._far:
            return self._mean
        return float(self._sum) / float(self._count) if self._count else None


class Extreme(_Followed):
    """The smallest value that is not null, or the largest."""

    def __init__(
        self,
        read: Callable[[], _Numbers],
        matcher: Matcher,
        value: Reader,
        interest: Interest,
        aggregate: Aggregate[Any],
    ) -> None:
        super().__init__(read, matcher, value, interest)
        self._kind = aggregate.kind
        self._better = ge if aggregate.function is Function.MAX else le
        self._found: Any = None

    def put(self, read: Any) -> None:
        self._found = read[0]
        self.short = False

    def change(self, was: Any, now: Any) -> None:
        found = self._found
        if now is not None and (found is None or self._better(now, found)):
            self._found = now
        elif was is not None and was == found:
            self.short = True

    def state(self) -> Any:
        return self._found

    def made(self, state: Any) -> Any:
        return from_raw(self._kind, state)


class Figure:
    """A number that only SQL can say."""

    def __init__(self, read: Callable[[], _Numbers], tables: frozenset[str], kind: Kind) -> None:
        self.interest = Interest(tables=tables)
        self.short = False
        self.read = read
        self._kind = kind
        self._found: Any = None

    def put(self, read: Any) -> None:
        self._found = read[0]

    def hear(self, pairs: Sequence[Pair]) -> bool:
        raise AssertionError("it hears of tables only")

    def state(self) -> Any:
        return self._found

    def made(self, state: Any) -> Any:
        return from_raw(self._kind, state)


def number_of(query: Query[Any], aggregate: Aggregate[Any]) -> View:
    """What keeps the aggregate over the rows of `query`; QueryError where it is no number of one table or more."""
    plan = query.plan
    refuse_parted(plan, aggregate)
    matcher = matcher_of(plan)
    value = _value_of(aggregate, plan)
    followed = aggregate.function is not Function.SUM and aggregate.function is not Function.AVG
    exact = followed or (aggregate.operand is not None and aggregate.operand.kind is Kind.INT)
    if matcher is None or value is None or aggregate.distinct or not exact:
        return Figure(_reader(query, aggregate), dependencies_of(plan, aggregate), aggregate.kind)
    interest = Interest(plan.record.__table__.name, leaf_of(plan))
    operand = aggregate.operand
    if aggregate.function is Function.COUNT:
        return Count(_reader(query, aggregate), matcher, value, interest)
    if operand is None or aggregate.function in (Function.MIN, Function.MAX):
        return Extreme(_reader(query, aggregate), matcher, value, interest, aggregate)
    if aggregate.function is Function.AVG:
        return Mean(_mean_reader(query, operand), matcher, value, interest)
    read = _reader(query, count_of(operand), sum_of(operand), min_of(operand), max_of(operand))
    return Sum(read, matcher, value, interest)


def _value_of(aggregate: Aggregate[Any], plan: Plan) -> Reader | None:
    if aggregate.operand is None:
        return lambda record: 1
    try:
        return reader_of(aggregate.operand, plan.record.__table__.name)
    except OnlySql:
        return None


def _reader(query: Query[Any], *aggregates: Aggregate[Any]) -> Callable[[], _Numbers]:
    selection = query.select(*aggregates)

    def read() -> _Numbers:
        text, arguments = selection.statement(None)
        return query.runner.tuples(text, arguments)[0]

    return read


def _mean_reader(query: Query[Any], operand: Operand[Any]) -> Callable[[], _Numbers]:
    """Count, mean, sum (None where it might leave 64 bits, which SQLite refuses), smallest and largest."""
    outline = _reader(query, count_of(operand), avg_of(operand), min_of(operand), max_of(operand))
    whole = _reader(query, sum_of(operand))

    def read() -> _Numbers:
        count, mean, low, high = outline()
        near = count * max(abs(low or 0), abs(high or 0)) <= INT_MAX
        return count, mean, whole()[0] if near else None, low, high

    return read
