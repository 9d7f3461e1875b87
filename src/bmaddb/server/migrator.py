"""Brings a database to a catalog: roles, tables, machinery, functions, catalogue rows. May run at every start.

Rules of this room: one transaction, one installer at a time; nothing is done when nothing changed; a database that is
newer than this program is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import psycopg

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.schema import postgres_ddl as ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.tables import Table

_PACKAGE: Final = "bmaddb.server.sql"
_SQL: Final = statements.load(_PACKAGE, "installer.sql")
_GROUND: Final = ("roles.sql", "state.sql")
_TYPES_AND_WHO: Final = ("identity.sql",)
_MACHINERY: Final = ("heads.sql", "tombstones.sql", "stamps.sql")
_DOORS: Final = ("push.sql", "pull.sql", "watermelon.sql", "watermelon_push.sql", "upkeep.sql", "grants.sql")

Connection = psycopg.Connection[Any]


def install(connection: Connection, catalog: Catalog) -> None:
    """Install or upgrade; safe to call at every start and from several processes at once.

    The connection's user must own the database or may create schemas and roles in it; no superuser is needed.
    Raises ServerError when the database holds a newer schema or cannot be brought to this one.
    """
    with connection.transaction():
        connection.execute(_SQL["lock"])
        fingerprint = fingerprint_of(catalog)
        installed = _installed(connection)
        if installed is not None and installed[0] > catalog.version:
            raise e.ServerError(
                f"the database has schema version {installed[0]}, this program knows {catalog.version}",
                hint="run the newer bmaddb against it",
            )
        if installed == (catalog.version, fingerprint):
            return
        _run(connection, _GROUND)
        connection.execute(_SQL["drop_functions"])
        _run(connection, _TYPES_AND_WHO)
        _tables(connection, catalog)
        _functions(connection, catalog)
        connection.execute(_SQL["write_state"], {"version": catalog.version, "fingerprint": fingerprint})
        connection.execute(_SQL["first_heads"])
        _seed(connection, catalog)
        connection.execute(_SQL["announce"])


def fingerprint_of(catalog: Catalog) -> str:
    """A digest of everything an installation consists of."""
    digest = hashlib.sha256(ddl.postgres_ddl(catalog).encode())
    for file in (*_GROUND, *_TYPES_AND_WHO, *_MACHINERY, *_DOORS, "installer.sql"):
        digest.update(statements.read(_PACKAGE, file).encode())
    for name, rows in catalog.seeds().items():
        digest.update(ddl.seed_json(catalog.table(name), rows).encode())
    return digest.hexdigest()


def _installed(connection: Connection) -> tuple[int, str] | None:
    if not _one(connection, "state_exists"):
        return None
    row = connection.execute(_SQL["installed"]).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def _tables(connection: Connection, catalog: Catalog) -> None:
    """Create what is missing; a table that is there must have the columns the catalog names."""
    existing = {row[0] for row in connection.execute(_SQL["existing_tables"])}
    missing = tuple(table for table in catalog.server_tables if table.name not in existing)
    for table in catalog.server_tables:
        if table.name in existing:
            _check_columns(connection, table)
    if missing:
        _script(connection, ddl.create_tables(catalog, missing))
    _script(connection, ddl.tables_security(catalog))


def _check_columns(connection: Connection, table: Table) -> None:
    rows = connection.execute(_SQL["existing_columns"], [ddl.qualified(table.name)])
    absent = ddl.held_columns(table) - {row[0] for row in rows}
    if absent:
        raise e.ServerError(
            f"the table {table.name} of the database has no column {', '.join(sorted(absent))}",
            hint="raise the catalog's version and declare the change as a step of its evolution",
        )


def _functions(connection: Connection, catalog: Catalog) -> None:
    known = {row[0]: int(row[1]) for row in connection.execute(_SQL["known_tables"])}
    numbers = ddl.numbered(catalog, known)
    _run(connection, _MACHINERY)
    connection.execute(_SQL["write_facts"], [ddl.wire_facts(catalog, numbers)])
    _script(connection, ddl.tables_triggers(catalog, numbers))
    _script(connection, ddl.tables_functions(catalog, numbers))
    _run(connection, _DOORS)


def _seed(connection: Connection, catalog: Catalog) -> None:
    for name, rows in catalog.seeds().items():
        table = catalog.table(name)
        connection.execute(ddl.seed_statement(table, rows).encode(), [ddl.seed_json(table, rows)])


def _run(connection: Connection, files: Iterable[str]) -> None:
    for file in files:
        _script(connection, statements.read(_PACKAGE, file))


def _script(connection: Connection, script: str) -> None:
    connection.execute(script.encode())


def _one(connection: Connection, name: str) -> Any:
    row = connection.execute(_SQL[name]).fetchone()
    return None if row is None else row[0]
