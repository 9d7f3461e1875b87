"""How much the file and its attachments take."""

from __future__ import annotations

import os

import apsw

from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.upkeep.policy import EvictAttachments, UpkeepPolicy
from bmaddb.device.upkeep.report import Usage

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")
_INCREMENTAL = 2


def measure(store: Store, policy: UpkeepPolicy) -> Usage:
    """Look at the pages of the file, its log, and the attachments' files."""
    with store.read() as connection:
        page = _number(connection, "page_size")
        free = _number(connection, "freelist_count") * page
        used = _number(connection, "page_count") * page - free
        vacuums = _number(connection, "auto_vacuum") == _INCREMENTAL
        attachments = sum(
            _paths(store, connection, step) for step in policy.order if isinstance(step, EvictAttachments)
        )
    return Usage(
        used_bytes=used,
        free_bytes=free,
        log_bytes=_size(f"{store.path}-wal"),
        attachment_bytes=attachments,
        budget_bytes=policy.budget_bytes,
        vacuums=vacuums,
    )


def pages_bytes(connection: apsw.Connection) -> int:
    """Bytes of the pages in use; cheap, for asking between two batches."""
    used = _number(connection, "page_count") - _number(connection, "freelist_count")
    return used * _number(connection, "page_size")


def _paths(store: Store, connection: apsw.Connection, step: EvictAttachments) -> int:
    if step.table not in store.catalog.tables:
        return 0
    return sum(_size(row[0]) for row in connection.execute(_SQL["paths"].format(table=step.table)))


def _size(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_size
    except (OSError, ValueError):
        return 0


def _number(connection: apsw.Connection, block: str) -> int:
    [(value,)] = connection.execute(_SQL[block])
    return int(value)
