"""Migrations of a device's file, as SQL. Text out, no I/O.

Whoever runs it switches `PRAGMA foreign_keys` OFF before the transaction (a table that is rebuilt is dropped
in between, and would take its children along), looks with `PRAGMA foreign_key_check` before the commit, and
makes again whatever of its own (text index, triggers) hung from the tables named by the plan.

Rules of this room: a table that only gained columns is altered in place; one that lost or renamed a column, or
has another key, is rebuilt from its declaration, so that in the end it is the table a new file would have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bmaddb.schema import sqlite_ddl as ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.evolution import Migration, TablePlan, net_plan, rename_order
from bmaddb.schema.tables import Table


def sqlite_steps(migrations: Sequence[Migration], catalog: Catalog, from_version: int) -> tuple[str, ...]:
    """The statements that bring a device's file of `from_version` to the catalog, for one transaction."""
    plan = net_plan(migrations, catalog, from_version)
    here = [table for table in plan.tables if table.table.on_device]
    moved = {str(table.source): table.table.name for table in here if table.moved}
    statements = [f"DROP TABLE IF EXISTS {ddl.quoted(name)};" for name in plan.dropped_tables]
    statements += [f"ALTER TABLE {ddl.quoted(old)} RENAME TO {ddl.quoted(new)};" for old, new in rename_order(moved)]
    for table in here:
        statements += _forget_old_indexes(table)
    for table in here:
        statements += _table_steps(table, catalog)
    return tuple(statements)


def _table_steps(plan: TablePlan, catalog: Catalog) -> list[str]:
    if plan.created:
        return [ddl.create_table(plan.table, catalog), *ddl.create_indexes(plan.table, catalog)]
    if plan.renamed or plan.dropped:
        kept = [column.name for column in plan.table.columns if column.name not in plan.added]
        return rebuild(plan.table, catalog, {name: plan.renamed.get(name, name) for name in kept})
    return [*_add_columns(plan, catalog), *_missing_indexes(plan, catalog)]


def rebuild(table: Table, catalog: Catalog, sources: Mapping[str, str]) -> list[str]:
    """Make the table anew from its declaration, with its rows; `sources`: column -> what it is called in the file."""
    name, new = table.name, f"{table.name}__rebuilt"
    target = ", ".join(ddl.quoted(column) for column in sources)
    source = ", ".join(ddl.quoted(column) for column in sources.values())
    return [
        ddl.create_table(table, catalog, name=new),
        f"INSERT INTO {ddl.quoted(new)} ({target}) SELECT {source} FROM {ddl.quoted(name)};",
        f"DROP TABLE {ddl.quoted(name)};",
        f"ALTER TABLE {ddl.quoted(new)} RENAME TO {ddl.quoted(name)};",
        *ddl.create_indexes(table, catalog),
    ]


def _add_columns(plan: TablePlan, catalog: Catalog) -> list[str]:
    enforced = {column.name for column in ddl.enforced_references(plan.table, catalog)}
    return [
        f"ALTER TABLE {ddl.quoted(plan.table.name)} ADD COLUMN {ddl.column_definition(plan.table, column)}"
        f"{' ' + ddl.reference(column) if column.name in enforced else ''};"
        for column in (plan.table.column(name) for name in plan.added)
    ]


def _forget_old_indexes(plan: TablePlan) -> list[str]:
    """An index keeps its name when its table is renamed; make way for one with the right name."""
    if not plan.moved:
        return []
    options = plan.table.options
    references = ((column.name,) for column in plan.table.foreign_keys)
    groups = dict.fromkeys(
        name
        for columns in (*options.indexes, *options.uniques, *references)
        for name in (columns, ddl.without_user(columns))
        if name
    )
    return [f"DROP INDEX IF EXISTS {ddl.quoted(ddl.index_name(str(plan.source), columns))};" for columns in groups]


def _missing_indexes(plan: TablePlan, catalog: Catalog) -> list[str]:
    return [
        statement.replace("INDEX ", "INDEX IF NOT EXISTS ", 1) for statement in ddl.create_indexes(plan.table, catalog)
    ]
