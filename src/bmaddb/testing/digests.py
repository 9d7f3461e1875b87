"""Do a device and the server hold the same? The rows of both as plain values, and one digest over them.

Rules of this room: it reads Postgres and SQLite each in its own words and shares nothing with the sync
functions, so that it can catch them lying.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bmaddb import statements
from bmaddb.schema import Catalog, MergeRule, Scope, Table
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import Kind, milliseconds

if TYPE_CHECKING:
    import apsw
    import psycopg

Rows = Mapping[str, list[dict[str, Any]]]
"""Table name -> rows in the order of their ids, as column -> plain value."""
_SQL = statements.load("bmaddb.testing", "digests.sql")
_NOT_COMPARED = frozenset({"user_id", "server_seq"})


def device_rows(connection: apsw.Connection, catalog: Catalog) -> Rows:
    """Every user-owned row of a device file, columns that are synced."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in _user_tables(catalog):
        names = [column.name for column in table.columns]
        query = _SQL["device_rows"].format(table=table.name, columns=", ".join(f'"{name}"' for name in names))
        found = connection.execute(query)
        rows[table.name] = [_plain(table, dict(zip(names, row, strict=True)), _from_sqlite) for row in found]
    return rows


def server_rows(connection: psycopg.Connection[Any], catalog: Catalog, user: str) -> Rows:
    """Every row of `user` on the server, read as a role that sees everything."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in _user_tables(catalog):
        query = _SQL["server_rows"].format(table=table.name)
        listed = connection.execute(query.encode(), (user,)).fetchall()
        rows[table.name] = [_plain(table, row, _from_postgres) for (row,) in listed]
    return rows


def digest(rows: Rows) -> str:
    """SHA-256 over the rows, 64 hex digits; equal rows give equal digests."""
    return hashlib.sha256(canonical_json(dict(rows)).encode()).hexdigest()


def count(rows: Rows) -> int:
    return sum(len(listed) for listed in rows.values())


def differences(left: Rows, right: Rows) -> list[str]:
    """What is not the same, as lines a person can read; empty when everything is."""
    lines: list[str] = []
    for table in sorted({*left, *right}):
        ours = {row["id"]: row for row in left.get(table, [])}
        theirs = {row["id"]: row for row in right.get(table, [])}
        lines.extend(
            f"{table} {row_id}: {ours.get(row_id)} != {theirs.get(row_id)}"
            for row_id in sorted({*ours, *theirs})
            if ours.get(row_id) != theirs.get(row_id)
        )
    return lines


def _user_tables(catalog: Catalog) -> Iterable[Table]:
    return (table for table in catalog.synced_tables if table.scope is Scope.USER)


def _plain(table: Table, row: Mapping[str, Any], convert: Any) -> dict[str, Any]:
    return {
        column.name: None if row[column.name] is None else convert(column.kind, row[column.name])
        for column in table.columns
        if column.synced and column.spec.merge is not MergeRule.LOC and column.name not in _NOT_COMPARED
    }


def _from_sqlite(kind: Kind, value: Any) -> Any:
    if kind is Kind.JSON:
        return json.loads(value)
    if kind is Kind.BLOB:
        return base64.b64encode(value).decode()
    return bool(value) if kind is Kind.BOOL else value


def _from_postgres(kind: Kind, value: Any) -> Any:
    if kind is Kind.TS:
        return milliseconds(datetime.fromisoformat(value))
    if kind is Kind.BLOB:
        return base64.b64encode(bytes.fromhex(value.removeprefix("\\x"))).decode()
    return float(value) if kind is Kind.REAL else value
