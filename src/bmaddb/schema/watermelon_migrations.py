"""Migrations as WatermelonDB can take them: it knows new tables and new columns, and nothing else.

So a renamed table is a new table there and a renamed column a new column, both filled by the next pull (which
tells the server what is new); what was dropped simply stays behind in the client's file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.evolution import (
    AddColumn,
    CreateTable,
    Migration,
    Plan,
    RenameColumn,
    RenameTable,
    Step,
    TablePlan,
    net_plan,
)
from bmaddb.schema.watermelon import shown_columns, watermelon_column

ClientStep: TypeAlias = dict[str, Any]


def watermelon_migrations(migrations: Sequence[Migration], catalog: Catalog) -> list[dict[str, Any]]:
    """`[{"toVersion", "steps": [{"type": "create_table" | "add_columns", "table", "columns": [...]}]}]`.

    One entry for each version, even without steps: the library wants no gap.
    """
    return [
        {"toVersion": migration.to_version, "steps": list(_client_steps(migration, migrations, catalog))}
        for migration in migrations
    ]


def _client_steps(migration: Migration, migrations: Sequence[Migration], catalog: Catalog) -> Iterator[ClientStep]:
    later = net_plan(migrations, catalog, migration.to_version)
    for name, new_columns in _news(migration.steps).items():
        then = _then(name, later, catalog)
        if then is None or not then.table.synced:
            continue
        whole = new_columns is None
        columns = [shown for shown in _columns(then) if whole or shown["name"] in (new_columns or ())]
        if columns:
            yield {"type": "create_table" if whole else "add_columns", "table": name, "columns": columns}


def _news(steps: Sequence[Step]) -> dict[str, set[str] | None]:
    """What a client has not got at the end of these steps: table -> new columns, None = the whole table."""
    news: dict[str, set[str] | None] = {}
    for step in steps:
        match step:
            case CreateTable():
                news[step.called] = None
            case RenameTable(old, new):
                news.pop(old, None)
                news[new] = None
            case AddColumn(table, name, _) | RenameColumn(table, _, name):
                known = news.setdefault(table, set())
                if known is not None:
                    known.add(name)
    return news


def _then(name: str, later: Plan, catalog: Catalog) -> TablePlan | None:
    """What became later of the table that is called `name` at that version; None when it was dropped."""
    for plan in later.tables:
        if plan.source == name:
            return plan
    if name in later.dropped_tables or name not in catalog.tables:
        return None
    return TablePlan(table=catalog.table(name), source=name)


def _columns(then: TablePlan) -> list[dict[str, Any]]:
    """The columns of a table, under the names of that version."""
    return [
        {**watermelon_column(then.table, column), "name": then.renamed.get(column.name, column.name)}
        for column in shown_columns(then.table)
        if column.name not in then.added
    ]
