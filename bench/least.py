"""The least a first sync could be: COPY out of Postgres on a local socket, straight into `executemany`.

The same tables, indexes and durability as ours, and no HTTP, no row-level security, no versions, no merge, no resuming.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench.account import Account
from bmaddb import statements
from bmaddb.device.store.connection import open_writer
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.kinds import Kind

_SQL = statements.load("bench", "first_sync.sql")
_TYPES = {
    Kind.TEXT: "text",
    Kind.INT: "int8",
    Kind.REAL: "float8",
    Kind.BOOL: "int8",
    Kind.JSON: "text",
    Kind.TS: "int8",
}


def copy(path: Path, account: Account, user: str, tables: Sequence[str]) -> float:
    """Copy a user's rows of these tables into a new file; seconds until they are durable and indexed."""
    started = time.perf_counter()
    target = open_writer(str(path), "full", None)
    target.pragma("foreign_keys", False)  # parent rows are not copied
    catalog = default_catalog()
    for statement in sqlite_ddl.create_all(catalog).split(";\n"):
        target.execute(statement)
    with psycopg.connect(account.conninfo) as source:
        for name in tables:
            columns = [column for column in catalog.tables[name].columns if column.name != "user_id"]
            query = sql.SQL(_SQL["copy_out"]).format(
                columns=sql.SQL(", ").join(map(_outgoing, columns)),
                table=sql.Identifier(name),
                user=sql.Literal(user),
            )
            names = ["user_id", *(column.name for column in columns)]
            places = ", ".join("?" * len(names))
            insert = _SQL["insert"].format(table=name, columns=", ".join(names), places=places)
            with target, source.cursor() as cursor, cursor.copy(query) as rows:
                rows.set_types([_TYPES[column.kind] for column in columns])
                target.executemany(insert, ((user, *row) for row in rows.rows()))
    seconds = time.perf_counter() - started
    target.close(True)
    return seconds


def _outgoing(column: Any) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.kind is Kind.TS:
        return sql.SQL("(extract(epoch from {}) * 1000)::int8").format(name)
    if column.kind is Kind.BOOL:
        return sql.SQL("{}::int::int8").format(name)
    return sql.SQL("{}::text").format(name) if column.kind is Kind.JSON else name
