"""The text index in the file: made with it, made anew when the searchable columns are others."""

from __future__ import annotations

from typing import Final

import apsw

from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.device.store.search.currency import DIGEST, digest, mark_rowids
from bmaddb.schema import sqlite_ddl_search
from bmaddb.schema.catalog import Catalog

_SQL: Final = statements.load("bmaddb.device.store.search", "search.sql")


def forget(connection: apsw.Connection) -> None:
    """Drop the index and its triggers, in the caller's transaction."""
    triggers = tuple(name for (name,) in connection.execute(_SQL["triggers"]))
    connection.execute(sqlite_ddl_search.drop_search(triggers))


def create(connection: apsw.Connection, catalog: Catalog) -> None:
    """Make it, empty, in the caller's transaction."""
    connection.execute(sqlite_ddl_search.create_search(catalog))
    meta.put(connection, DIGEST, digest(catalog))
    mark_rowids(connection)


def note_every_row(connection: apsw.Connection, catalog: Catalog) -> None:
    """Have every row read again, in the caller's transaction."""
    connection.execute(sqlite_ddl_search.note_every_row(catalog))
    mark_rowids(connection)
