"""The query builder: immutable steps that narrow and order, and ends that read.

Rules of this room: a step answers with a new query and never changes the one it was called on; nothing is
read before an end is called. The store hands in the `Runner`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, overload

from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.query import compiler, frames, paging
from bmaddb.device.query.aggregates import Aggregate, avg_of, max_of, min_of, sum_of
from bmaddb.device.query.binding import whole
from bmaddb.device.query.eager import Eager, Loads, children_of, linked_with, parent_of
from bmaddb.device.query.ends import Ends, Runner, refuse_parted, refuse_slots
from bmaddb.device.query.joins import joined
from bmaddb.device.query.plan import Plan, Rows, Scalar, Statement
from bmaddb.device.query.prepared import Prepared, with_values
from bmaddb.device.query.selection import Selection, arranged
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Condition, Order, Param, Search
from bmaddb.schema.expressions import Operand
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Query(Ends[R], frames.Framed):
    """Rows of one table as records: steps such as `where`, `join`, `order_by`; then an end such as `all`."""

    __slots__ = ()

    # -- steps ---------------------------------------------------------------------------------------------

    def where(self, *conditions: Condition) -> Query[R]:
        """Only rows that satisfy all `conditions`, these and those given before."""
        for condition in conditions:
            if not isinstance(condition, Condition):
                raise _not_a_condition(condition)
        plan = self.plan
        return Query(self._runner, replace(plan, conditions=plan.conditions + conditions))

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
        """Sort by these, after those given before; a bare column means smallest first. Ties come in any order."""
        steps = tuple([order if isinstance(order, Order) else _ascending(order) for order in orders])
        return Query(self._runner, replace(self.plan, orders=self.plan.orders + steps))

    def limit(self, rows: int | Param) -> Query[R]:
        """At most `rows` rows; 0 gives none."""
        whole("limit", rows)
        return Query(self._runner, replace(self.plan, limit=rows))

    def offset(self, rows: int | Param) -> Query[R]:
        """Leave out the first `rows` rows."""
        whole("offset", rows)
        return Query(self._runner, replace(self.plan, offset=rows))

    def distinct(self) -> Query[R]:
        """Each different row once."""
        return Query(self._runner, replace(self.plan, distinct=True))

    def group_by(self, *operands: Operand[Any]) -> Query[R]:
        """One row for each different value of `operands`; read it with `select` or `rows`."""
        return Query(self._runner, replace(self.plan, groups=self.plan.groups + operands))

    def having(self, *conditions: Condition) -> Query[R]:
        """Only groups that satisfy all `conditions`; they may compare aggregates."""
        for condition in conditions:
            if not isinstance(condition, Condition):
                raise _not_a_condition(condition)
        return Query(self._runner, replace(self.plan, having=self.plan.having + conditions))

    def after(self, place: R | str) -> Query[R]:
        """Only the rows after `place` in the query's order, ties broken by id: a record of it, or a `key_of` one.

        QueryError where the order is not one of the table's own columns, or rows may come several times.
        """
        return Query(self._runner, paging.after(self.plan, place))

    def bind(self, **values: Any) -> Query[R]:
        """The query with these values in place of its parameters."""
        return Query(self._runner, with_values(self.plan, values))

    # -- what is read --------------------------------------------------------------------------------------

    @overload
    def select(self, a: Operand[A], /) -> Selection[tuple[A]]: ...
    @overload
    def select(self, a: Operand[A], b: Operand[B], /) -> Selection[tuple[A, B]]: ...
    @overload
    def select(self, a: Operand[A], b: Operand[B], c: Operand[C], /) -> Selection[tuple[A, B, C]]: ...
    @overload
    def select(self, a: Operand[A], b: Operand[B], c: Operand[C], d: Operand[D], /) -> Selection[tuple[A, B, C, D]]: ...
    @overload
    def select(self, *operands: Operand[Any]) -> Selection[tuple[Any, ...]]: ...
    def select(self, *operands: Operand[Any]) -> Selection[Any]:
        """Tuples of columns and what is made of them, as Python values; of any table of the query."""
        return Selection(self._runner, self.plan, operands)

    def select_as(self, make: type[T], **operands: Operand[Any]) -> Selection[T]:
        """The same as instances of `make`, a NamedTuple, dataclass or Struct: `select_as(Line, title=Task.title)`."""
        return Selection(self._runner, self.plan, arranged(make, operands), make)

    def scalar(self, operand: Operand[T]) -> Operand[T]:
        """The operand's value in the first row, to be used in another query; null when there is no row."""
        return Scalar(Rows(self.plan, operand))

    def with_children(self, column: Column[Any], query: Loads[C]) -> Eager[R, list[C]]:
        """Tuples of each record and the rows of `query` whose foreign key `column` names it."""
        return Eager(self._runner, self, (children_of(self.plan, column, query),))

    def with_parent(self, column: Column[Any], query: Loads[C]) -> Eager[R, C | None]:
        """Tuples of each record and the row of `query` that its foreign key `column` names, or None."""
        return Eager(self._runner, self, (parent_of(self.plan, column, query),))

    def with_linked(self, near: Column[Any], far: Column[Any], query: Loads[C]) -> Eager[R, list[C]]:
        """Tuples of each record and the rows of `query` it is linked with, over the table of `near` and `far`."""
        return Eager(self._runner, self, (linked_with(self._runner, self.plan, near, far, query),))

    # -- ends ----------------------------------------------------------------------------------------------

    def prepare(self) -> Prepared[R]:
        """The query compiled for good, to be run with the values of its parameters."""
        return Prepared(self)

    def ids(self) -> list[str]:
        """The ids of the rows, without reading the rest of them."""
        text, arguments = compiler.select_ids(self.plan, self._runner.search_text)
        refuse_slots(arguments)
        return [row[0] for row in self._runner.tuples(text, arguments)]

    @overload
    def rows(self, a: Operand[A], /) -> list[tuple[A]]: ...
    @overload
    def rows(self, a: Operand[A], b: Operand[B], /) -> list[tuple[A, B]]: ...
    @overload
    def rows(self, a: Operand[A], b: Operand[B], c: Operand[C], /) -> list[tuple[A, B, C]]: ...
    @overload
    def rows(self, *operands: Operand[Any]) -> list[tuple[Any, ...]]: ...
    def rows(self, *operands: Operand[Any]) -> list[Any]:
        """What `select` of these gives."""
        return self.select(*operands).all()

    def pages(self, rows: int) -> Iterator[list[R]]:
        """All rows, `rows` (1 to 10000) at a time; each page begins after the last row of the one before."""
        if not 1 <= whole("a page", rows) <= paging.PAGE_ROWS_MAX:
            raise e.QueryError(f"a page has 1 to {paging.PAGE_ROWS_MAX} rows, not {rows}")
        if self.plan.limit is not None:
            raise e.QueryError("pages have their own limit", hint="leave out .limit(), and stop when it is enough")
        return self._pages(Query(self._runner, paging.paged(self.plan)), rows)

    def key_of(self, record: R) -> str:
        """The place of `record` in the query's order, as text for `after`; it holds the values ordered by."""
        return paging.key_of(self.plan, record)

    def _repr_html_(self) -> str:
        """What a notebook shows: the first rows, without what is sensitive."""
        rows = self._read(frames.SHOWN_ROWS_MAX + 1)
        shown = rows[: frames.SHOWN_ROWS_MAX]
        return frames.table_html(shown, self.plan.record, len(rows) > len(shown))

    def min(self, column: Operand[T]) -> T | None:
        """The smallest value that is not null; None when there is none."""
        return self._value(min_of(column))

    def max(self, column: Operand[T]) -> T | None:
        """The largest value that is not null; None when there is none."""
        return self._value(max_of(column))

    def sum(self, column: Operand[T]) -> T | None:
        """The sum of the values that are not null; None when there is none."""
        return self._value(sum_of(column))

    def avg(self, column: Operand[Any]) -> float | None:
        """The mean of the values that are not null; None when there is none."""
        return self._value(avg_of(column))

    # -- inside --------------------------------------------------------------------------------------------

    def statement(self, rows_max: int | None) -> Statement:
        """The SQL of at most `rows_max` rows, and its arguments."""
        return compiler.select(self.plan, self._runner.search_text, rows_max)

    def fetch(self, text: str, arguments: tuple[Any, ...]) -> list[R]:
        """What that SQL gives, as the query's rows."""
        record: Any = self.plan.record
        rows: list[R] = self._runner.records(record, text, arguments, self.plan)
        return rows

    def _frame_columns(self) -> list[frames.FrameColumn]:
        rows = self.all()
        columns = self.plan.record.__table__.columns
        return [frames.FrameColumn(c.name, c.kind, [getattr(row, c.slot) for row in rows]) for c in columns]

    def _pages(self, ordered: Query[R], rows: int) -> Iterator[list[R]]:
        query = ordered
        while True:
            page = query.limit(rows).all()
            if page:
                yield page
            if len(page) < rows:
                return
            query = ordered.after(page[-1])

    def _joined(self, record: type[Record], on: Column[Any] | None, *, outer: bool) -> Query[R]:
        plan = self.plan
        present = (plan.record.__table__, *(join.record.__table__ for join in plan.joins))
        join = joined(present, record, on, outer=outer)
        return Query(self._runner, replace(plan, joins=(*plan.joins, join)))

    def _value(self, aggregate: Aggregate[T]) -> T:
        refuse_parted(self.plan, aggregate)
        return self.rows(aggregate)[0][0]


def _not_a_condition(given: object) -> e.QueryError:
    return e.QueryError(f"not a condition: {given!r}", hint="compare a column with a value: Task.state == 'todo'")


def _ascending(operand: object) -> Order:
    if not isinstance(operand, Operand):
        raise e.QueryError(f"cannot order by {operand!r}", hint="use Task.due_on.desc() or Task.due_on")
    return operand.asc()


def query_of(runner: Runner, record: type[R]) -> Query[R]:
    """All rows of `record`'s table."""
    return Query(runner, Plan(record))
