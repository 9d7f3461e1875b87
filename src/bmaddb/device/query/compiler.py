"""Query plans -> SQL text with bound arguments. One of the rooms where SQL is built; same plan, same text."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from bmaddb import errors as e
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.compiler_conditions import Scribe
from bmaddb.device.query.compiler_shapes import keep, shape_of, text_of
from bmaddb.device.query.plan import Plan, SearchText, Statement
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Operand
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.records import Record


def select(plan: Plan, search: SearchText | None = None, rows_max: int | None = None) -> Statement:
    """The records of the plan's first table, every column in the order of the record's slots."""
    plain = shape_of(plan, rows_max)
    if plain is not None:
        shape, arguments = plain
        text = text_of(shape)
        if text is None:
            text = _select(plan, search, rows_max).text
            keep(shape, text)
        return Statement(text, arguments)
    return _select(plan, search, rows_max)


def _select(plan: Plan, search: SearchText | None, rows_max: int | None) -> Statement:
    if plan.groups or plan.having:
        raise _grouped()
    scribe = _scribe(plan, search)
    text = scribe.statement(_record_columns(plan.record, bool(plan.joins)), plan, rows_max=rows_max)
    return Statement(text, tuple(scribe.arguments))


def select_ids(plan: Plan, search: SearchText | None = None, rows_max: int | None = None) -> Statement:
    """Only the ids of those records."""
    if plan.groups or plan.having:
        raise _grouped()
    scribe = _scribe(plan, search)
    text = scribe.statement(f'"{plan.record.__table__.name}"."id"', plan, rows_max=rows_max)
    return Statement(text, tuple(scribe.arguments))


def select_operands(
    plan: Plan, operands: tuple[Operand[Any], ...], search: SearchText | None = None, rows_max: int | None = None
) -> Statement:
    """One tuple of `operands` a row, or a group."""
    scribe = _scribe(plan, search)
    text = scribe.statement(_listed(operands, scribe), plan, rows_max=rows_max)
    return Statement(text, tuple(scribe.arguments))


def count(plan: Plan, operands: tuple[Operand[Any], ...] = (), search: SearchText | None = None) -> Statement:
    """How many rows `select` (or, of `operands`, `select_operands`) would give; with groups, how many groups."""
    scribe = _scribe(plan, search)
    whole = plan.limit is None and plan.offset == 0 and not plan.distinct and not plan.groups and not plan.having
    if whole and not _aggregating(operands):
        return Statement(scribe.statement("count(*)", plan, ordered=False), tuple(scribe.arguments))
    listed = _listed(operands, scribe) if operands else "1"
    if plan.distinct and not operands:
        listed = _record_columns(plan.record, bool(plan.joins))
    text = scribe.statement(listed, plan, ordered=False)
    return Statement(f"select count(*) from ({text})", tuple(scribe.arguments))


def exists(plan: Plan, operands: tuple[Operand[Any], ...] = (), search: SearchText | None = None) -> Statement:
    """1 when `select` (or, of `operands`, `select_operands`) would give a row, else 0."""
    scribe = _scribe(plan, search)
    text = scribe.statement(_listed(operands, scribe) if _aggregating(operands) else "1", plan, ordered=False)
    return Statement(f"select exists ({text})", tuple(scribe.arguments))


def links(near: Column[Any], far: Column[Any], ids: list[str]) -> Statement:
    """Pairs of a link table: `near`, one of `ids`, and `far`, where there is one."""
    text = (
        f'select "{near.name}", "{far.name}" from "{near.table}"'
        f' where "{near.name}" in (select value from json_each(?)) and "{far.name}" is not null'
    )
    return Statement(text, (canonical_json(ids),))


def _listed(operands: tuple[Operand[Any], ...], scribe: Scribe) -> str:
    if not operands:
        raise e.QueryError("name at least one column or aggregate to read")
    return ", ".join([scribe.operand(operand) for operand in operands])


def _aggregating(operands: tuple[Operand[Any], ...]) -> bool:
    """Without groups, an aggregate makes one row of all."""
    return any(isinstance(operand, Aggregate) for operand in operands)


@cache
def _record_columns(record: type[Record], qualified: bool) -> str:
    """Every column; a text without needless words is found sooner in the statement cache."""
    table = record.__table__
    prefix = f'"{table.name}".' if qualified else ""
    return ", ".join([f'{prefix}"{column.name}"' for column in table.columns])


def _scribe(plan: Plan, search: SearchText | None) -> Scribe:
    names = _own_name(plan.record)
    if plan.joins:
        joined = [join.record.__table__.name for join in plan.joins]
        names = {**names, **{name: f'"{name}"' for name in joined}}
    return Scribe(names, search)


@cache
def _own_name(record: type[Record]) -> Mapping[str, str]:
    name = record.__table__.name
    return {name: f'"{name}"'}


def _grouped() -> e.QueryError:
    return e.QueryError("grouped rows are not records", hint="read them with .rows(...)")
