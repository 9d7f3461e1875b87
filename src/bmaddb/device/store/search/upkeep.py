"""The text index in the file: made with it, made anew when the searchable columns are others."""

from __future__ import annotations

import hashlib
from typing import Final

import apsw

from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.schema import sqlite_ddl_search
from bmaddb.schema.catalog import Catalog

DIGEST: Final = "search_digest"
ROWIDS: Final = "search_rowids"
_SQL: Final = statements.load("bmaddb.device.store.search", "search.sql")


def is_current(connection: apsw.Connection, catalog: Catalog) -> bool:
    """Is the file's index the one this catalog declares?"""
    return meta.get(connection, DIGEST) == _digest(catalog)


def forget(connection: apsw.Connection) -> None:
    """Drop the index and its triggers, in the caller's transaction."""
    triggers = tuple(name for (name,) in connection.execute(_SQL["triggers"]))
    connection.execute(sqlite_ddl_search.drop_search(triggers))


def create(connection: apsw.Connection, catalog: Catalog) -> None:
    """Make it, empty, in the caller's transaction."""
    connection.execute(sqlite_ddl_search.create_search(catalog))
    meta.put(connection, DIGEST, _digest(catalog))
    _note_rowids(connection)


def rowids_may_differ(connection: apsw.Connection) -> bool:
    """Was there a VACUUM since? It may give out rowids anew."""
    return meta.get(connection, ROWIDS) != _rowids(connection)


def note_every_row(connection: apsw.Connection, catalog: Catalog) -> None:
    """Have every row read again, in the caller's transaction."""
    connection.execute(sqlite_ddl_search.note_every_row(catalog))
    _note_rowids(connection)


def _note_rowids(connection: apsw.Connection) -> None:
    meta.put(connection, ROWIDS, _rowids(connection))


def _rowids(connection: apsw.Connection) -> str:
    """VACUUM raises the schema version, as every change of the schema does."""
    return str(connection.pragma("schema_version"))


def _digest(catalog: Catalog) -> str:
    return hashlib.sha256(sqlite_ddl_search.create_search(catalog).encode()).hexdigest()
