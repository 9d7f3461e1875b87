"""JavaScript and Python devices of one user, in any order of work and syncs, end with Postgres' rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol

import pytest

import bmaddb
from bmaddb.modules.tasks_productivity import Task
from bmaddb.testing.proxy import Cut, CuttingProxy
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

    def sync(self, *, loses: bool = False) -> bool:
        """Whether it went through; `loses`: the answer to its push is lost on the way back."""
        ...


class JsDevice:
    """WatermelonDB."""

    def __init__(self, app: Watermelon) -> None:
        self.app = app

    def ids(self) -> list[str]:
        return sorted(self.app.rows("tasks"))

    def create(self, title: str) -> None:
        self.app.create("tasks", title=title)

    def edit(self, row_id: str, column: str, value: Any) -> None:
        self.app.update("tasks", row_id, **{column: value})

    def delete(self, row_id: str) -> None:
        self.app.delete("tasks", row_id)

    def sync(self, *, loses: bool = False) -> bool:
        try:
            synced = self.app.sync(lose=["push"] if loses else [])
        except JsError as error:
            if not loses and error.status != CONFLICT:
                raise
            return False
        assert not synced.rejected
        assert synced.said == []
        return True


class PythonDevice:
    """bmaddb itself, with a real file, behind a wire that can be cut."""

    def __init__(self, database: bmaddb.Database, wire: CuttingProxy) -> None:
        self.database = database
        self.wire = wire

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

    def sync(self, *, loses: bool = False) -> bool:
        cuts_before = self.wire.cuts_done
        if loses:
            self.wire.cut_next("bmad_push_v1", Cut.AFTER_EFFECT)
        report = self.database.sync()
        assert report.parked == 0
        assert report.ok or self.wire.cuts_done > cuts_before, report
        return report.ok

    def rows(self) -> dict[str, Row]:
        shown = (*EDITS, "id", "state", "tag_ids")
        return {
            task.id: {name: _plain(getattr(task, name)) for name in shown} for task in self.database.query(Task).all()
        }


def _plain(value: Any) -> Any:
    return round(value.timestamp() * 1000) if isinstance(value, datetime) else value


@pytest.fixture
def python_device(tmp_path: Path, server: RunningServer, user: str) -> Iterator[PythonDevice]:
    with CuttingProxy(int(server.url.rpartition(":")[2])) as wire:
        path, token = tmp_path / "device.db", server.token(user)
        with bmaddb.open(path, user=user, url=wire.url, token=token) as database:
            yield PythonDevice(database, wire)


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
    """Everybody syncs until a whole round went well and changed nothing on the server."""
    for _ in range(SETTLE_ROUNDS_MAX):
        before = truth.rows("tasks")
        went_well = [device.sync() for device in devices]
        if all(went_well) and truth.rows("tasks") == before:
            return
    raise AssertionError(f"no quiet after {SETTLE_ROUNDS_MAX} rounds")


@pytest.mark.parametrize("seed", SEEDS)
def test_random_histories_end_in_the_same_rows(
    device: OpenDevice, python_device: PythonDevice, user: str, truth: Truth, seed: int
) -> None:
    chance = Random(seed)
    apps = [device(user), device(user)]
    devices: list[Device] = [*(JsDevice(app) for app in apps), python_device]
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
