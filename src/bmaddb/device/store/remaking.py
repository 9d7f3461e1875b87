"""Making a new file's tables, and bringing an older file up: one transaction that is undone when it fails."""

from __future__ import annotations

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
from bmaddb.device.store.version import digest, is_ours
from bmaddb.entropy import Entropy
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.tables import Table

if TYPE_CHECKING:
    from bmaddb.schema.evolution import Migration

_TRANSACTION: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")
_META: Final = statements.load("bmaddb.device.store", "sql/meta.sql")


def make_or_upgrade(
    connection: apsw.Connection, catalog: Catalog, steps: Sequence[Migration], clock: Clock, entropy: Entropy
) -> bool:
    """Make the file's tables those of `catalog`; True when it is new. MigrationError when it cannot be."""
    # A table that is rebuilt is dropped in between, and must not take its children along.
    connection.pragma("foreign_keys", False)
    connection.execute(_TRANSACTION["begin_write"])
    try:
        # Looked at again under the lock: another process may have been here first.
        if is_ours(connection):
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
        if isinstance(error, apsw.SQLError):
            _refuse_broken_check(catalog)
        if isinstance(error, apsw.Error):
            raise e.MigrationError(f"the file could not be brought up: {failure(error).message}") from error
        if isinstance(error, e.SchemaError):
            raise e.MigrationError(error.message, hint="the file is untouched") from error
        raise
    finally:
        connection.pragma("foreign_keys", True)
    return fresh


def _refuse_broken_check(catalog: Catalog) -> None:
    """SQLite could not read what was to be made: MigrationError where it is a column's check, looked at alone."""
    for table in catalog.device_tables:
        for column in table.columns:
            if column.spec.check is None:
                continue
            apart = apsw.Connection(":memory:")
            try:
                apart.execute(sqlite_ddl.check_alone(table, column))
            except apsw.SQLError as error:
                raise e.MigrationError(
                    f"the check of {table.name}.{column.name} cannot be read: {failure(error).message}",
                    hint="a condition in SQL that SQLite and Postgres both read; the file is untouched",
                ) from error
            finally:
                apart.close()


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
            hint="update the program, or open it with the catalog it was made with (--catalog); the file is untouched",
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
