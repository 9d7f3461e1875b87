"""A database with the shelf's tables, and what observes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb.entropy import SeededEntropy
from bmaddb.service import Database
from bmaddb.testing import ManualClock
from tests.store.shelf import LIBRARY, USER

WAIT_S_MAX = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with open_database(path) as opened:
        yield opened


def open_database(path: Path, seed: int = 1) -> Database:
    """The shelf at `path`, with an outbox."""
    return bmaddb.open(
        path, user=USER, modules=[LIBRARY], clock=ManualClock(), entropy=SeededEntropy(seed), durability="normal"
    )
