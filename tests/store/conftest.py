"""A store in a folder of its own, with a clock that stands still and repeatable chance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from bmaddb.device.store import CommitDraft, CommitFact, Store
from bmaddb.entropy import SeededEntropy
from bmaddb.testing import ManualClock
from tests.store.shelf import USER, library


class Witness:
    """Notes what the store tells of its commits."""

    def __init__(self, store: Store) -> None:
        self.drafts: list[CommitDraft] = []
        self.facts: list[CommitFact] = []
        store.before_commit.append(self.drafts.append)
        store.after_commit.append(self.facts.append)

    def changes(self) -> list[tuple[str, str, object]]:
        """(table, operation, id) of every change captured, in a fixed order."""
        return sorted(change for draft in self.drafts for change in changes_of(draft.changeset))


def changes_of(changeset: bytes) -> list[tuple[str, str, object]]:
    """(table, operation, id) of each change of a changeset."""
    return [
        (str(change.name), str(change.op), (change.old or change.new or ("",))[0])
        for change in apsw.Changeset.iter(changeset)
    ]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "device.db"


@pytest.fixture
def store(path: Path, clock: ManualClock) -> Iterator[Store]:
    with open_store(path, clock) as opened:
        yield opened


@pytest.fixture
def witness(store: Store) -> Witness:
    return Witness(store)


def open_store(path: Path, clock: ManualClock | None = None, *, seed: int = 1) -> Store:
    """The test store at `path`, of the test user."""
    return Store(
        path,
        library(),
        clock=clock or ManualClock(),
        entropy=SeededEntropy(seed),
        user=USER,
        durability="normal",
    )
