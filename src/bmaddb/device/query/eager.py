"""Eager loading: rows with those they belong to, one statement for each relation and level, however many rows.

`db.query(Goal).with_children(Task.goal_id, db.query(Task)).all()` gives tuples `(goal, tasks)`. What is loaded is
itself a query, so it can be narrowed, ordered, and load more.

Rules of this room: all statements of one end read one snapshot; a relation's rows come in the order their query
asks for; a query for children may not have a limit, because it would be one for all parents together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, TypeVarTuple

from bmaddb import errors as e
from bmaddb.device.query import compiler
from bmaddb.device.query.dependencies import dependencies_of
from bmaddb.device.query.ends import Ends, Runner
from bmaddb.device.query.plan import Plan, Statement
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Condition
from bmaddb.schema.relations import target_of

C = TypeVar("C")
Ts = TypeVarTuple("Ts")


class Loads(Protocol[C]):
    """A query whose rows can be loaded beside others: of records, or of records that load more."""

    @property
    def plan(self) -> Plan: ...

    def where(self, *conditions: Condition) -> Loads[C]: ...

    def all(self) -> list[C]: ...


class Load(NamedTuple):
    """What is loaded beside, and the tables that are read for it."""

    of: Callable[[list[Any]], list[Any]]
    """(records) -> for each of them what belongs to it."""
    reads: frozenset[str]


class Eager(Ends[tuple[*Ts]], Generic[*Ts]):
    """Rows of a query, each as a tuple of the record and what was loaded with it, in the order it was asked for."""

    __slots__ = ("_loads", "_source")

    def __init__(self, runner: Runner, source: Ends[Any], loads: tuple[Load, ...]) -> None:
        super().__init__(runner, source.plan)
        self._source = source
        self._loads = loads

    def with_children(self, column: Column[Any], query: Loads[C]) -> Eager[*Ts, list[C]]:
        """And for each the rows of `query` whose foreign key `column` names it."""
        return self._and(children_of(self.plan, column, query))

    def with_parent(self, column: Column[Any], query: Loads[C]) -> Eager[*Ts, C | None]:
        """And for each the row of `query` that its foreign key `column` names; None where there is none."""
        return self._and(parent_of(self.plan, column, query))

    def with_linked(self, near: Column[Any], far: Column[Any], query: Loads[C]) -> Eager[*Ts, list[C]]:
        """And for each the rows of `query` it is linked with, over the table of `near` and `far`."""
        return self._and(linked_with(self._runner, self.plan, near, far, query))

    def where(self, *conditions: Condition) -> Eager[*Ts]:
        """Only rows that satisfy all `conditions`; what is loaded with them is narrowed in its own query."""
        source: Any = self._source
        return Eager(self._runner, source.where(*conditions), self._loads)

    @property
    def reads(self) -> frozenset[str]:
        """The tables that are read for what is loaded beside."""
        return frozenset().union(*[load.reads for load in self._loads])

    def statement(self, rows_max: int | None) -> Statement:
        """The SQL of at most `rows_max` rows, and its arguments."""
        return self._source.statement(rows_max)

    def fetch(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[*Ts]]:
        """What that SQL gives, as the query's rows."""
        with self._runner.snapshot():
            records = self._source.fetch(text, arguments)
            return list(zip(records, *[load.of(records) for load in self._loads], strict=True))

    def _and(self, load: Load) -> Eager[Any]:
        return Eager(self._runner, self._source, (*self._loads, load))


def children_of(plan: Plan, column: Column[Any], query: Loads[Any]) -> Load:
    """Loads for each record the rows of `query` whose `column` names it."""
    _refuse_other(plan, target_of(column), column)
    _refuse_other(query.plan, column.table, column)
    _refuse_part(query.plan)

    def load(records: list[Any]) -> list[Any]:
        found: dict[str, list[Any]] = {record.id: [] for record in records}
        if found:
            for item in query.where(column.in_(found)).all():
                found[getattr(_record(item), column.slot)].append(item)
        return [found[record.id] for record in records]

    return Load(load, _reads(query))


def parent_of(plan: Plan, column: Column[Any], query: Loads[Any]) -> Load:
    """Loads for each record the row of `query` its `column` names."""
    _refuse_other(plan, column.table, column)
    _refuse_other(query.plan, target_of(column), column)
    _refuse_part(query.plan)

    def load(records: list[Any]) -> list[Any]:
        named = [getattr(record, column.slot) for record in records]
        found = _by_id(query, {row_id for row_id in named if row_id is not None})
        return [found.get(row_id) for row_id in named]

    return Load(load, _reads(query))


def linked_with(runner: Runner, plan: Plan, near: Column[Any], far: Column[Any], query: Loads[Any]) -> Load:
    """Loads for each record the rows of `query` that a link table names beside it: one statement for the links."""
    if near.table != far.table:
        raise e.QueryError(f"{near!r} and {far!r} are not columns of one link table")
    _refuse_other(plan, target_of(near), near)
    _refuse_other(query.plan, target_of(far), far)
    _refuse_part(query.plan)

    def load(records: list[Any]) -> list[Any]:
        ids = {record.id: None for record in records}
        pairs = runner.tuples(*compiler.links(near, far, list(ids))) if ids else []
        found = _by_id(query, {other for _, other in pairs})
        linked: dict[str, set[str]] = {row_id: set() for row_id in ids}
        for row_id, other in pairs:
            linked[row_id].add(other)
        place = {other: number for number, other in enumerate(found)}
        lists = {row_id: sorted(others & place.keys(), key=place.__getitem__) for row_id, others in linked.items()}
        return [[found[other] for other in lists[record.id]] for record in records]

    return Load(load, _reads(query) | {near.table})


def _reads(query: Loads[Any]) -> frozenset[str]:
    beside = query.reads if isinstance(query, Eager) else frozenset()
    return dependencies_of(query.plan) | beside


def _by_id(query: Loads[Any], ids: set[str]) -> dict[str, Any]:
    """The rows with these ids, in the order of their query."""
    if not ids:
        return {}
    by_id = query.plan.record.__table__.column("id")
    return {_record(item).id: item for item in query.where(by_id.in_(sorted(ids))).all()}


def _record(item: Any) -> Any:
    return item[0] if isinstance(item, tuple) else item


def _refuse_other(plan: Plan, table: str, column: Column[Any]) -> None:
    if plan.record.__table__.name != table:
        raise e.QueryError(
            f"{column.table}.{column.name} joins {column.table} and {target_of(column)},"
            f" and the query is of {plan.record.__table__.name}, not of {table}"
        )


def _refuse_part(plan: Plan) -> None:
    if plan.limit is not None or plan.offset != 0 or plan.groups:
        raise e.QueryError(
            "a query that is loaded with others has no limit, offset or groups", hint="it would be one for all of them"
        )
