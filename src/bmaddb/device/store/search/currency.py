"""Is the text index in the file the one the catalog declares, and are its rowids still those of the tables?

Rules of this room: asked at every open, so it loads nothing and makes nothing.
"""

from __future__ import annotations

from typing import Final

import apsw

from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.schema.catalog import Catalog

DIGEST: Final = "search_digest"
MARK: Final = 2
"""The rowid of the one row in the table that a VACUUM numbers anew: from 1, as it does any without a key."""
_SQL: Final = statements.load("bmaddb.device.store.search", "mark.sql")


def is_current(connection: apsw.Connection, catalog: Catalog) -> bool:
    """Is the file's index the one this catalog declares?"""
    return meta.get(connection, DIGEST) == digest(catalog)


def rowids_may_differ(connection: apsw.Connection) -> bool:
    """Was there a VACUUM since? It may give out rowids anew. True also where nobody has marked them yet."""
    if not connection.execute(_SQL["holds_mark"]).get:
        return True
    return bool(connection.execute(_SQL["marked"]).get != MARK)


def mark_rowids(connection: apsw.Connection) -> None:
    """From now on the rowids are those the index knows; in the caller's transaction."""
    connection.execute(_SQL["make_mark"])
    connection.execute(_SQL["unmark"])
    connection.execute(_SQL["mark"], (MARK,))


def digest(catalog: Catalog) -> str:
    """A short name for exactly this index."""
    if catalog.digests is not None:
        return catalog.digests.search
    import hashlib

    from bmaddb.schema.sqlite_ddl_search import create_search

    return hashlib.sha256(create_search(catalog).encode()).hexdigest()
