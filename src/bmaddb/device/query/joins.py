"""Which foreign key joins a table to those a query already reads."""

from __future__ import annotations

from typing import Any

from bmaddb import errors as e
from bmaddb.device.query.plan import Join
from bmaddb.schema.columns import Column
from bmaddb.schema.records import Record
from bmaddb.schema.tables import Table


def joined(present: tuple[Table, ...], record: type[Record], on: Column[Any] | None, *, outer: bool) -> Join:
    """The join of `record`'s table to one of `present`: by `on`, or by the only foreign key between them."""
    table = record.__table__
    if any(other.name == table.name for other in present):
        raise e.QueryError(
            f"{table.name} is already part of the query", hint="join a table with itself in SQL: db.sql(...)"
        )
    found = [join for other in present for join in _between(other, record, outer)]
    if on is not None:
        found = [join for join in found if (join.child_table, join.child) == (on.table, on.name)] or _soft(
            present, record, on, outer
        )
    if not found:
        wanted = "" if on is None else f" through {on.table}.{on.name}"
        raise e.QueryError(f"{table.name} has no relation{wanted} to {_listed(present)}")
    if len(found) > 1:
        ways = ", ".join(f"{join.child_table}.{join.child}" for join in found)
        raise e.QueryError(f"{table.name} can be joined in several ways: {ways}", hint="choose one with on=")
    return found[0]


def _between(one: Table, record: type[Record], outer: bool) -> list[Join]:
    new = record.__table__
    return [
        *(Join(record, x.table, x.name, new.name, outer) for x in one.foreign_keys if x.spec.references == new.name),
        *(Join(record, x.table, x.name, one.name, outer) for x in new.foreign_keys if x.spec.references == one.name),
    ]


def _soft(present: tuple[Table, ...], record: type[Record], on: Column[Any], outer: bool) -> list[Join]:
    """A soft reference joins too, but only when it is named."""
    new, names = record.__table__.name, {table.name for table in present}
    target = on.spec.soft_references
    if target == new and on.table in names:
        return [Join(record, on.table, on.name, new, outer)]
    if on.table == new and target in names:
        return [Join(record, on.table, on.name, target, outer)]
    return []


def _listed(tables: tuple[Table, ...]) -> str:
    return ", ".join(table.name for table in tables)
