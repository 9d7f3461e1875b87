"""Brings a database to a catalog: roles, tables, machinery, functions, catalogue rows. May run at every start.

Rules of this room: one transaction, one installer at a time; nothing is done when nothing changed; a database that is
newer than this program is left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import psycopg

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.schema import postgres_ddl as ddl
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.evolution import Migration, net_plan
from bmaddb.schema.evolution_postgres import postgres_steps
from bmaddb.schema.tables import Table

_PACKAGE: Final = "bmaddb.server.sql"
_SQL: Final = statements.load(_PACKAGE, "installer.sql")
_GROUND: Final = ("roles.sql", "state.sql")
_IDENTITY: Final = ("identity.sql",)
_MACHINERY: Final = ("heads.sql", "tombstones.sql", "stamps.sql")
_PUSH: Final = ("push_checks.sql", "push_conflicts.sql", "push_apply.sql", "push.sql")
_DOORS: Final = (
    *_PUSH,
    "snapshot.sql",
    "pull.sql",
    "digest.sql",
    "requests.sql",
    "natural_keys.sql",
    "billing.sql",
    "watermelon.sql",
    "watermelon_push.sql",
    "upkeep.sql",
    "grants.sql",
)

Connection = psycopg.Connection[Any]


def install(connection: Connection, catalog: Catalog, migrations: Sequence[Migration] = ()) -> None:
    """Install or upgrade; safe to call at every start and from several processes at once.

    `migrations` lead from the first schema version to the catalog's. The connection's user must own the database or
    may create schemas and roles in it; no superuser is needed. Raises ServerError when the database holds a newer
    schema or cannot be brought to this one; then nothing is changed.
    """
    with connection.transaction():
        connection.execute(_SQL["lock"])
        fingerprint = fingerprint_of(catalog)
        installed = _installed(connection)
        if installed == (catalog.version, fingerprint):
            return
        _run(connection, _GROUND)
        connection.execute(_SQL["drop_functions"])
        _run(connection, _IDENTITY)
        renamed = _upgrade(connection, catalog, migrations, installed[0]) if installed else {}
        _tables(connection, catalog)
        _functions(connection, catalog, renamed)
        connection.execute(_SQL["write_state"], {"version": catalog.version, "fingerprint": fingerprint})
        connection.execute(_SQL["write_mark"])
        connection.execute(_SQL["first_heads"])
        _seed(connection, catalog)
        connection.execute(_SQL["announce"])


def fingerprint_of(catalog: Catalog) -> str:
    """A digest of everything an installation consists of."""
    digest = hashlib.sha256(ddl.postgres_ddl(catalog).encode())
    for file in (*_GROUND, *_IDENTITY, *_MACHINERY, *_DOORS, "installer.sql"):
        digest.update(statements.read(_PACKAGE, file).encode())
    for name, rows in catalog.seeds().items():
        digest.update(ddl.seed_json(catalog.table(name), rows).encode())
    return digest.hexdigest()


def mark_of(catalog: Catalog) -> str:
    """What the installer writes on the database, for `/ready`: the schema's version and its fingerprint."""
    return f"bmaddb {catalog.version} {fingerprint_of(catalog)}"


def _installed(connection: Connection) -> tuple[int, str] | None:
    if not _one(connection, "state_exists"):
        return None
    row = connection.execute(_SQL["installed"]).fetchone()
    return None if row is None else (int(row[0]), str(row[1]))


def _upgrade(
    connection: Connection, catalog: Catalog, migrations: Sequence[Migration], version: int
) -> Mapping[str, str]:
    """Bring the tables of an older schema version to the catalog's; returns renamed tables, old name -> new."""
    if version > catalog.version:
        raise e.ServerError(
            f"the database has schema version {version}, this program knows {catalog.version}",
            hint="run the newer bmaddb against it",
        )
    try:
        for statement in postgres_steps(migrations, catalog, version):
            _script(connection, statement)
        return net_plan(migrations, catalog, version).renamed_tables
    except e.SchemaError as cause:
        raise e.ServerError(
            f"cannot bring schema version {version} to {catalog.version}: {cause.message}", hint=cause.hint
        ) from cause


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
            hint="raise the catalog's version and declare the change as a migration",
        )


def _functions(connection: Connection, catalog: Catalog, renamed: Mapping[str, str]) -> None:
    known = {renamed.get(row[0], row[0]): int(row[1]) for row in connection.execute(_SQL["known_tables"])}
    numbers = ddl.numbered(catalog, known)
    _run(connection, _MACHINERY)
    connection.execute(_SQL["forget_facts"])
    connection.execute(_SQL["write_facts"], [ddl.wire_facts(catalog, numbers)])
    connection.execute(_SQL["forget_tombstones"])
    _script(connection, ddl.tables_triggers(catalog, numbers))
    _script(connection, ddl.tables_functions(catalog, numbers))
    _run(connection, _DOORS)


def _seed(connection: Connection, catalog: Catalog) -> None:
    for name, rows in catalog.seeds().items():
        table = catalog.table(name)
        for statement in ddl.seed_statements(table, rows):
            connection.execute(statement.encode(), [ddl.seed_json(table, rows)])


def _run(connection: Connection, files: Iterable[str]) -> None:
    for file in files:
        _script(connection, statements.read(_PACKAGE, file))


def _script(connection: Connection, script: str) -> None:
    connection.execute(script.encode())


def _one(connection: Connection, name: str) -> Any:
    row = connection.execute(_SQL[name]).fetchone()
    return None if row is None else row[0]
