"""Postgres DDL of a catalog, 15 to 18: what the server's installer runs, piece by piece and as one text. No I/O.

The pieces mention functions of the fixed machinery (schema `bmad_sync`), whose SQL lies beside the server.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.postgres_ddl_digests import SIGNATURES, digest_functions
from bmaddb.schema.postgres_ddl_functions import (
    dispatchers,
    json_types,
    read_columns,
    server_columns,
    table_functions,
    wire_kinds,
    write_columns,
)
from bmaddb.schema.postgres_ddl_security import secure, triggers
from bmaddb.schema.postgres_ddl_seeds import seed_json, seed_statements
from bmaddb.schema.postgres_ddl_tables import (
    create_table,
    declared_columns,
    fixed_columns,
    foreign_keys,
    held_columns,
    indexes,
    qualified,
    server_uniques,
)
from bmaddb.schema.postgres_ddl_walks import walk
from bmaddb.schema.records import deletable
from bmaddb.schema.tables import Table

__all__ = [
    "create_tables",
    "held_columns",
    "numbered",
    "postgres_ddl",
    "qualified",
    "seed_json",
    "seed_statements",
    "table_functions",
    "tables_functions",
    "tables_security",
    "tables_triggers",
    "wire_facts",
]


def numbered(catalog: Catalog, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """A number for each synced table: those already given stay, new tables get the next ones."""
    numbers = dict(known or {})
    for table in catalog.synced_tables:
        if table.name not in numbers:
            numbers[table.name] = max(numbers.values(), default=0) + 1
    return numbers


def postgres_ddl(catalog: Catalog) -> str:
    """Everything that follows from the catalog, as one text to read and to compare."""
    numbers = numbered(catalog)
    parts = (
        create_tables(catalog, catalog.server_tables),
        tables_security(catalog),
        tables_triggers(catalog, numbers),
        tables_functions(catalog, numbers),
    )
    return "\n\n".join(parts) + "\n"


def create_tables(catalog: Catalog, tables: tuple[Table, ...]) -> str:
    """CREATE TABLE, then foreign keys and indexes, of these tables of the catalog."""
    parts = [create_table(table) for table in tables]
    for table in tables:
        parts += foreign_keys(table, catalog)
    for table in tables:
        parts += indexes(table, catalog)
    return "\n\n".join(parts)


def tables_security(catalog: Catalog) -> str:
    """RLS, policies, grants and late indexes of every table on the server; may run again."""
    return "\n\n".join("\n".join((secure(table), *server_uniques(table))) for table in catalog.server_tables)


def tables_triggers(catalog: Catalog, numbers: Mapping[str, int]) -> str:
    """The triggers of every synced table, which must have none of ours yet."""
    return "\n\n".join(triggers(table, numbers[table.name]) for table in catalog.synced_tables)


def tables_functions(catalog: Catalog, numbers: Mapping[str, int]) -> str:
    """The functions of every synced table and their dispatchers."""
    synced = {table.name: numbers[table.name] for table in catalog.synced_tables}
    writable = {table.name: numbers[table.name] for table in catalog.synced_tables if write_columns(table)}
    makers = (table_functions, digest_functions, walk)
    parts = [make(table) for table in catalog.synced_tables for make in makers]
    return "\n\n".join([*parts, dispatchers(synced, writable, SIGNATURES)])


def wire_facts(catalog: Catalog, numbers: Mapping[str, int]) -> str:
    """What the doors must know of each synced table, as a JSON array in the order parents first."""
    return json.dumps([_facts(table, numbers[table.name]) for table in catalog.synced_tables], ensure_ascii=False)


def _facts(table: Table, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "name": table.name,
        "scope": str(table.scope),
        "writable": bool(write_columns(table)),
        "deletable": bool(write_columns(table)) and deletable(table),
        "read_columns": list(read_columns(table)),
        "write_columns": list(write_columns(table)),
        "server_columns": list(server_columns(table)),
        "types": json_types(table),
        "kinds": {name: str(kind) for name, kind in wire_kinds(table).items()},
        "fallbacks": _fallbacks(table),
        "fixed": fixed_columns(table) if write_columns(table) else {},
    }


def _fallbacks(table: Table) -> dict[str, Any]:
    """What a column that may not be null gets when a WatermelonDB client sends null: default or zero value."""
    zero: dict[Kind, Any] = {Kind.TEXT: "", Kind.INT: 0, Kind.REAL: 0, Kind.BOOL: False, Kind.TS: 0, Kind.BLOB: ""}
    found: dict[str, Any] = {}
    for column in declared_columns(table):
        if column.spec.nullable or column.name not in write_columns(table):
            continue
        if column.spec.has_default:
            raw = to_raw(column.kind, column.spec.default)
            found[column.name] = _wire(column.kind, raw)
        elif column.kind in zero and not column.spec.references:
            found[column.name] = zero[column.kind]
    return found


def _wire(kind: Kind, raw: Any) -> Any:
    if kind is Kind.JSON:
        return json.loads(raw)
    if kind is Kind.BLOB:
        return base64.b64encode(raw).decode()
    return bool(raw) if kind is Kind.BOOL else raw
