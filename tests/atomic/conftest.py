"""A database with a small catalogue, a clock that stands still, and repeatable chance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import ManualClock
from tests.atomic.acts import open_db
from tests.atomic.world import World


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def db(tmp_path: Path, clock: ManualClock) -> Iterator[bmaddb.Database]:
    with open_db(tmp_path / "device.db", clock=clock, entropy=SeededEntropy(3)) as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")
