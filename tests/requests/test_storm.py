"""Every effect exactly once and in order, dead letters named, whatever fails and whenever the device dies."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bmaddb.server.handlers import Handlers
from tests.requests.office import opened
from tests.requests.storm import Storm, dicey
from tests.support.postgres import VERSIONS, Clusters

COUNT = 100


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("language", ["sql", "python"])
def test_a_storm(tmp_path: Path, clusters: Clusters, version: int, language: str) -> None:
    handlers, dice = Handlers(), random.Random(version)
    if language == "python":
        handlers.handle("dicey")(lambda request: dicey(request, dice))
    with opened(tmp_path, clusters, version, handlers) as (office, _):
        storm = Storm(office, "dicey", COUNT, seed=version)
        storm.weather(deadly=True)
        storm.check()
        assert storm.deaths > 0
        assert len(storm.never) > 0
        office.world.settle(storm.device)
        office.world.assert_equal(storm.device)
