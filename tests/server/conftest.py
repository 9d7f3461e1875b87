"""A server whose Postgres holds the functions of `doors.sql`: every result shape, every way to fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Clusters, Database
from tests.support.server import RunningServer, serve

DOORS = (Path(__file__).parent / "doors.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def doors_database(clusters: Clusters) -> Iterator[Database]:
    with clusters.of(18).database() as database:
        database.run(DOORS)
        yield database


@pytest.fixture(scope="session")
def doors(doors_database: Database) -> Iterator[RunningServer]:
    """Shared by all tests that leave no trace; on PostgreSQL 18."""
    with serve(doors_database) as server:
        yield server


@pytest.fixture
def fresh_doors(postgres: Database) -> Iterator[RunningServer]:
    """A server of its own for the test, once on each PostgreSQL."""
    postgres.run(DOORS)
    with serve(postgres) as server:
        yield server
