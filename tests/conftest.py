"""Fixtures for every room: real Postgres of both versions, and a real server on it.

    clusters            the session's clusters, started when first used
    postgres            an empty database, once on PostgreSQL 15 and once on 18 (the test runs twice)
    postgres_installed  the same with the default catalogue's schema in it
    pg18, pg18_installed   only PostgreSQL 18
    server              a RunningServer on pg18_installed: `.url`, `.token(user)`, `.rpc(name, arguments)`
    data_dir            an empty folder for an embedded Postgres, whose user cannot enter pytest's tmp_path

A test that wants other limits, a manual clock or two servers calls `tests.support.server.serve(database)`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import VERSIONS, Clusters, Database, open_folder, scratch_folder
from tests.support.server import RunningServer, serve


def pytest_configure() -> None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(scratch_folder()))  # where tmp_path is made


@pytest.fixture(scope="session")
def clusters() -> Iterator[Clusters]:
    running = Clusters()
    try:
        yield running
    finally:
        running.close()


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def postgres(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[Database]:
    with clusters.of(request.param).database() as database:
        yield database


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def postgres_installed(request: pytest.FixtureRequest, clusters: Clusters) -> Iterator[Database]:
    with clusters.of(request.param).database(installed=True) as database:
        yield database


@pytest.fixture
def pg18(clusters: Clusters) -> Iterator[Database]:
    with clusters.of(18).database() as database:
        yield database


@pytest.fixture
def pg18_installed(clusters: Clusters) -> Iterator[Database]:
    with clusters.of(18).database(installed=True) as database:
        yield database


@pytest.fixture
def server(pg18_installed: Database) -> Iterator[RunningServer]:
    with serve(pg18_installed) as running:
        yield running
