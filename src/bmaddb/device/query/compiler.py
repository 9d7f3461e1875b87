"""Query plans -> SQL text with bound arguments. One of the rooms where SQL is built; same plan, same text."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query.compiler_conditions import Scribe
from bmaddb.device.query.plan import Join, Plan, SearchText, Statement
from bmaddb.schema.expressions import And, Condition, Operand
from bmaddb.schema.records import Record

_LIMIT: Final = " limit ? + 0"
"""A bare `?` here makes SQLite plan the statement anew at every run: six times the cost of a point read."""
_OFFSET: Final = " offset ? + 0"


def select(plan: Plan, search: SearchText | None = None) -> Statement:
    """The records of the plan's first table, every column in the order of the record's slots."""
    _refuse_groups(plan)
    return _statement(_record_columns(plan.record, bool(plan.joins)), plan, _scribe(plan, search))


def select_ids(plan: Plan, search: SearchText | None = None) -> Statement:
    """Only the ids of those records."""
    _refuse_groups(plan)
    return _statement(f'"{plan.record.__table__.name}"."id"', plan, _scribe(plan, search))


def select_operands(plan: Plan, operands: tuple[Operand[Any], ...], search: SearchText | None = None) -> Statement:
    """One tuple of `operands` a row, or a group."""
    if not operands:
        raise e.QueryError("name at least one column or aggregate to read")
    scribe = _scribe(plan, search)
    return _statement(", ".join([scribe.operand(operand) for operand in operands]), plan, scribe)


def count(plan: Plan, search: SearchText | None = None) -> Statement:
    """How many rows `select` would give; with groups, how many groups."""
    scribe = _scribe(plan, search)
    if plan.limit is None and not plan.offset and not plan.distinct and not plan.groups:
        return _statement("count(*)", plan, scribe, ordered=False)
    listed = _record_columns(plan.record, bool(plan.joins)) if plan.distinct else "1"
    text, arguments = _statement(listed, plan, scribe, ordered=False)
    return Statement(f"select count(*) from ({text})", arguments)


def exists(plan: Plan, search: SearchText | None = None) -> Statement:
    """1 when `select` would give a row, else 0."""
    text, arguments = _statement("1", plan, _scribe(plan, search), ordered=False)
    return Statement(f"select exists ({text})", arguments)


@cache
def _record_columns(record: type[Record], qualified: bool) -> str:
    """Every column; a text without needless words is found sooner in the statement cache."""
    table = record.__table__
    prefix = f'"{table.name}".' if qualified else ""
    return ", ".join([f'{prefix}"{column.name}"' for column in table.columns])


def _scribe(plan: Plan, search: SearchText | None) -> Scribe:
    names = [plan.record.__table__.name]
    if plan.joins:
        names += [join.record.__table__.name for join in plan.joins]
    return Scribe(names, search)


def _statement(listed: str, plan: Plan, scribe: Scribe, *, ordered: bool = True) -> Statement:
    words = "select distinct" if plan.distinct else "select"
    text = f'{words} {listed} from "{plan.record.__table__.name}"'
    if plan.joins:
        text += "".join([_joined(join) for join in plan.joins])
    if plan.conditions:
        text += f" where {_all(plan.conditions, scribe)}"
    if plan.groups:
        text += f" group by {', '.join([scribe.operand(operand) for operand in plan.groups])}"
    if plan.having:
        text += f" having {_all(plan.having, scribe)}"
    if plan.orders and ordered:
        text += f" order by {', '.join([scribe.order(order) for order in plan.orders])}"
    if plan.limit is not None or plan.offset:
        text += _LIMIT
        scribe.arguments.append(-1 if plan.limit is None else plan.limit)
        if plan.offset:
            text += _OFFSET
            scribe.arguments.append(plan.offset)
    return Statement(text, tuple(scribe.arguments))


def _all(conditions: tuple[Condition, ...], scribe: Scribe) -> str:
    if len(conditions) == 1 and not isinstance(conditions[0], And):
        return scribe.condition(conditions[0])
    parts = [part for item in conditions for part in (item.parts if isinstance(item, And) else (item,))]
    return " and ".join([scribe.condition(part) for part in parts]) or "1"


def _joined(join: Join) -> str:
    words = "left join" if join.outer else "join"
    child = f'"{join.child_table}"."{join.child}"'
    return f' {words} "{join.record.__table__.name}" on {child} = "{join.parent}"."id"'


def _refuse_groups(plan: Plan) -> None:
    if plan.groups or plan.having:
        raise e.QueryError("grouped rows are not records", hint="read them with .rows(...)")
