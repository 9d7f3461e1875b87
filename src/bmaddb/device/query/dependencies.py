"""Which tables a query reads: what must be looked at again when one of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.plan import Plan, Scalar
from bmaddb.schema.conditions import Condition, Order, Raw, Related, Search, Subquery
from bmaddb.schema.expressions import Derived, JsonPath
from bmaddb.schema.relations import RelatedCount, target_of


def dependencies_of(plan: Plan, *operands: Any) -> frozenset[str]:
    """The names of all tables that `plan` reads, and with it `operands`.

    Of raw SQL it knows only what `raw(..., reads=[...])` says, besides the tables of the query itself.
    """
    tables: set[str] = set()
    waiting: list[Any] = [plan, *operands]
    while waiting:
        node = waiting.pop()
        tables.update(_tables(node))
        waiting.extend(_inside(node))
    return frozenset(tables)


def settled(plan: Plan) -> bool:
    """Does the answer follow from the rows of `dependencies_of(plan)` alone? Not with raw SQL, nor with text search."""
    waiting: list[Any] = [plan]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Raw | Search):
            return False
        waiting.extend(_inside(node))
    return True


def _tables(node: Any) -> tuple[str, ...]:
    match node:
        case Plan():
            return (node.record.__table__.name, *(join.record.__table__.name for join in node.joins))
        case Related() | RelatedCount():
            return (node.column.table, target_of(node.column))
        case Raw():
            return node.reads
        case _:
            return ()


def _inside(node: Any) -> Iterator[Any]:
    match node:
        case Condition():  # whatever kind it is: what its fields hold
            for name in node.__struct_fields__:
                held = getattr(node, name)
                yield from held if isinstance(held, tuple) else (held,)
        case Plan():
            yield from (*node.conditions, *node.having, *node.groups, *node.orders)
        case Subquery():
            yield from (node.plan, node.operand)
        case Scalar():
            yield node.rows
        case RelatedCount():
            yield from node.conditions
        case Order() | Aggregate():
            yield node.operand
        case Derived():
            yield from node.arguments
        case JsonPath():
            yield node.document
