"""Holes a hostile review found, each closed and held shut."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import bmaddb
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import EntryStatus
from bmaddb.modules.tasks_productivity import Goal, Task
from tests.support.server import USER, RunningServer
from tests.sync.devices import World

STRANGER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f61"
TWO_DAYS_MS = 2 * 24 * 60 * 60 * 1000


def test_a_delete_behind_a_refused_entry_goes_out(world: World) -> None:
    here, there = world.device(), world.device()
    with here.store.write() as tx:
        task, goal = tx.insert(Task, title="x"), tx.insert(Goal, title="g")
    world.settle(here, there)
    with there.store.write() as tx:
        tx.delete(goal)
    there.sync()
    with here.store.write() as tx:
        tx.update(task, title="x2")
    with here.store.write() as tx:
        tx.insert(Task, title="orphan", goal_id=goal.id)
    with here.store.write() as tx:
        tx.delete(Task, task.id)
    for _ in range(3):
        here.sync()
    there.sync()
    assert here.outbox.counts().leased == here.outbox.counts().queued == 0
    assert there.store.get(Task, task.id) is None


def test_a_token_of_another_user_moves_nothing(server: RunningServer, tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "v.db", user=STRANGER, url=server.url, token=server.token(STRANGER)) as stranger:
        with stranger.write() as tx:
            tx.insert(Task, title="theirs")
        assert stranger.sync().ok
        with bmaddb.open(tmp_path / "u.db", user=USER, url=server.url, token=server.token(STRANGER)) as mixed:
            with mixed.write() as tx:
                tx.insert(Task, title="mine")
            report = mixed.sync()
            assert not report.ok
            assert report.failure is not None
            assert report.failure.kind == "token"
            assert [task.title for task in mixed.query(Task).all()] == ["mine"]
            assert mixed.outbox.counts().parked == 0
        stranger.sync()
        assert [task.title for task in stranger.query(Task).all()] == ["theirs"]


def test_a_clock_that_was_ahead_and_is_set_right_stops_nothing(world: World) -> None:
    here = world.device()
    here.clock.set_wall(SystemClock().now_ms() + TWO_DAYS_MS)
    with here.store.write() as tx:
        tx.insert(Task, title="from the future")
    here.sync()
    [parked] = here.outbox.parked()
    assert parked.status is EntryStatus.PARKED
    here.clock.set_wall(SystemClock().now_ms())
    with here.store.write() as tx:
        tx.insert(Task, title="clock right")
    assert here.sync().pushed_entries == 1
    here.outbox.retry(parked.id)
    assert here.sync().ok


def test_two_databases_on_one_file_take_turns(server: RunningServer, tmp_path: Path) -> None:
    def opened() -> bmaddb.Database:
        return bmaddb.open(tmp_path / "one.db", user=USER, url=server.url, token=server.token())

    with opened() as one, opened() as two, ThreadPoolExecutor(2) as pool:
        for round_number in range(6):
            for db in (one, two):
                with db.write() as tx:
                    tx.insert(Task, title=f"{round_number}")
            reports = list(pool.map(lambda db: db.sync(), (one, two)))
            assert all(report.result in ("ok", "partial", "failed") for report in reports)
        for _ in range(3):
            one.sync()
            two.sync()
        assert one.outbox.counts().total == 0
        assert one.query(Task).count() == 12
    with bmaddb.open(tmp_path / "other.db", user=USER, url=server.url, token=server.token()) as other:
        assert other.sync().ok
        assert other.query(Task).count() == 12


def test_closing_during_a_sync_is_one_of_our_errors(server: RunningServer, tmp_path: Path) -> None:
    db = bmaddb.open(tmp_path / "a.db", user=USER, url=server.url, token=server.token())
    engine = db._parts.engine
    assert engine is not None
    running = engine.loop.submit(engine.join("manual"))
    db.close()
    assert running.cancelled() or running.done()
    with pytest.raises(bmaddb.BmadError):
        db.sync()
    with pytest.raises(bmaddb.BmadError):
        asyncio.run(db.sync_async())
