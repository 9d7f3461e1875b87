"""A query as frozen data: what the builder collects and the compiler reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import msgspec

from bmaddb.schema.conditions import Condition, Order, Param, Search, Subquery
from bmaddb.schema.expressions import Operand
from bmaddb.schema.records import Record


class Statement(NamedTuple):
    """SQL text with the values of its `?`, in order. The text is the key of the statement cache."""

    text: str
    arguments: tuple[Any, ...]


SearchText: TypeAlias = Callable[[Search], Statement]
"""Turns a text search into a condition; the store puts a text index behind it where there is one."""


class Join(NamedTuple):
    """Rows of `record`'s table beside ours: where column `child` of `child_table` is the id in `parent`."""

    record: type[Record]
    child_table: str
    child: str
    parent: str
    outer: bool


class Plan(msgspec.Struct, frozen=True, eq=False):
    """Everything a query says. `record` is the class whose table comes first."""

    record: type[Record]
    joins: tuple[Join, ...] = ()
    conditions: tuple[Condition, ...] = ()
    groups: tuple[Operand[Any], ...] = ()
    having: tuple[Condition, ...] = ()
    orders: tuple[Order, ...] = ()
    limit: int | Param | None = None
    offset: int | Param = 0
    distinct: bool = False


class Rows(Subquery):
    """The values of `operand` over the rows of `plan`, as part of another query."""

    __slots__ = ("operand", "plan")

    def __init__(self, plan: Plan, operand: Operand[Any]) -> None:
        self.plan = plan
        self.operand = operand


class Scalar(Operand[Any]):
    """The one value `rows` gives: of its first row, null when there is none."""

    __slots__ = ("kind", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.kind = rows.operand.kind
