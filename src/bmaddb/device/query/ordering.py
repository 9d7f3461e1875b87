"""The order of a query: made total where it must be, and as a sort key in Python that agrees with ORDER BY.

Rules of this room: a query is ordered by what was asked, and rows that tie come in any order, because to break
each tie would cost a sort where an index had the rows in order already. Where rows must keep their places
(pages, windows of live queries) the order is made total first: `id`, smallest first, is its last step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from bmaddb.device.query.matcher_operands import OnlySql, Reader, reader_of
from bmaddb.device.query.plan import Plan
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Order, Valued
from bmaddb.schema.kinds import Kind

OrderKey: TypeAlias = Callable[[Any], tuple[Any, ...]]
"""(record) -> a key that sorts records as SQLite orders their rows; no two rows have the same."""
_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL, Kind.BOOL, Kind.TS})


def totally_ordered(plan: Plan) -> Plan:
    """The same rows in an order without ties: `id` is the last step, unless it is a step already."""
    by_id = plan.record.__table__.column("id")
    if any(order.operand is by_id for order in plan.orders):
        return plan
    return replace(plan, orders=(*plan.orders, Order(by_id, descending=False, nulls_last=False)))


def order_key_of(plan: Plan) -> OrderKey | None:
    """A sort key for records that gives the order of `totally_ordered(plan)`; None where only SQL can order."""
    if plan.joins or plan.groups:
        return None
    table = plan.record.__table__.name
    try:
        parts = [_part(order, reader_of(order.operand, table)) for order in totally_ordered(plan).orders]
    except OnlySql:
        return None
    if len(parts) == 1:
        only = parts[0]
        return lambda record: (only(record),)
    if len(parts) == 2:
        one, other = parts
        return lambda record: (one(record), other(record))
    steps = tuple(parts)
    return lambda record: tuple([step(record) for step in steps])


class Reversed:
    """A text or bytes that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __lt__(self, other: Reversed) -> bool:
        return bool(other.value < self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]


def _part(order: Order, read: Reader) -> Callable[[Any], Any]:
    value = _descending(order.operand, read) if order.descending else read
    if not _nullable(order.operand):
        return value
    null, other = ((1, 0), 0) if order.nulls_last else ((0, 0), 1)
    return lambda record: null if read(record) is None else (other, value(record))


def _descending(operand: Valued, read: Reader) -> Callable[[Any], Any]:
    if operand.kind in _NUMBERS:
        return lambda record: -read(record)
    return lambda record: Reversed(read(record))


def _nullable(operand: Valued) -> bool:
    return not isinstance(operand, Column) or operand.spec.nullable
