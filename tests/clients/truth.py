"""What Postgres holds, read as its owner, in the shape a JavaScript client should see it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg import sql

from bmaddb.schema import Catalog, Scope, Table
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, milliseconds
from tests.clients.watermelon import Row, Watermelon

ENVELOPE = frozenset({"user_id", "server_seq"})


class Truth:
    """The rows of the server's tables that belong to `user`, and the catalogue's; past every policy."""

    def __init__(self, owner: psycopg.Connection[Any], catalog: Catalog, user: str) -> None:
        self._owner = owner
        self._catalog = catalog
        self._user = user

    def of(self, user: str) -> Truth:
        """The same for another user."""
        return Truth(self._owner, self._catalog, user)

    def rows(self, table: str) -> dict[str, Row]:
        """The rows of `table` by id: moments as milliseconds, JSON as values."""
        definition = self._catalog.table(table)
        columns = [column.name for column in wire_columns(definition)]
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier("bmad", table)
        )
        if definition.scope is Scope.USER:
            query += sql.SQL(" where user_id = {}").format(sql.Literal(self._user))
        found = self._owner.execute(query).fetchall()
        plain = (dict(zip(columns, map(_plain, row), strict=True)) for row in found)
        return {row["id"]: row for row in plain}

    def seen_by(self, device: Watermelon, table: str) -> dict[str, Row]:
        """The device's rows with their JSON text read, to be compared with `rows`."""
        columns = wire_columns(self._catalog.table(table))
        texts = {column.name for column in columns if column.kind is Kind.JSON}
        return {key: _json_read(row, texts) for key, row in device.rows(table).items()}

    def execute(self, statement: str, *arguments: Any) -> None:
        """Any statement, as an administrator would type it."""
        self._owner.execute(cast("Any", statement), arguments)


def assert_same(truth: Truth, table: str, *devices: Watermelon) -> None:
    """Each device shows exactly the server's rows of its user, and has nothing left to say."""
    expected = truth.rows(table)
    for device in devices:
        assert truth.seen_by(device, table) == expected
        assert not device.unsynced


def wire_columns(table: Table) -> tuple[Column[Any], ...]:
    """The columns that travel to a WatermelonDB client, `id` first."""
    return tuple(column for column in table.columns if column.synced and column.name not in ENVELOPE)


def app_defaults(catalog: Catalog) -> dict[str, Row]:
    """What an app writes into a new row of each table unless it knows better (JSON as text)."""
    return {
        table.name: {
            column.name: json.dumps(column.spec.default) if column.kind is Kind.JSON else column.spec.default
            for column in wire_columns(table)
            if column.spec.has_default and column.spec.default is not None
        }
        for table in catalog.synced_tables
        if table.scope is Scope.USER
    }


def _plain(value: Any) -> Any:
    return milliseconds(value) if isinstance(value, datetime) else value


def _json_read(row: Row, texts: set[str]) -> Row:
    return {name: json.loads(value) if name in texts and value is not None else value for name, value in row.items()}
