"""Which view a query gets: by its shape the cheapest one that is exact.

- one table, conditions and order that Python can say: a sorted window, kept row by row
- the same, chosen columns: a window that knows these columns only, so that others do not wake it
- joins, groups, subqueries, raw SQL, text search, what is loaded beside: read again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bmaddb import errors as e
from bmaddb.device.observe.index import Interest, Leaf, leaf_of
from bmaddb.device.observe.views import One, Reading, View
from bmaddb.device.observe.window import Make, Take, Window
from bmaddb.device.query import Query, dependencies_of, matcher_of, order_key_of
from bmaddb.device.query.eager import Eager
from bmaddb.device.query.ends import Ends, refuse_slots
from bmaddb.device.query.matcher_operands import OnlySql, reader_of
from bmaddb.device.query.selection import Selection
from bmaddb.device.store import Store
from bmaddb.schema.expressions import Operand
from bmaddb.schema.records import Record


def one_of(store: Store, record: type[Record], row_id: str) -> View:
    """The record with this id."""
    table = record.__table__
    place = [column.name for column in table.columns].index("id")
    return One(lambda: store.get(record, row_id), Interest(table.name, Leaf(place, (row_id,))))


def view_of(query: Ends[Any]) -> View:
    """The rows of a query, of a selection of columns, or of a query that loads others beside."""
    refuse_slots(query.statement(None).arguments)
    if isinstance(query, Eager):
        return Reading(query, dependencies_of(query.plan) | query.reads)
    if isinstance(query, Selection):
        return _window(query, query.operands) or Reading(query, dependencies_of(query.plan, *query.operands))
    if isinstance(query, Query):
        return _window(query, None) or Reading(query, dependencies_of(query.plan))
    raise e.QueryError(f"cannot observe {query!r}", hint="a query, a selection, or a record and its id")


def _window(query: Ends[Any], operands: Sequence[Operand[Any]] | None) -> View | None:
    plan = query.plan
    if operands is not None and plan.distinct:
        return None
    matcher, order_key = matcher_of(plan), order_key_of(plan)
    take = _itself if operands is None else _taken(operands, plan.record.__table__.name)
    if matcher is None or order_key is None or take is None:
        return None
    make: Make = query.made if isinstance(query, Selection) else list
    interest = Interest(plan.record.__table__.name, leaf_of(plan))
    return Window(Query(query.runner, plan), matcher, order_key, interest, take, make)


def _taken(operands: Sequence[Operand[Any]], table: str) -> Take | None:
    """The raw values of the operands, as SQL would give them."""
    try:
        readers = [reader_of(operand, table) for operand in operands]
    except OnlySql:
        return None
    return lambda record: tuple([read(record) for read in readers])


def _itself(record: Any) -> Any:
    return record
