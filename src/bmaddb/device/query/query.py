"""The query builder: immutable steps that narrow and order, and ends that read.

Rules of this room: a step answers with a new query and never changes the one it was called on; nothing is
read before an end is called, and each end runs one statement. The store hands in the `Runner`.
"""

from __future__ import annotations

from typing import Any, Final, Generic, Protocol, TypeVar, cast

from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.query import compiler
from bmaddb.device.query.aggregates import Aggregate, avg_of, max_of, min_of, sum_of
from bmaddb.device.query.joins import joined
from bmaddb.device.query.plan import Plan, SearchText
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Condition, Operand, Order, Search
from bmaddb.schema.kinds import INT_MAX, from_raw
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
T = TypeVar("T")
_ONE_AND_THE_NEXT: Final = 2


class Runner(Protocol):
    """What a query asks of the store: run one statement, answer with all of its rows."""

    @property
    def search_text(self) -> SearchText | None:
        """How the store searches text; None when it has no text index."""
        ...

    def records(self, record: type[R], text: str, arguments: tuple[Any, ...]) -> list[R]: ...

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]: ...


class Query(Generic[R]):
    """Rows of one table as records: steps such as `where`, `join`, `order_by`; then an end such as `all`."""

    __slots__ = ("_runner", "plan")

    def __init__(self, runner: Runner, plan: Plan) -> None:
        self._runner = runner
        self.plan = plan

    # -- steps ---------------------------------------------------------------------------------------------

    def where(self, *conditions: Condition) -> Query[R]:
        """Only rows that satisfy all `conditions`, these and those given before."""
        _refuse_non_conditions(conditions)
        return Query(self._runner, replace(self.plan, conditions=self.plan.conditions + conditions))

    def search(self, text: str) -> Query[R]:
        """Only rows in whose searchable columns every word of `text` is found; blank text narrows nothing."""
        table = self.plan.record.__table__
        if not table.options.searchable:
            raise e.QueryError(f"{table.name} has no searchable columns", hint="use .contains() on a column")
        if not text.strip():
            return self
        return self.where(Search(tuple(table.column(name) for name in table.options.searchable), text))

    def join(self, record: type[Record], on: Column[Any] | None = None) -> Query[R]:
        """Read `record`'s table beside ours; rows without a partner fall away, as in SQL.

        The relation is the only foreign key between them, or the one `on` names. A row with several partners
        comes several times: see `distinct`.
        """
        return self._joined(record, on, outer=False)

    def left_join(self, record: type[Record], on: Column[Any] | None = None) -> Query[R]:
        """Like `join`, but a row without a partner stays, with nulls in the partner's columns."""
        return self._joined(record, on, outer=True)

    def order_by(self, *orders: Order | Operand[Any]) -> Query[R]:
        """Sort by these, after those given before; a bare column means smallest first."""
        steps = tuple(order if isinstance(order, Order) else _ascending(order) for order in orders)
        return Query(self._runner, replace(self.plan, orders=self.plan.orders + steps))

    def limit(self, rows: int) -> Query[R]:
        """At most `rows` rows; 0 gives none."""
        return Query(self._runner, replace(self.plan, limit=_whole("limit", rows)))

    def offset(self, rows: int) -> Query[R]:
        """Leave out the first `rows` rows."""
        return Query(self._runner, replace(self.plan, offset=_whole("offset", rows)))

    def distinct(self) -> Query[R]:
        """Each different row once."""
        return Query(self._runner, replace(self.plan, distinct=True))

    def group_by(self, *operands: Operand[Any]) -> Query[R]:
        """One row for each different value of `operands`; read it with `rows`."""
        return Query(self._runner, replace(self.plan, groups=self.plan.groups + operands))

    def having(self, *conditions: Condition) -> Query[R]:
        """Only groups that satisfy all `conditions`; they may compare aggregates."""
        _refuse_non_conditions(conditions)
        return Query(self._runner, replace(self.plan, having=self.plan.having + conditions))

    # -- ends ----------------------------------------------------------------------------------------------

    def all(self) -> list[R]:
        """Every row, as records."""
        runner = self._runner
        text, arguments = compiler.select(self.plan, runner.search_text)
        return runner.records(cast("type[R]", self.plan.record), text, arguments)

    def first(self) -> R | None:
        """The first row in the query's order, or None."""
        rows = self._at_most(1).all()
        return rows[0] if rows else None

    def one(self) -> R:
        """The only row; RecordNotFound when there is none, QueryError when there are more."""
        row = self.one_or_none()
        if row is None:
            raise e.RecordNotFound(f"no row of {self.plan.record.__table__.name} fits the query")
        return row

    def one_or_none(self) -> R | None:
        """The only row, or None; QueryError when there are more."""
        rows = self._at_most(_ONE_AND_THE_NEXT).all()
        if len(rows) > 1:
            raise e.QueryError(
                f"more than one row of {self.plan.record.__table__.name} fits", hint="use .first() or .all()"
            )
        return rows[0] if rows else None

    def count(self) -> int:
        """How many rows `all` would give; with groups, how many groups."""
        text, arguments = compiler.count(self.plan, self._runner.search_text)
        return int(self._runner.tuples(text, arguments)[0][0])

    def exists(self) -> bool:
        """Would `all` give a row?"""
        text, arguments = compiler.exists(self.plan, self._runner.search_text)
        return bool(self._runner.tuples(text, arguments)[0][0])

    def ids(self) -> list[str]:
        """The ids of the rows, without reading the rest of them."""
        text, arguments = compiler.select_ids(self.plan, self._runner.search_text)
        return [row[0] for row in self._runner.tuples(text, arguments)]

    def rows(self, *operands: Operand[Any]) -> list[tuple[Any, ...]]:
        """Tuples of columns and aggregates, as Python values; of any table of the query."""
        text, arguments = compiler.select_operands(self.plan, operands, self._runner.search_text)
        rows = self._runner.tuples(text, arguments)
        kinds = [operand.kind for operand in operands]
        if not any(kind.converted for kind in kinds):
            return rows
        return [tuple([from_raw(kind, raw) for kind, raw in zip(kinds, row, strict=True)]) for row in rows]

    def min(self, column: Column[T]) -> T | None:
        """The smallest value that is not null; None when there is none."""
        return self._value(min_of(column))

    def max(self, column: Column[T]) -> T | None:
        """The largest value that is not null; None when there is none."""
        return self._value(max_of(column))

    def sum(self, column: Column[T]) -> T | None:
        """The sum of the values that are not null; None when there is none."""
        return self._value(sum_of(column))

    def avg(self, column: Column[Any]) -> float | None:
        """The mean of the values that are not null; None when there is none."""
        return self._value(avg_of(column))

    # -- inside --------------------------------------------------------------------------------------------

    def _joined(self, record: type[Record], on: Column[Any] | None, *, outer: bool) -> Query[R]:
        plan = self.plan
        present = (plan.record.__table__, *(join.record.__table__ for join in plan.joins))
        join = joined(present, record, on, outer=outer)
        return Query(self._runner, replace(plan, joins=(*plan.joins, join)))

    def _at_most(self, rows: int) -> Query[R]:
        limit = self.plan.limit
        return self if limit is not None and limit <= rows else self.limit(rows)

    def _value(self, aggregate: Aggregate[T]) -> T:
        if self.plan.limit is not None or self.plan.offset or self.plan.groups:
            raise e.QueryError("an aggregate reads every row of the query", hint="leave out limit, offset and group_by")
        value: T = self.rows(aggregate)[0][0]
        return value


def _refuse_non_conditions(given: tuple[object, ...]) -> None:
    for condition in given:
        if not isinstance(condition, Condition):
            raise e.QueryError(
                f"not a condition: {condition!r}", hint="compare a column with a value: Task.state == 'todo'"
            )


def _ascending(operand: object) -> Order:
    if not isinstance(operand, Operand):
        raise e.QueryError(f"cannot order by {operand!r}", hint="use Task.due_on.desc() or Task.due_on")
    return operand.asc()


def _whole(word: str, rows: object) -> int:
    if not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows <= INT_MAX:
        raise e.QueryError(f"{word} must be a whole number from 0 up, got {rows!r}")
    return rows


def query_of(runner: Runner, record: type[R]) -> Query[R]:
    """All rows of `record`'s table."""
    return Query(runner, Plan(record))
