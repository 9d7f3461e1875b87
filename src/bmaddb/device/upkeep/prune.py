"""Rows of local tables that have had their time. Nothing here ever touches a synced table."""

from __future__ import annotations

from bmaddb import statements
from bmaddb.device.upkeep.policy import ForgetComputed, Prune
from bmaddb.device.upkeep.work import Work
from bmaddb.schema import sqlite_ddl_archive as ddl
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")


def prune(work: Work, step: Prune) -> None:
    """Rows of one table, oldest first."""
    table = _local(work, step.table)
    if table is not None:
        statement = ddl.delete_oldest(table, step.column, step.condition)
        _repeat(work, statement, work.before(step.keep_days))


def forget_computed(work: Work, step: ForgetComputed) -> None:
    """What was computed from rows that nobody changed for long, or that are not here; it can be computed again."""
    table = _local(work, step.table)
    if table is None:
        return
    with work.store.read() as connection:
        names = [str(row[0]) for row in connection.execute(_SQL["sources"].format(table=table.name))]
    for name in names:
        source = work.store.catalog.tables.get(name)
        if source is not None and "updated_at" in source.by_name:
            _repeat(work, ddl.delete_stale_sources(table, source), work.before(step.keep_days))


def _local(work: Work, name: str) -> Table | None:
    table = work.store.catalog.tables.get(name)
    return table if table is not None and table.scope is Scope.LOCAL else None


def _repeat(work: Work, statement: str, before_ms: int) -> None:
    gone = -1
    while gone and not work.enough:
        with work.batch() as connection:
            connection.execute(statement, (before_ms, work.batch_rows))
            gone = connection.changes()
        work.tally.rows += gone
