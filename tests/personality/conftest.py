"""One user's database, opened as an application opens it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb.service import Database
from tests.support.server import USER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.db"


@pytest.fixture
def db(path: Path) -> Iterator[Database]:
    with bmaddb.open(path, user=USER) as opened:
        yield opened
