"""Bringing the file to the catalog: a new file is made, an older one brought up, a newer one left alone.

Rules of this room: all or nothing, in one transaction; nothing is ever dropped or wiped because it looks
strange: what cannot be brought up is refused, and stays as it is.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.clock import Clock
from bmaddb.device.store import meta
from bmaddb.device.store.failures import failure
from bmaddb.device.store.search import upkeep as search
from bmaddb.entropy import Entropy
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.tables import Table

if TYPE_CHECKING:
    from bmaddb.schema.evolution import Migration

_TRANSACTION: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")
_META: Final = statements.load("bmaddb.device.store", "sql/meta.sql")


def bring_up(
    connection: apsw.Connection,
    catalog: Catalog,
    *,
    steps: Sequence[Migration] = (),
    clock: Clock,
    entropy: Entropy,
) -> bool:
    """Make the file's tables those of `catalog`; True when it is new. MigrationError when it cannot be."""
    if _is_current(connection, catalog):
        return False
    # A table that is rebuilt is dropped in between, and must not take its children along.
    connection.pragma("foreign_keys", False)
    connection.execute(_TRANSACTION["begin_write"])
    try:
        # Looked at again under the lock: another process may have been here first.
        if _is_ours(connection):
            _upgrade(connection, catalog, steps)
            fresh = False
        else:
            _create(connection, catalog, clock, entropy)
            fresh = True
        meta.create_archive(connection)
        connection.execute(_TRANSACTION["commit"])
    except BaseException as error:
        if connection.in_transaction:
            connection.execute(_TRANSACTION["rollback"])
        if isinstance(error, apsw.Error):
            raise e.MigrationError(f"the file could not be brought up: {failure(error).message}") from error
        if isinstance(error, e.SchemaError):
            raise e.MigrationError(error.message, hint="the file is untouched") from error
        raise
    finally:
        connection.pragma("foreign_keys", True)
    return fresh


def digest(catalog: Catalog) -> str:
    """A short name for exactly these device tables."""
    return hashlib.sha256(sqlite_ddl.create_all(catalog).encode()).hexdigest()


def bind_user(connection: apsw.Connection, user: str | None) -> str | None:
    """The user the file belongs to, from its first open with a user on; StoreError for another one."""
    owner = meta.get(connection, meta.USER_ID)
    wanted = None if user is None else _checked_user(user)
    if owner is None and wanted is not None:
        meta.put(connection, meta.USER_ID, wanted)
        return wanted
    if wanted is not None and wanted != owner:
        raise e.StoreError(
            "the file belongs to another user",
            hint="open a file of its own for each user; this one is untouched",
        )
    return owner


def _checked_user(user: str) -> str:
    try:
        return str(uuid.UUID(user))
    except (ValueError, AttributeError, TypeError):
        raise e.StoreError(f"a user is named by a UUID, not by {user!r}") from None


def _is_ours(connection: apsw.Connection) -> bool:
    """Is it a store? False for an empty file; StoreError for a database of somebody else."""
    if connection.pragma("application_id") == meta.APPLICATION_ID:
        return True
    if meta.holds_tables(connection):
        raise e.StoreError("the file is a database of another program", hint="choose another path")
    return False


def _is_current(connection: apsw.Connection, catalog: Catalog) -> bool:
    if not _is_ours(connection):
        return False
    return (
        meta.get(connection, meta.SCHEMA_VERSION) == str(catalog.version)
        and meta.get(connection, meta.SCHEMA_DIGEST) == digest(catalog)
        and search.is_current(connection, catalog)
        and meta.holds_archive(connection)
    )


def _create(connection: apsw.Connection, catalog: Catalog, clock: Clock, entropy: Entropy) -> None:
    connection.execute(sqlite_ddl.create_all(catalog))
    meta.create(connection)
    search.create(connection, catalog)
    meta.put(connection, meta.DEVICE_ID, str(uuid.UUID(bytes=entropy.random_bytes(16), version=4)))
    meta.put(connection, meta.CREATED_AT, str(clock.now_ms()))
    _note_version(connection, catalog)
    connection.pragma("application_id", meta.APPLICATION_ID)


def _note_version(connection: apsw.Connection, catalog: Catalog) -> None:
    meta.put(connection, meta.SCHEMA_VERSION, str(catalog.version))
    meta.put(connection, meta.SCHEMA_DIGEST, digest(catalog))


def _upgrade(connection: apsw.Connection, catalog: Catalog, steps: Sequence[Migration]) -> None:
    held = int(meta.get(connection, meta.SCHEMA_VERSION) or 0)
    if held > catalog.version:
        raise e.MigrationError(
            f"the file has schema version {held}, this program knows {catalog.version}",
            hint="update the program; the file is untouched",
        )
    [(broken_before, _)] = connection.execute(_TRANSACTION["broken_references"])
    search.forget(connection)
    if held < catalog.version:
        from bmaddb.schema.evolution_sqlite import sqlite_steps

        for statement in sqlite_steps(steps, catalog, held):
            connection.execute(statement)
    for table in catalog.device_tables:
        _add_or_compare(connection, table, catalog)
    search.create(connection, catalog)
    # Rows of the server may wait for their parents: in the middle of a pull, or because only a newer schema has them.
    [(broken, orphan)] = connection.execute(_TRANSACTION["broken_references"])
    if broken > broken_before:
        raise e.MigrationError(f"rows of {orphan} would refer to rows that are not there")
    _note_version(connection, catalog)


def _add_or_compare(connection: apsw.Connection, table: Table, catalog: Catalog) -> None:
    """Within one version a module may come along with its tables; one that is there keeps its columns and rows."""
    keys = dict(connection.execute(_META["table_columns"], (table.name,)))
    held = set(keys)
    if not held:
        connection.execute(sqlite_ddl.create_table(table, catalog))
        for index in sqlite_ddl.create_indexes(table, catalog):
            connection.execute(index)
        return
    differing = held ^ set(table.by_name)
    if differing:
        raise e.MigrationError(
            f"{table.name} has other columns in the file: {', '.join(sorted(differing))}",
            hint="a table changes with a new schema version and a step that leads there",
        )
    if not keys[sqlite_ddl.row_key(table)]:
        from bmaddb.schema.evolution_sqlite import rebuild

        for statement in rebuild(table, catalog, {column.name: column.name for column in table.columns}):
            connection.execute(statement)
