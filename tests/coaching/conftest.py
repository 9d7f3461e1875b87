"""A store with a settled user, made once; the tests of rules leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from tests.coaching.acts import done, onboarding
from tests.coaching.ground import grant_sessions, open_store, settle


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = open_store(tmp_path_factory.mktemp("coaching") / "user.db")
    settle(store)
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A file of the test's own, with the settled user."""
    made = open_store(tmp_path / "user.db")
    settle(made)
    yield made
    made.close()


@pytest.fixture
def blank(tmp_path: Path) -> Iterator[Store]:
    """A file nobody has used yet."""
    made = open_store(tmp_path / "blank.db")
    Outbox(made)
    yield made
    made.close()


@pytest.fixture
def ada(blank: Store) -> Store:
    """The file behind an onboarding."""
    done(blank, ops.user_onboarding(onboarding()))
    grant_sessions(blank)
    return blank
