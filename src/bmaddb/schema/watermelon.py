"""The WatermelonDB schema of a catalog: what `appSchema` takes, as plain JSON data.

Synced tables only; no `user_id`, no `server_seq`, no column that stays on a device. Moments are numbers
(milliseconds), JSON values are JSON text. WatermelonDB indexes single columns, so the first column of each
index and each reference is marked.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

AppSchema: TypeAlias = dict[str, Any]
COLUMN_TYPES: Final[dict[Kind, str]] = {
    Kind.TEXT: "string",
    Kind.INT: "number",
    Kind.REAL: "number",
    Kind.BOOL: "boolean",
    Kind.JSON: "string",
    Kind.TS: "number",
}
_HIDDEN: Final = frozenset({"id", "user_id", "server_seq"})
# Names the library refuses besides those the schema language refuses already; lower case is all we have.
_REFUSED: Final = frozenset({"local_storage", "constructor", "rowid", "oid", "sqlite_master"})
_NUMBERS_ONLY: Final = frozenset({"created_at", "updated_at", "last_modified"})


def watermelon_schema(catalog: Catalog) -> AppSchema:
    """`{"version", "tables": [{"name", "columns": [{"name", "type", "isOptional"?, "isIndexed"?}]}]}`.

    SchemaError for a name or type that WatermelonDB cannot hold.
    """
    tables = [{"name": table.name, "columns": watermelon_columns(table)} for table in catalog.synced_tables]
    for table in catalog.synced_tables:
        if table.name in _REFUSED or table.name.startswith("sqlite_stat"):
            raise e.SchemaError(f"WatermelonDB keeps the table name '{table.name}' for itself")
    return {"version": catalog.version, "tables": tables}


def watermelon_columns(table: Table) -> list[dict[str, Any]]:
    """The columns of one synced table as WatermelonDB declares them."""
    return [watermelon_column(table, column) for column in shown_columns(table)]


def shown_columns(table: Table) -> tuple[Column[Any], ...]:
    """The columns a WatermelonDB client sees beside `id`, in the table's order."""
    return tuple(column for column in table.columns if column.synced and column.name not in _HIDDEN)


def watermelon_column(table: Table, column: Column[Any]) -> dict[str, Any]:
    """One column; SchemaError when WatermelonDB has no such type."""
    kind = COLUMN_TYPES.get(column.kind)
    if kind is None or (column.name in _NUMBERS_ONLY and kind != "number"):
        raise e.SchemaError(f"WatermelonDB cannot hold {table.name}.{column.name} ({column.kind})")
    shown: dict[str, Any] = {"name": column.name, "type": kind}
    if column.spec.nullable or column.spec.has_default:
        shown["isOptional"] = True  # what an app leaves out is then null, and the server knows the default
    if column.name in _indexed(table):
        shown["isIndexed"] = True
    return shown


def _indexed(table: Table) -> set[str]:
    groups = (*table.options.indexes, *table.options.uniques)
    leading = {next((name for name in group if name != "user_id"), "") for group in groups}
    return leading | {column.name for column in table.foreign_keys} if table.scope is Scope.USER else leading
