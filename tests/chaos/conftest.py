"""A world of devices around a real server, with the small module of tests/protocol/things.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bmaddb.server.migrator import install
from tests.chaos.scripted import CATALOG
from tests.support.postgres import Clusters
from tests.support.server import serve
from tests.sync.devices import World, world_of


@pytest.fixture
def world(tmp_path: Path, clusters: Clusters) -> Iterator[World]:
    with clusters.of(18).database() as database:
        with psycopg.connect(database.conninfo) as connection:
            install(connection, CATALOG)
        with serve(database) as server, world_of(tmp_path, server, CATALOG) as made:
            yield made
