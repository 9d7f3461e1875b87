"""Loading a large table: its indexes are built once at the end, and the log is moved into the file in larger steps.

Rules of this room: which tables are without indexes stands in the file, in the same transaction that dropped
them; so after a crash the load goes on, or ends, and builds them. A table can be read and written all the while.
"""

from __future__ import annotations

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.store import Store, meta
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.sqlite_ddl_rows import any_row
from bmaddb.schema.tables import Table

ROWS_MIN = 20_000
LOG_PAGES = 16_000
"""Moved into the file from here on, while loading: 64 MB, which is also what the log may keep."""
LOG_PAGES_USUAL = 1_000
UNINDEXED = "sync.unindexed"
_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")


class BulkLoad:
    """What is different about a table while many rows of it arrive."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def prepare(self, connection: apsw.Connection, table: Table, rows_expected: int) -> None:
        """Before the first rows: drop the indexes if the table is empty and much is to come."""
        if rows_expected < ROWS_MIN or connection.execute(any_row(table)).fetchone():
            return
        connection.wal_autocheckpoint(LOG_PAGES)
        for (statement,) in connection.execute(_SQL["drop_indexes"], (table.name,)).fetchall():
            connection.execute(str(statement))
        self._note(connection, [*self._noted(connection), table.name])

    def finish(self, connection: apsw.Connection, still_loading: frozenset[str] = frozenset()) -> None:
        """Build the indexes of every table that is without, but for those that still load."""
        noted = self._noted(connection)
        for name in noted:
            table = self._store.catalog.tables.get(name)
            if table is not None and name not in still_loading:
                for statement in sqlite_ddl.create_indexes(table, self._store.catalog):
                    connection.execute(statement.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1))
        if noted:
            left = [name for name in noted if name in still_loading]
            self._note(connection, left)
            if not left:
                connection.wal_autocheckpoint(LOG_PAGES_USUAL)

    def _noted(self, connection: apsw.Connection) -> list[str]:
        return msgspec.json.decode(meta.get(connection, UNINDEXED) or "[]", type=list[str])

    def _note(self, connection: apsw.Connection, names: list[str]) -> None:
        self._store.meta_set(UNINDEXED, msgspec.json.encode(names).decode(), connection)
