"""Migrations of the server's tables, as SQL. Text out, no I/O.

Security, triggers and functions are not among it: whoever runs this makes them anew from the catalog
afterwards, keeps the numbers of renamed tables (`Plan.renamed_tables`), and drops what belonged to others.

Rules of this room: everything is altered in place; constraints and indexes are renamed along with what they
stand on, so that a name that became free is free; a row's stamps follow its columns, without a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bmaddb.schema import postgres_ddl_tables as ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.evolution import Migration, Plan, TablePlan, net_plan, rename_order
from bmaddb.schema.postgres_ddl import create_tables
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_CONSTRAINTS = ("enum", "check", "finite", "fkey")


def postgres_steps(migrations: Sequence[Migration], catalog: Catalog, from_version: int) -> tuple[str, ...]:
    """The statements that bring the server's tables of `from_version` to the catalog, for one transaction."""
    plan = net_plan(migrations, catalog, from_version)
    here = [table for table in plan.tables if table.table.on_server]
    kept = [table for table in here if not table.created]
    return (
        *_drops(plan, kept),
        *_renames(kept),
        *(statement for table in kept for statement in _rename_columns(table)),
        *(statement for table in kept for statement in _follow_stamps(table)),
        *_creations(tuple(table.table for table in here if table.created), catalog),
        *(statement for table in kept for statement in _add_columns(table, catalog)),
        *(statement for table in kept for statement in _missing_indexes(table.table, catalog)),
    )


def _drops(plan: Plan, kept: Iterable[TablePlan]) -> list[str]:
    statements = [
        f"alter table {ddl.qualified(str(table.source))} drop column if exists {ddl.quoted(name)};"
        for table in kept
        for name in table.dropped
    ]
    if plan.dropped_tables:
        listed = ", ".join(ddl.qualified(name) for name in plan.dropped_tables)
        statements.append(f"drop table if exists {listed};")
    return statements


def _renames(kept: Sequence[TablePlan]) -> list[str]:
    moved = {str(table.source): table.table.name for table in kept if table.moved}
    statements = [f"alter table {ddl.qualified(old)} rename to {ddl.quoted(new)};" for old, new in rename_order(moved)]
    indexes = {old: new for table in kept for old, new in _renamed_indexes(table).items()}
    statements += [
        f"alter index if exists {ddl.qualified(old)} rename to {ddl.quoted(new)};" for old, new in rename_order(indexes)
    ]
    return statements


def _renamed_indexes(plan: TablePlan) -> dict[str, str]:
    """Indexes whose table or column has another name now; names follow from what is indexed."""
    old_name = str(plan.source)
    references = (("user_id", column.name) for column in plan.table.foreign_keys)
    machinery = (("user_id", "server_seq"), ("server_seq",))
    groups = dict.fromkeys((*plan.table.options.indexes, *references, *machinery))
    renamed: dict[str, str] = {}
    for columns in groups:
        old = ddl.object_name("ix", old_name, *(plan.renamed.get(name, name) for name in columns))
        new = ddl.object_name("ix", plan.table.name, *columns)
        if old != new:
            renamed[old] = new
    return renamed


def _rename_columns(plan: TablePlan) -> list[str]:
    held = {column.name for column in ddl.declared_columns(plan.table)}
    renamed = {old: new for new, old in plan.renamed.items() if new in held}
    statements = [
        f"alter table {ddl.qualified(plan.table.name)} rename column {ddl.quoted(old)} to {ddl.quoted(new)};"
        for old, new in rename_order(renamed)
    ]
    names = {
        ddl.object_name(old, suffix): ddl.object_name(new, suffix)
        for old, new in renamed.items()
        for suffix in _CONSTRAINTS
    }
    return [*statements, *([_rename_constraints(plan.table.name, names)] if names else [])]


def _rename_constraints(table: str, names: Mapping[str, str]) -> str:
    """One block, because which of the constraints exist is for the database to say."""
    pairs = ",\n    ".join(f"('{old}', '{new}')" for old, new in rename_order(names))
    name = ddl.qualified(table)
    return f"""do $$
declare
  pair record;
begin
  for pair in select * from (values
    {pairs}
  ) as named (old, new) loop
    if exists (select from pg_constraint where conrelid = '{name}'::regclass and conname = pair.old) then
      execute format('alter table {name} rename constraint %I to %I', pair.old, pair.new);
    end if;
  end loop;
end $$;"""


def _follow_stamps(plan: TablePlan) -> list[str]:
    """Stamps are kept by column name. No row has to be pulled again for this: triggers stay out of it."""
    if plan.table.scope is not Scope.USER or not (plan.renamed or plan.dropped):
        return []
    table = ddl.qualified(plan.table.name)
    gone = sorted({*plan.dropped, *plan.renamed.values()})
    removed = ", ".join(f"'{name}'" for name in gone)
    pairs = ", ".join(f"'{new}', stamps -> '{old}'" for new, old in plan.renamed.items())
    moved = f" || jsonb_strip_nulls(jsonb_build_object({pairs}))" if pairs else ""
    return [
        f"alter table {table} disable trigger user, no force row level security;",
        f"update {table} set stamps = (stamps - array[{removed}]){moved} where stamps ?| array[{removed}];",
        f"alter table {table} enable trigger user, force row level security;",
    ]


def _creations(tables: tuple[Table, ...], catalog: Catalog) -> list[str]:
    return [create_tables(catalog, tables)] if tables else []


def _add_columns(plan: TablePlan, catalog: Catalog) -> list[str]:
    held = {column.name: column for column in ddl.declared_columns(plan.table)}
    added = [held[name] for name in plan.added if name in held]
    table = ddl.qualified(plan.table.name)
    statements = [f"alter table {table} add column {ddl.column_definition(plan.table, column)};" for column in added]
    references = [f"constraint {ddl.quoted(ddl.object_name(column.name, 'fkey'))}\n" for column in added]
    statements += [
        statement
        for statement in ddl.foreign_keys(plan.table, catalog)
        if any(reference in statement for reference in references)
    ]
    return statements


def _missing_indexes(table: Table, catalog: Catalog) -> list[str]:
    return [
        statement.replace("create index ", "create index if not exists ", 1)
        for statement in ddl.indexes(table, catalog)
    ]
