"""Worlds of devices around a real server that holds the shelf."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from bmaddb.modules.registry import catalog_with
from bmaddb.server.migrator import install
from tests.support.postgres import Database
from tests.support.server import serve
from tests.sync.devices import World, world_of
from tests.upkeep.shelf import MODULE


@pytest.fixture
def shelf(tmp_path: Path, pg18: Database) -> Iterator[World]:
    """On PostgreSQL 18."""
    with _world(tmp_path, pg18) as made:
        yield made


@pytest.fixture
def both_shelves(tmp_path: Path, postgres: Database) -> Iterator[World]:
    """Once on PostgreSQL 15 and once on 18."""
    with _world(tmp_path, postgres) as made:
        yield made


@contextmanager
def _world(folder: Path, database: Database) -> Iterator[World]:
    catalog = catalog_with(MODULE, include_defaults=False)
    with psycopg.connect(database.conninfo) as connection:
        install(connection, catalog)
    with serve(database) as server, world_of(folder, server, catalog) as made:
        yield made
