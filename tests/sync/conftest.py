"""Worlds of devices around a real server: with the twelve modules, or with a small one of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bmaddb.modules.registry import catalog_with
from bmaddb.server.migrator import install
from tests.protocol.things import MODULE
from tests.support.postgres import Clusters
from tests.support.server import RunningServer, serve
from tests.sync import desk as desk_tables
from tests.sync.devices import World, world_of


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    """Devices and a server that hold the twelve modules."""
    with world_of(tmp_path, server) as made:
        yield made


@pytest.fixture
def things(tmp_path: Path, clusters: Clusters) -> Iterator[World]:
    """Devices and a server that hold the module of tests/protocol/things.py: a table for each rule."""
    catalog = catalog_with(MODULE, include_defaults=False)
    with clusters.of(18).database() as database:
        with psycopg.connect(database.conninfo) as connection:
            install(connection, catalog)
        with serve(database) as server, world_of(tmp_path, server, catalog) as made:
            yield made


@pytest.fixture
def desk(tmp_path: Path, clusters: Clusters) -> Iterator[World]:
    """Devices and a server that hold the module of tests/sync/desk.py: columns that merge, rows that come back."""
    catalog = catalog_with(desk_tables.MODULE, include_defaults=False)
    with clusters.of(18).database() as database:
        with psycopg.connect(database.conninfo) as connection:
            install(connection, catalog)
        with serve(database) as server, world_of(tmp_path, server, catalog) as made:
            yield made
