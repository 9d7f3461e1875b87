"""Devices around a server whose application has handlers for requests, on both versions of Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requests.office import Office, opened
from tests.support.postgres import VERSIONS, Clusters


@pytest.fixture(params=VERSIONS, ids=lambda version: f"pg{version}")
def office(request: pytest.FixtureRequest, tmp_path: Path, clusters: Clusters) -> Iterator[Office]:
    """A world with the handlers of handlers.sql."""
    with opened(tmp_path, clusters, request.param) as (made, _):
        yield made
