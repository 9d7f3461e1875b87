"""Is the file one of ours, and does it hold exactly the tables of the catalog? Asked at every open."""

from __future__ import annotations

import apsw

from bmaddb import errors as e
from bmaddb.device.store import meta
from bmaddb.device.store.search import currency as search
from bmaddb.schema.catalog import Catalog


def digest(catalog: Catalog) -> str:
    """A short name for exactly these device tables."""
    if catalog.digests is not None:
        return catalog.digests.tables
    import hashlib

    from bmaddb.schema import sqlite_ddl

    return hashlib.sha256(sqlite_ddl.create_all(catalog).encode()).hexdigest()


def is_ours(connection: apsw.Connection) -> bool:
    """Is the file a store? False for an empty file; StoreError for a database of somebody else."""
    if connection.pragma("application_id") == meta.APPLICATION_ID:
        return True
    if meta.holds_tables(connection):
        raise e.StoreError("the file is a database of another program", hint="choose another path")
    return False


def is_current(connection: apsw.Connection, catalog: Catalog) -> bool:
    """Is there nothing to bring up?"""
    if not is_ours(connection):
        return False
    return (
        meta.get(connection, meta.SCHEMA_VERSION) == str(catalog.version)
        and meta.get(connection, meta.SCHEMA_DIGEST) == digest(catalog)
        and search.is_current(connection, catalog)
        and meta.holds_archive(connection)
    )
