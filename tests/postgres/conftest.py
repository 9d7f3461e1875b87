"""A database with the small catalogue in it, on both versions of Postgres."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from bmaddb.server import migrator
from tests.postgres.caller import ALICE, BOB, Caller, caller
from tests.postgres.small_catalog import small_catalog
from tests.support.postgres import Database


@pytest.fixture
def small(postgres: Database) -> Database:
    """A database that holds the small catalogue."""
    with psycopg.connect(postgres.conninfo) as connection:
        migrator.install(connection, small_catalog())
    return postgres


@pytest.fixture
def device(small: Database) -> Iterator[Callable[..., Caller]]:
    """Makes callers on `small`: device(), device(BOB), device(device="device-2")."""
    made: list[Caller] = []

    def make(user: str | None = ALICE, *, role: str = "authenticated", device: str = "device-1") -> Caller:
        made.append(caller(small, user, role, device))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


@pytest.fixture
def alice(device: Callable[..., Caller]) -> Caller:
    return device()


@pytest.fixture
def bob(device: Callable[..., Caller]) -> Caller:
    return device(BOB)
