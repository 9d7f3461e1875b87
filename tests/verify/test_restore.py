"""After a restore: what the devices still hold is given back, what waits is pushed, nothing is lost (S3, S14)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from bmaddb.device.outbox.entries import ParkReason
from bmaddb.device.sync.pages import Pages
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.testing.network import Fault
from tests.support.server import RunningServer
from tests.sync.devices import Device, World
from tests.verify.test_repair import verify


@dataclass
class Backup:
    """A copy of the server's database at some moment."""

    server: RunningServer
    name: str

    def restore(self, *, announced: bool) -> None:
        """Put the copy in the database's place; `announced`: whoever restores says so."""
        database = self.server.database
        _copy(self.server, self.name, database.name)
        if announced:
            database.run("select bmad_sync.after_restore()")


def _copy(server: RunningServer, source: str, target: str) -> None:
    """CREATE DATABASE ... TEMPLATE, whoever is connected to either (a pool comes back as soon as it is sent away)."""
    with psycopg.connect(server.database.conninfo, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'drop database if exists "{target}" with (force)'.encode())
        connection.execute(f'alter database "{source}" allow_connections false'.encode())
        try:
            connection.execute(
                b"select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (source,)
            )
            connection.execute(f'create database "{target}" template "{source}"'.encode())
        finally:
            connection.execute(f'alter database "{source}" allow_connections true'.encode())


@contextlib.contextmanager
def backup_of(world: World) -> Iterator[Backup]:
    server = world.server
    made = Backup(server, f"{server.database.name}_backup")
    _copy(server, server.database.name, made.name)
    try:
        yield made
    finally:
        with psycopg.connect(server.database.conninfo, dbname="postgres", autocommit=True) as connection:
            connection.execute(f'drop database "{made.name}" with (force)'.encode())


def add(device: Device, *titles: str, goal: Goal | None = None) -> list[Task]:
    with device.store.write() as tx:
        return [tx.insert(Task, title=title, goal_id=goal.id if goal else None) for title in titles]


def titles(device: Device) -> list[str]:
    return sorted(task.title for task in device.store.query(Task).all())


def settle(world: World, *devices: Device) -> None:
    for _ in range(3):
        for device in devices:
            device.sync()
    for device in devices:
        report = device.sync()
        assert report.ok, (report, device.outbox.parked())


@pytest.mark.parametrize("announced", [True, False])
def test_acknowledged_rows_and_edits_of_two_devices_survive_a_restore(world: World, announced: bool) -> None:
    here, there = world.device(), world.device()
    [old] = add(here, "old")
    settle(world, here, there)
    with backup_of(world) as backup:
        with here.store.write() as tx:
            goal = tx.insert(Goal, title="goal")
            child = tx.insert(Task, title="child", goal_id=goal.id)
            tx.insert(Task, title="grandchild", goal_id=goal.id, parent_task_id=child.id)
        with here.store.write() as tx:
            tx.update(old, title="old, edited")
        settle(world, here, there)
        add(there, "only there")
        assert there.sync().ok
        add(here, "waits")
        backup.restore(announced=announced)
        settle(world, here, there)
        if not announced:  # `there` met a server that had gone on: only a comparison shows what is missing
            assert [check.returned for check in verify(there).tables if check.returned]
            settle(world, here, there)
        assert titles(here) == ["child", "grandchild", "old, edited", "only there", "waits"]
        world.assert_equal(here, there)
        assert verify(here).ok
        fresh = world.device()
        settle(world, fresh)
        world.assert_equal(fresh)


def test_an_edit_that_is_given_back_loses_a_parent_whose_delete_came_in_the_same_page(world: World) -> None:
    here, there = world.device(limits=Limits(page_rows=2, attempts=1)), world.device()
    with here.store.write() as tx:
        first, second = tx.insert(Goal, title="first"), tx.insert(Goal, title="second")
        task = tx.insert(Task, title="task", goal_id=first.id)
    settle(world, here, there)
    with backup_of(world) as backup:
        with there.store.write() as tx:
            tx.delete(Goal, second.id)
            tx.update(Task, task.id, priority=2)
        world.clock.advance(1000)
        with here.store.write() as tx:
            tx.update(Task, task.id, goal_id=second.id, title="moved")
        assert here.sync().ok
        backup.restore(announced=True)
        here.transport.plan(Fault.NONE, Fault.NONE, *[Fault.LOST_REQUEST] * 5)
        assert here.sync().result is Result.OFFLINE, "everything is read again, and the goals have come"
        assert there.sync().ok
        here.transport.plan()
        settle(world, there, here)
        assert here.outbox.parked() == ()
        assert {(row.title, row.goal_id) for row in there.store.query(Task).all()} == {("moved", None)}
        world.assert_equal(here, there)


def test_of_two_lost_edits_the_newest_wins(world: World) -> None:
    here, there = world.device(), world.device()
    [task] = add(here, "one")
    settle(world, here, there)
    with backup_of(world) as backup:
        world.clock.advance(1_000)
        with here.store.write() as tx:
            tx.update(task, title="two")
        assert here.sync().ok
        assert there.sync().ok
        world.clock.advance(1_000)
        with there.store.write() as tx:
            tx.update(task, title="three")
        assert there.sync().ok
        backup.restore(announced=True)
        settle(world, here, there)
        assert titles(here) == ["three"]
        world.assert_equal(here, there)


def test_what_changed_on_the_server_after_the_restore_is_merged(world: World) -> None:
    """A lost edit of one column meets a new edit of another: both stand."""
    here, there = world.device(), world.device()
    [task] = add(here, "one")
    settle(world, here, there)
    with backup_of(world) as backup:
        world.clock.advance(1_000)
        with here.store.write() as tx:
            tx.update(task, title="lost edit")
        assert here.sync().ok
        backup.restore(announced=True)
        world.clock.advance(1_000)
        with there.store.write() as tx:
            tx.update(task, state="doing")
        assert there.sync().ok
        settle(world, here, there)
        [row] = here.store.query(Task).all()
        assert (row.title, row.state) == ("lost edit", "doing")
        world.assert_equal(here, there)


def test_an_edit_that_waits_on_a_lost_row_comes_after_it(world: World) -> None:
    here = world.device()
    add(here, "old")
    settle(world, here)
    with backup_of(world) as backup:
        [task] = add(here, "new")
        assert here.sync().ok
        with here.store.write() as tx:
            tx.update(task, title="new and edited")
        with here.store.write() as tx:
            tx.insert(Task, title="child", parent_task_id=task.id)
        backup.restore(announced=True)
        settle(world, here)
        assert titles(here) == ["child", "new and edited", "old"]
        world.assert_equal(here)


def test_a_row_deleted_after_it_was_given_back_stays_deleted(world: World) -> None:
    here, there = world.device(), world.device()
    add(here, "old")
    settle(world, here, there)
    with backup_of(world) as backup:
        [task] = add(here, "brief")
        settle(world, here, there)
        backup.restore(announced=True)
        settle(world, here)
        with here.store.write() as tx:
            tx.delete(task)
        settle(world, here)
        settle(world, there)
        assert titles(there) == ["old"]
        world.assert_equal(here, there)


def test_a_delete_that_was_lost_comes_undone(world: World) -> None:
    """Nobody can tell such a row from one that was never deleted: docs/protocol.md says so."""
    here = world.device()
    [task] = add(here, "deleted too late")
    settle(world, here)
    with backup_of(world) as backup:
        with here.store.write() as tx:
            tx.delete(task)
        assert here.sync().ok
        backup.restore(announced=True)
        settle(world, here)
        assert titles(here) == ["deleted too late"]


def test_a_crash_between_the_pages_loses_nothing(world: World) -> None:
    from bmaddb.protocol.session import Limits
    from bmaddb.testing import Fault

    here = world.device(limits=Limits(page_rows=20, attempts=1))
    add(here, *[f"t{number}" for number in range(30)])
    settle(world, here)
    with backup_of(world) as backup:
        add(here, *[f"new{number}" for number in range(30)])
        with here.store.write() as tx:
            for task in here.store.query(Task).where(Task.title == "t3").all():
                tx.update(task, title="t3 edited")
        settle(world, here)
        before = titles(here)
        backup.restore(announced=True)
        for place in range(12):
            here.transport.plan(*[Fault.NONE] * place, Fault.LOST_ANSWER)
            here.sync()
            here.reopen()
        settle(world, here)
        assert titles(here) == before
        world.assert_equal(here)


def test_work_that_waits_on_rows_whose_edits_were_lost(world: World) -> None:
    """Acknowledged: a title, a new row. Waiting: another column of the first, the delete of the second."""
    here, there = world.device(), world.device()
    [task] = add(here, "one")
    settle(world, here, there)
    with backup_of(world) as backup:
        with here.store.write() as tx:
            tx.update(task, title="two")
            brief = tx.insert(Task, title="brief")
        settle(world, here)
        with here.store.write() as tx:
            tx.update(task, state="doing")
        with here.store.write() as tx:
            tx.delete(brief)
        backup.restore(announced=True)
        settle(world, here, there)
        assert [(row.title, row.state) for row in there.store.query(Task).all()] == [("two", "doing")]
        assert here.verdicts() == there.verdicts() == []
        world.assert_equal(here, there)


def test_a_restore_of_a_restore(world: World) -> None:
    """Each restore loses versions of its own; rows of both timelines come back."""
    here = world.device()
    add(here, "old")
    settle(world, here)
    with backup_of(world) as backup:
        for name in ("first", "second"):
            add(here, name)
            settle(world, here)
            backup.restore(announced=True)
            settle(world, here)
        assert titles(here) == ["first", "old", "second"]
        world.assert_equal(here)


def test_rows_that_refer_to_each_other_are_given_back(world: World) -> None:
    here = world.device()
    add(here, "old")
    settle(world, here)
    with backup_of(world) as backup:
        with here.store.write() as tx:
            one = tx.insert(Task, title="one")
            two = tx.insert(Task, title="two", parent_task_id=one.id)
        world.clock.advance(1_000)
        with here.store.write() as tx:
            tx.update(one, parent_task_id=two.id)
        settle(world, here)
        backup.restore(announced=True)
        settle(world, here)
        assert titles(here) == ["old", "one", "two"]
        world.assert_equal(here)


def test_a_row_that_is_refused_keeps_none_of_the_others_back(world: World) -> None:
    here = world.device()
    add(here, "old")
    settle(world, here)
    with backup_of(world) as backup:
        add(here, "one", "wrong by now", "two")
        settle(world, here)
        backup.restore(announced=True)
        world.server.database.run("alter table bmad.tasks add constraint none_wrong check (title not like 'wrong%')")
        assert here.sync().result is Result.PARTIAL
        assert sorted(row["title"] for row in world.server_rows()[Task.__table__.name]) == ["old", "one", "two"]
        [parked] = here.outbox.parked()
        assert parked.reason is not None
        assert (parked.reason.code, len(parked.changes)) == ("23514", 1)
        here.outbox.discard(parked.id)
        settle(world, here)
        world.assert_equal(here)


def test_a_delete_of_a_lost_row_has_nothing_left_to_delete(world: World) -> None:
    """Given up, it would bring back a row that this device takes for the server's, and the server does not have."""
    here = world.device()
    [kept] = add(here, "old")
    settle(world, here)
    with backup_of(world) as backup:
        [lost] = add(here, "lost")
        settle(world, here)
        with here.store.write() as tx:
            tx.delete(lost)
        with here.store.write() as tx:
            tx.delete(kept)
        with here.outbox.edit() as (connection, waiting):
            for entry in list(waiting):
                here.outbox.park(connection, waiting, entry, ParkReason(code="42501", message="refused"))
        backup.restore(announced=True)
        here.sync()
        [left] = here.outbox.parked()
        assert [change.id for change in left.changes.values()] == [kept.id]
        here.outbox.discard(left.id)
        settle(world, here)
        assert titles(here) == ["old"]
        world.assert_equal(here)


def test_a_row_is_deleted_on_both_sides_while_everything_is_read_again(world: World) -> None:
    here = world.device()
    [task] = add(here, "old")
    settle(world, here)
    Pages(here.store, here.outbox).begin_resync()
    with here.store.write() as tx:
        tx.delete(task)
    world.server.database.run("delete from bmad.tasks")
    settle(world, here)
    assert titles(here) == []
    world.assert_equal(here)
