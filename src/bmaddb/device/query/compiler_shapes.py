"""The texts of plain queries, kept by their shape: same columns, comparators and order, same text.

Most queries of an application compare columns of one table with values. For them only the values are looked at
anew; the compiler writes the text once, and what it would refuse never gets a shape.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bmaddb.device.query.binding import bound
from bmaddb.device.query.plan import Plan
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Compare

SHAPES_KEPT_MAX: Final = 4_096
_PLAIN: Final = frozenset({str, int, float, bool, datetime, bytes})
_texts: Final[dict[tuple[Any, ...], str]] = {}


def shape_of(plan: Plan, rows_max: int | None) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """(what the text of the plan's records depends on, its arguments); None for a plan that is not plain."""
    if plan.joins or plan.distinct or plan.groups or plan.having or plan.offset != 0:
        return None
    shape: list[Any] = [plan.record, rows_max]
    arguments: list[Any] = []
    for condition in plan.conditions:
        if type(condition) is not Compare:
            return None
        left, right = condition.left, condition.right
        if type(left) is not Column or type(right) not in _PLAIN:
            return None
        shape += (left.full_name, condition.comparator._value_)
        arguments.append(bound(left, right))
    for order in plan.orders:
        operand = order.operand
        if type(operand) is not Column:
            return None
        shape += (operand.full_name, order.descending, order.nulls_last)
    limit = plan.limit
    if limit is not None:
        if type(limit) is not int:
            return None
        shape.append("limit")
        arguments.append(limit if rows_max is None or limit < rows_max else rows_max)
    return tuple(shape), tuple(arguments)


def text_of(shape: tuple[Any, ...]) -> str | None:
    """The text that was kept for a shape."""
    return _texts.get(shape)


def keep(shape: tuple[Any, ...], text: str) -> None:
    """Keep the text of a shape. All are let go when there are too many, so a program that makes up shapes costs
    no memory."""
    if len(_texts) >= SHAPES_KEPT_MAX:
        _texts.clear()
    _texts[shape] = text
