"""Rows that a table accepts, made from its declaration alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw

from bmaddb.schema import Catalog, Table
from bmaddb.schema.kinds import Kind
from bmaddb.schema.sqlite_ddl import create_all

USER = "0198c0de-0000-7000-8000-000000000001"
PLAIN: Mapping[Kind, Any] = {
    Kind.TEXT: "abc",
    Kind.INT: 1,
    Kind.REAL: 1.0,
    Kind.BOOL: 1,
    Kind.JSON: "[]",
    Kind.TS: 1_000,
    Kind.BLOB: b"abc",
}


def open_file(catalog: Catalog) -> apsw.Connection:
    """A device's tables in memory, foreign keys on."""
    connection = apsw.Connection(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(create_all(catalog))
    return connection


def needed(table: Table) -> dict[str, Any]:
    """A raw value for each column that has neither null nor a default."""
    return {
        column.name: column.spec.enum[0] if column.spec.enum else PLAIN[column.kind]
        for column in table.columns
        if not column.spec.nullable and not column.spec.has_default
    } | ({"user_id": USER} if "user_id" in table.by_name else {})


def insert(connection: apsw.Connection, table: Table, values: Mapping[str, Any]) -> None:
    """One row, as it is given."""
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" for _ in values)
    connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', tuple(values.values()))


def row(connection: apsw.Connection, table: str, row_id: str) -> dict[str, Any]:
    """The row as SQLite holds it."""
    cursor = connection.execute(f'SELECT * FROM "{table}" WHERE id = ?', (row_id,))
    found = cursor.fetchone()
    assert found is not None
    names = [name for name, *_ in connection.execute(f"SELECT name FROM pragma_table_info('{table}')")]
    return dict(zip(names, found, strict=True))
