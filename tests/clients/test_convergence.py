"""JavaScript and Python devices of one user, in any order of work and syncs, end with the rows of Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol

import pytest

import bmaddb
from bmaddb.modules.tasks_productivity import Task
from tests.clients.conftest import OpenDevice
from tests.clients.driver import JsError
from tests.clients.truth import Truth, assert_same
from tests.clients.watermelon import Row, Watermelon
from tests.support.server import RunningServer

SEEDS = range(6)
ROUNDS = 12
STEPS_PER_TURN_MAX = 4
LOST_ANSWER_CHANCE = 0.2
CONFLICT = 409
SETTLE_ROUNDS_MAX = 10
TITLES = ("plan", "é👍", "'; --", "", "zero\u200bwidth", "long " * 40)
EDITS: dict[str, tuple[Any, ...]] = {
    "title": TITLES,
    "priority": (0, 1, 2, 3, 4),
    "notes": (None, *TITLES),
    "estimate_min": (None, 0, 90),
    "due_at": (None, 0, 1_700_000_000_123),
}


class Device(Protocol):
    """What the random history needs of a device, whatever language it is written in."""

    def ids(self) -> list[str]: ...
    def create(self, title: str) -> None: ...
    def edit(self, row_id: str, column: str, value: Any) -> None: ...
    def delete(self, row_id: str) -> None: ...
    def sync(self, *, loses: bool = False) -> None: ...
    def rows(self) -> dict[str, Row]: ...


class JsDevice:
    """WatermelonDB, synced the way its documentation tells apps to: once more after a conflict."""

    def __init__(self, app: Watermelon, truth: Truth) -> None:
        self.app = app
        self.truth = truth

    def ids(self) -> list[str]:
        return sorted(self.app.rows("tasks"))

    def create(self, title: str) -> None:
        self.app.create("tasks", title=title)

    def edit(self, row_id: str, column: str, value: Any) -> None:
        self.app.update("tasks", row_id, **{column: value})

    def delete(self, row_id: str) -> None:
        self.app.delete("tasks", row_id)

    def sync(self, *, loses: bool = False) -> None:
        try:
            synced = self.app.sync(lose=["push"] if loses else [])
        except JsError as error:
            if not loses and error.status != CONFLICT:
                raise
            return
        assert not synced.rejected
        assert synced.said == []

    def rows(self) -> dict[str, Row]:
        return self.truth.seen_by(self.app, "tasks")


class PythonDevice:
    """bmaddb itself, with a real file."""

    def __init__(self, database: bmaddb.Database) -> None:
        self.database = database

    def ids(self) -> list[str]:
        return sorted(task.id for task in self.database.query(Task).all())

    def create(self, title: str) -> None:
        with self.database.write() as tx:
            tx.insert(Task, title=title)

    def edit(self, row_id: str, column: str, value: Any) -> None:
        if column == "due_at" and value is not None:
            value = datetime.fromtimestamp(value / 1000, UTC)
        with self.database.write() as tx:
            tx.update(Task, row_id, **{column: value})

    def delete(self, row_id: str) -> None:
        with self.database.write() as tx:
            tx.delete(Task, row_id)

    def sync(self, *, loses: bool = False) -> None:
        self.database.sync()

    def rows(self) -> dict[str, Row]:
        shown = (*EDITS, "id", "state", "tag_ids")
        return {
            task.id: {name: _plain(getattr(task, name)) for name in shown}
            for task in self.database.query(Task).all()
        }


def _plain(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


@pytest.fixture
def python_device(tmp_path: Path, server: RunningServer, user: str) -> Iterator[PythonDevice]:
    database = bmaddb.open(tmp_path / "device.db", user=user, url=server.url, token=server.token(user))
    try:
        yield PythonDevice(database)
    finally:
        database.close()


def turn(device: Device, chance: Random) -> None:
    """A few random edits, then perhaps a sync whose answer may get lost."""
    for _ in range(chance.randint(0, STEPS_PER_TURN_MAX)):
        ids = device.ids()
        what = chance.random()
        if not ids or what < 0.3:
            device.create(chance.choice(TITLES))
        elif what < 0.9:
            column = chance.choice(sorted(EDITS))
            device.edit(chance.choice(ids), column, chance.choice(EDITS[column]))
        else:
            device.delete(chance.choice(ids))
    if chance.random() < 0.6:
        device.sync(loses=chance.random() < LOST_ANSWER_CHANCE)


def settle(devices: list[Device], truth: Truth) -> None:
    """Everybody syncs until all agree with the server; they must agree within a bounded number of rounds."""
    for _ in range(SETTLE_ROUNDS_MAX):
        for device in devices:
            device.sync()
        if all(set(device.rows()) == set(truth.rows("tasks")) for device in devices):
            break
    for device in devices:
        device.sync()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_histories_end_in_the_same_rows(
    device: OpenDevice, python_device: PythonDevice, user: str, truth: Truth, seed: int
) -> None:
    chance = Random(seed)
    apps = [device(user), device(user)]
    devices: list[Device] = [*(JsDevice(app, truth) for app in apps), python_device]
    for _ in range(ROUNDS):
        chance.shuffle(devices)
        for one in devices:
            turn(one, chance)
    settle(devices, truth)
    stored = truth.rows("tasks")
    assert stored
    assert_same(truth, "tasks", *apps)
    python_rows = python_device.rows()
    assert set(python_rows) == set(stored)
    for row_id, row in python_rows.items():
        assert row == {name: stored[row_id][name] for name in row}
