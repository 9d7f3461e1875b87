"""The catalogue rows a program carries, for a file that should have them before its first sync."""

from __future__ import annotations

from typing import Any

import apsw

from bmaddb.device.query import compiler_writes
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column


def plant(connection: apsw.Connection, catalog: Catalog) -> None:
    """Insert every seed row; inside a transaction of the caller. A later sync writes over them."""
    for name, rows in catalog.seeds().items():
        columns = catalog.table(name).columns
        connection.executemany(
            compiler_writes.insert(catalog.record(name)),
            [[column.bind(row.get(column.name, _default(column))) for column in columns] for row in rows],
        )


def _default(column: Column[Any]) -> Any:
    return column.spec.default if column.spec.has_default else None
