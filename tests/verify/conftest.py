"""Worlds of devices around a real server that holds the small catalogue: every kind, scope and delete rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bmaddb.modules.registry import catalog_with
from bmaddb.server.migrator import install
from tests.postgres.small_catalog import SMALL
from tests.support.postgres import Database
from tests.support.server import RunningServer, serve
from tests.sync.devices import World, world_of


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    """Devices and a server that hold the twelve modules."""
    with world_of(tmp_path, server) as made:
        yield made


@pytest.fixture
def small_world(tmp_path: Path, pg18: Database) -> Iterator[World]:
    """Devices and a server with the small catalogue, on PostgreSQL 18."""
    catalog = catalog_with(SMALL, include_defaults=False)
    with psycopg.connect(pg18.conninfo) as connection:
        install(connection, catalog)
    with serve(pg18) as server, world_of(tmp_path, server, catalog) as made:
        yield made


@pytest.fixture
def both_worlds(tmp_path: Path, postgres: Database) -> Iterator[World]:
    """The same, once on PostgreSQL 15 and once on 18."""
    catalog = catalog_with(SMALL, include_defaults=False)
    with psycopg.connect(postgres.conninfo) as connection:
        install(connection, catalog)
    with serve(postgres) as server, world_of(tmp_path, server, catalog) as made:
        yield made
