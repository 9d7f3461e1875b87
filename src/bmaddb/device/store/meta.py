"""What the file knows of itself, as key and value, in the table `_bmad_meta`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apsw

from bmaddb import statements

if TYPE_CHECKING:
    from bmaddb.schema.catalog import Catalog

_SQL: Final = statements.load("bmaddb.device.store", "sql/meta.sql")
DEVICE_ID: Final = "device_id"
USER_ID: Final = "user_id"
SCHEMA_VERSION: Final = "schema_version"
SCHEMA_DIGEST: Final = "schema_digest"
CREATED_AT: Final = "created_at"
APPLICATION_ID: Final = 0x424D4442
"""The bytes BMDB in the file's header: this file is ours."""
BACKUP_ID: Final = 0x424D424B
"""BMBK in their place: this file is a backup of one of ours, to be restored, not to be opened."""
_OWN: Final = "_bmad_"
"""What the names of the tables begin with that the store keeps for itself."""
_ARCHIVE: Final = (
    "create_archived",
    "create_packed",
    "create_dictionaries",
    "create_packed_of",
    "create_wanted_of",
    "create_packed_goes",
)


def create(connection: apsw.Connection) -> None:
    """Make the table; inside a transaction of the caller."""
    connection.execute(_SQL["create"])


def create_archive(connection: apsw.Connection) -> None:
    """Make the tables of what was archived, where they are missing; inside a transaction of the caller."""
    for block in _ARCHIVE:
        connection.execute(_SQL[block])


def holds_tables(connection: apsw.Connection) -> bool:
    """Has the file any table?"""
    [(found,)] = connection.execute(_SQL["holds_tables"])
    return bool(found)


def tables(connection: apsw.Connection) -> set[str]:
    """The names of all tables in the file but SQLite's own."""
    return {str(name) for (name,) in connection.execute(_SQL["tables"])}


def undeclared(connection: apsw.Connection, catalog: Catalog) -> list[str]:
    """The tables of the file that neither the catalog declares nor the store keeps for itself, by name."""
    made = {str(name) for (name,) in connection.execute(_SQL["plain_tables"])}
    return sorted(name for name in made - set(catalog.tables) if not name.startswith(_OWN))


def is_archived(connection: apsw.Connection, table: str, row_id: str) -> bool:
    """Is the row archived?"""
    return connection.execute(_SQL["is_archived"], (table, row_id)).fetchone() is not None


def holds_archive(connection: apsw.Connection) -> bool:
    """Has the file the tables of what was archived?"""
    [(found,)] = connection.execute(_SQL["holds_archive"])
    return bool(found)


def get(connection: apsw.Connection, key: str) -> str | None:
    """The value of `key`, or None."""
    for (value,) in connection.execute(_SQL["get"], (key,)):
        return str(value)
    return None


def put(connection: apsw.Connection, key: str, value: str) -> None:
    """Set `key`; inside a transaction of the caller."""
    connection.execute(_SQL["set"], (key, value))


def drop(connection: apsw.Connection, key: str) -> None:
    """Forget `key`; inside a transaction of the caller."""
    connection.execute(_SQL["drop"], (key,))


def mark_backup(copy: apsw.Connection) -> None:
    """Say in the file's head that it is a backup: it is not opened, but restored."""
    copy.pragma("application_id", BACKUP_ID)
