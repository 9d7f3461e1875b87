"""Devices around a server whose application has handlers for requests, on both versions of Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bmaddb.modules.registry import catalog_with
from bmaddb.server.migrator import install
from tests.protocol.things import MODULE
from tests.requests.office import SQL, Office
from tests.support.postgres import VERSIONS, Clusters
from tests.support.server import serve
from tests.sync.devices import world_of


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def office(request: pytest.FixtureRequest, tmp_path: Path, clusters: Clusters) -> Iterator[Office]:
    """A world with the handlers of handlers.sql."""
    catalog = catalog_with(MODULE, include_defaults=False)
    with clusters.of(request.param).database() as database:
        with psycopg.connect(database.conninfo) as connection:
            install(connection, catalog)
        for block in ("ground", "handlers", "register"):
            database.run(SQL[block])
        with serve(database) as server, world_of(tmp_path, server, catalog) as world:
            yield Office(world=world, database=database)
