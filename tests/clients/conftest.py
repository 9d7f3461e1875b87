"""The unmodified clients as fixtures: one Node process for each module, an empty one for each test."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog
from bmaddb.schema.watermelon import watermelon_schema
from tests.clients.driver import Driver
from tests.clients.install import ClientsMissing, installed
from tests.clients.truth import Truth, app_defaults
from tests.clients.watermelon import Schema, Watermelon
from tests.support.postgres import Clusters
from tests.support.server import RunningServer, serve


class OpenDevice(Protocol):
    """Starts an app on a new phone of `user`; `schema` other than today's makes it an older app."""

    def __call__(self, user: str, *, schema: Schema | None = None) -> Watermelon: ...


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return default_catalog()


@pytest.fixture(scope="session")
def schema(catalog: Catalog) -> Schema:
    """What `bmaddb schema --format watermelondb` prints."""
    return watermelon_schema(catalog)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The pinned clients; without Node there is nothing to test, which is a failure only where CI runs."""
    try:
        return installed()
    except ClientsMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the JavaScript clients are missing: {missing}")


@pytest.fixture(scope="module")
def server(clusters: Clusters) -> Iterator[RunningServer]:
    """One server for the module: each test has users of its own."""
    with clusters.of(18).database(installed=True) as database, serve(database) as running:
        yield running


@pytest.fixture(scope="module")
def watermelon_process(node_modules: Path) -> Iterator[Driver]:
    with Driver("watermelon.js", node_modules) as driver:
        yield driver


@pytest.fixture
def device(watermelon_process: Driver, catalog: Catalog, schema: Schema, server: RunningServer) -> OpenDevice:
    """Opens devices; those of the test before are gone."""
    watermelon_process.call("reset")
    numbers = itertools.count(1)
    today, defaults = schema, app_defaults(catalog)

    def open_device(user: str, *, schema: Schema | None = None) -> Watermelon:
        name = f"device {next(numbers)}"
        opened = Watermelon(watermelon_process, name, server.url, server.token(user), schema or today, defaults)
        opened.open()
        return opened

    return open_device


@pytest.fixture
def phone(device: OpenDevice, user: str) -> Watermelon:
    """One device of `user`."""
    return device(user)


@pytest.fixture
def tablet(device: OpenDevice, user: str) -> Watermelon:
    """Another device of the same user."""
    return device(user)


@pytest.fixture
def user() -> str:
    """A user nobody has seen before, so that no test needs an empty server."""
    return str(uuid.uuid4())


@pytest.fixture
def other_user() -> str:
    return str(uuid.uuid4())


@pytest.fixture
def truth(server: RunningServer, catalog: Catalog, user: str) -> Iterator[Truth]:
    """The rows of `user` in Postgres."""
    with server.database.connect() as owner:
        yield Truth(owner, catalog, user)
