"""A world of devices around a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.devices import World, world_of
from tests.support.server import RunningServer


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    with world_of(tmp_path, server) as made:
        yield made
