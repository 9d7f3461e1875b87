"""The tombstone horizon, forgotten devices, and cursors that lead nowhere (S3, S5)."""

from __future__ import annotations

import pytest

from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol.steps import Result
from bmaddb.testing import Fault
from tests.support.server import USER
from tests.sync.devices import Device, World
from tests.verify.test_restore import add, settle, titles


def purge(world: World) -> None:
    """As if everything on the server were older than the horizon."""
    world.server.database.run("select bmad_sync.purge('-1 second', '-1 second')")


def set_cursor(device: Device, cursor: str) -> None:
    with device.store.apply() as connection:
        connection.execute("update sync_cursors set cursor = ?", (cursor,))


def test_a_device_from_before_the_horizon_sweeps_and_keeps_its_outbox(world: World) -> None:
    here, there = world.device(), world.device()
    gone, stays = add(here, "gone", "stays")
    settle(world, here, there)
    with here.store.write() as tx:
        tx.delete(gone)
    assert here.sync().ok
    with there.store.write() as tx:
        tx.insert(Task, title="waits")
        tx.update(stays, title="stays, edited")
    purge(world)
    report = there.sync()
    assert (report.ok, report.resynced) == (True, True)
    assert titles(there) == ["stays, edited", "waits"]
    settle(world, here, there)
    world.assert_equal(here, there)


def test_a_device_the_server_forgot_loses_nothing_and_does_nothing_twice(world: World) -> None:
    """Its answer was lost, then its number: the entry is recognised by its rows."""
    here = world.device()
    add(here, "first")
    settle(world, here)
    add(here, "in flight")
    here.transport.plan(Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.LOST_REQUEST)
    assert here.sync().result is Result.OFFLINE
    assert here.outbox.in_flight()
    here.transport.plan()
    purge(world)
    assert world.server.database.value("select count(*) from bmad_sync.devices") == 0
    add(here, "later")
    settle(world, here)
    assert titles(here) == ["first", "in flight", "later"]
    assert world.server.database.value("select count(*) from bmad.tasks") == 3
    assert here.verdicts() == []
    world.assert_equal(here)


def test_an_update_and_a_delete_in_flight_when_the_server_forgot(world: World) -> None:
    here = world.device()
    edited, gone = add(here, "edited", "gone")
    settle(world, here)
    with here.store.write() as tx:
        tx.update(edited, title="edited twice")
    with here.store.write() as tx:
        tx.delete(gone)
    here.transport.plan(Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.LOST_REQUEST)
    assert here.sync().result is Result.OFFLINE
    assert here.outbox.in_flight()
    here.transport.plan()
    purge(world)
    settle(world, here)
    assert titles(here) == ["edited twice"]
    assert here.verdicts() == []
    world.assert_equal(here)


@pytest.mark.parametrize("cursor", ["garbage", "1.zzz", "", "1.00000000-{mark}.1.1", "1.{epoch}-{mark}.1.999999999"])
def test_a_cursor_that_leads_nowhere_heals(world: World, cursor: str) -> None:
    here = world.device()
    add(here, "a")
    settle(world, here)
    row = here.store.sql("select cursor from sync_cursors")[0][0]
    epoch, mark = str(row).split(".")[1].split("-")
    set_cursor(here, cursor.format(epoch=epoch, mark=mark))
    add(here, "waits")
    report = here.sync()
    assert (report.ok, report.resynced) == (True, True)
    assert titles(here) == ["a", "waits"]
    assert here.verdicts() == []
    world.assert_equal(here)


def test_the_cursor_of_another_user_changes_nothing_and_says_so(world: World) -> None:
    here, stranger = world.device(), world.device("00000000-0000-4000-8000-00000000b0b0")
    add(here, "a")
    settle(world, here, stranger)
    mine = here.store.sql("select cursor from sync_cursors")[0][0]
    set_cursor(here, str(stranger.store.sql("select cursor from sync_cursors")[0][0]))
    report = here.sync()
    assert not report.ok
    assert report.failure is not None
    assert titles(here) == ["a"]
    set_cursor(here, str(mine))
    settle(world, here)
    assert here.user == USER
    world.assert_equal(here)
