"""Pages by key: the rows after one that was seen, whatever was inserted or deleted before it meanwhile.

Rules of this room: the order is made total by `id`, so no row comes twice and none is left out, with ties and
nulls too. The place of a row is said by conditions of the ordinary kind, so compiler and matcher both read it.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.query.aggregates import named
from bmaddb.device.query.matcher_operands import OnlySql, reader_of
from bmaddb.device.query.ordering import totally_ordered
from bmaddb.device.query.plan import Plan
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import And, Comparator, Compare, Condition, Or, Order
from bmaddb.schema.expressions import Constant
from bmaddb.schema.kinds import INT_MAX, INT_MIN, Kind
from bmaddb.schema.records import Record

PAGE_ROWS_MAX: Final = 10_000
_HEX: Final = "hex"
_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})


def paged(plan: Plan) -> Plan:
    """The plan in total order; QueryError where rows could not be told apart, or not be placed again."""
    if plan.groups or plan.having:
        raise e.QueryError("groups have no pages by key", hint="use .limit() and .offset()")
    if plan.offset != 0:
        raise e.QueryError("pages by key count from a row, not from an offset", hint="leave out .offset()")
    table = plan.record.__table__.name
    for join in plan.joins:
        if join.child_table == join.record.__table__.name and not plan.distinct:
            raise e.QueryError(
                f"a row of {table} may come several times with {join.child_table}",
                hint="use .distinct(), or children(...).exists(...) instead of the join",
            )
    ordered = totally_ordered(plan)
    for order in ordered.orders:
        _refuse_unplaced(order, table)
    return ordered


def key_of(plan: Plan, record: Record) -> str:
    """The place of `record` in the order of the plan, as text that may travel; it holds the values ordered by."""
    return json.dumps([_as_json(value) for value in _values(paged(plan), record)], ensure_ascii=False)


def after(plan: Plan, place: Record | str) -> Plan:
    """Only the rows that come after `place`: a record, or what `key_of` gave for one."""
    ordered = paged(plan)
    values = _parsed(ordered, place) if isinstance(place, str) else _values(ordered, place)
    condition = _beyond(list(zip(ordered.orders, values, strict=True)))
    return replace(ordered, conditions=(*ordered.conditions, condition))


def _values(plan: Plan, record: Record) -> list[Any]:
    if not isinstance(record, plan.record):
        raise e.QueryError(f"a record of {plan.record.__table__.name} is wanted, not {record!r}")
    table = plan.record.__table__.name
    return [reader_of(order.operand, table)(record) for order in plan.orders]


def _beyond(steps: list[tuple[Order, Any]]) -> Condition:
    """After the place in the first step, or beside it there and after it in the rest."""
    (order, value), *rest = steps
    later = _later(order, value)
    if not rest:
        return later
    beside = And((_same(order, value), _beyond(rest)))
    if value is None or _nullable(order):
        return Or((later, beside))
    # The first part says nothing new, but an index can begin there.
    return And((_from(order, value), Or((later, beside))))


def _later(order: Order, value: Any) -> Condition:
    operand, null = order.operand, Compare(order.operand, Comparator.IS, None)
    if value is None:
        return Or(()) if order.nulls_last else Compare(operand, Comparator.IS_NOT, None)
    comparator = Comparator.LT if order.descending else Comparator.GT
    later = Compare(operand, comparator, Constant(operand.kind, value))
    return Or((later, null)) if order.nulls_last and _nullable(order) else later


def _from(order: Order, value: Any) -> Condition:
    comparator = Comparator.LE if order.descending else Comparator.GE
    return Compare(order.operand, comparator, Constant(order.operand.kind, value))


def _same(order: Order, value: Any) -> Condition:
    right: Constant[Any] | None = None if value is None else Constant(order.operand.kind, value)
    return Compare(order.operand, Comparator.IS, right)


def _nullable(order: Order) -> bool:
    return not isinstance(order.operand, Column) or order.operand.spec.nullable


def _refuse_unplaced(order: Order, table: str) -> None:
    if order.operand.kind is Kind.JSON:
        raise e.QueryError(f"{named(order.operand)} is json, which has no order to page by")
    try:
        reader_of(order.operand, table)
    except OnlySql:
        raise e.QueryError(
            f"a record of {table} does not hold {named(order.operand)}, so it has no place in that order",
            hint="page by columns of the table itself",
        ) from None


def _as_json(value: Any) -> Any:
    return {_HEX: value.hex()} if isinstance(value, bytes) else value


def _parsed(plan: Plan, key: str) -> list[Any]:
    try:
        values = json.loads(key)
        if isinstance(values, list) and len(values) == len(plan.orders):
            return [_placed(order.operand.kind, value) for order, value in zip(plan.orders, values, strict=True)]
    except (ValueError, RecursionError, KeyError, TypeError):
        pass
    raise e.QueryError("not a key of this query's order", hint="it comes from key_of() of a query ordered alike")


def _placed(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.BLOB:
        return bytes.fromhex(value[_HEX])
    if kind is Kind.TEXT:
        fits = type(value) is str
    elif type(value) is float:  # among whole numbers too: their sum leaves 64 bits
        fits = kind in _NUMBERS and not math.isnan(value)
    else:  # among reals too, and it stays exact
        fits = type(value) is int and INT_MIN <= value <= INT_MAX
    if not fits:
        raise TypeError
    return value
