"""An empty file with our own tables, for the peers that can work on tables they did not make."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from bmaddb.modules.registry import default_catalog
from bmaddb.schema import sqlite_ddl


def create(path: Path) -> None:
    """All tables of the twelve modules, with their checks, keys and indexes, as ours has them."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(sqlite_ddl.create_all(default_catalog()))
