"""Operands -> SQL text. Part of the compiler, which hands itself in as the `Pen`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from bmaddb import errors as e
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.binding import bound
from bmaddb.device.query.plan import Plan, Scalar
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Condition, Subquery, Valued
from bmaddb.schema.expressions import Constant, Derived, Function, JsonPath, Operand
from bmaddb.schema.kinds import Kind
from bmaddb.schema.relations import RelatedCount, target_of

JSON_TYPES: Final[dict[Kind, str]] = {
    Kind.TEXT: "'text'",
    Kind.INT: "'integer'",
    Kind.REAL: "'real', 'integer'",
    Kind.BOOL: "'true', 'false'",
}
"""How json_type calls what an operand of a kind takes from a JSON value."""
_SIGNS: Final = frozenset({Function.ADD, Function.SUBTRACT, Function.MULTIPLY})


class Pen(Protocol):
    """What an operand needs of the compiler to be written."""

    arguments: list[Any]

    def operand(self, operand: Valued) -> str: ...

    def subselect(self, listed: Callable[[Pen], str], plan: Plan) -> str: ...

    def related(self, listed: str, column: Column[Any], down: bool, conditions: tuple[Condition, ...]) -> str: ...


def written(pen: Pen, operand: Valued) -> str:
    """SQL for an operand that is no column."""
    write = _WRITERS.get(type(operand))
    if write is None:
        raise e.QueryError(f"not something a query can read: {operand!r}")
    return write(pen, operand)


def rows(pen: Pen, node: Subquery, *, nulls: bool) -> str:
    """A subquery, without parentheses; `nulls`: are they among its values?"""
    plan, operand = node.plan, node.operand
    if nulls or (isinstance(operand, Column) and not operand.spec.nullable and not plan.joins):
        return pen.subselect(lambda inner: inner.operand(operand), plan)
    text = pen.subselect(lambda inner: f'{inner.operand(operand)} as "value"', plan)
    return f'select "value" from ({text}) where "value" is not null'


def json_path(steps: tuple[str | int, ...]) -> str:
    """`steps` as SQLite's JSON functions read a path."""
    parts = ["$"]
    for step in steps:
        if isinstance(step, str):
            parts.append(f".{json.dumps(step, ensure_ascii=False)}")
        else:
            parts.append(f"[{step}]" if step >= 0 else f"[#{step}]")
    return "".join(parts)


def _aggregate(pen: Pen, aggregate: Aggregate[Any]) -> str:
    inner = "*" if aggregate.operand is None else pen.operand(aggregate.operand)
    return f"{aggregate.function}({'distinct ' if aggregate.distinct else ''}{inner})"


def _derived(pen: Pen, node: Derived[Any]) -> str:
    first, *others = node.arguments
    parts = [pen.operand(first)]
    parts += [pen.operand(value) if isinstance(value, Operand) else _bound(pen, first, value) for value in others]
    if node.function in _SIGNS:
        return f"({f' {node.function} '.join(parts)})"
    return f"{node.function}({', '.join(parts)})"


def _bound(pen: Pen, beside: Operand[Any], value: object) -> str:
    pen.arguments.append(bound(beside, value))
    return "?"


def _constant(pen: Pen, node: Constant[Any]) -> str:
    pen.arguments.append(node.raw)
    return "?"


def _json_path(pen: Pen, node: JsonPath[Any]) -> str:
    path, types = json_path(node.steps), JSON_TYPES[node.kind]
    kind = pen.operand(node.document)
    pen.arguments.append(path)
    value = pen.operand(node.document)
    pen.arguments.append(path)
    return f"iif(json_type({kind}, ?) in ({types}), json_extract({value}, ?), null)"


def _scalar(pen: Pen, node: Scalar) -> str:
    return f"({rows(pen, node.rows, nulls=True)})"


def _related_count(pen: Pen, node: RelatedCount) -> str:
    target_of(node.column)
    return f"({pen.related('count(*)', node.column, node.down, node.conditions)})"


_WRITERS: Final[dict[type[Any], Callable[[Any, Any], str]]] = {
    Aggregate: _aggregate,
    Derived: _derived,
    Constant: _constant,
    JsonPath: _json_path,
    Scalar: _scalar,
    RelatedCount: _related_count,
}
