"""A task that two devices complete before they meet counts once, and is followed by one next occurrence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.reconciling import reconcile
from bmaddb.coaching.rules.coaching_session import SLACK_S
from bmaddb.device.atomic import Operation, Operations
from bmaddb.modules.chat_journal import CoachingSession, Conversation, Message
from bmaddb.modules.tasks_productivity import Task, UserProgress
from bmaddb.schema.counters import total
from bmaddb.service.reacting import Reconciling
from tests.coaching.acts import DEVICE, all_hold
from tests.coaching.test_two_devices import two_devices
from tests.support.server import RunningServer
from tests.sync.devices import Device, World, world_of

DAY_MS = 86_400_000


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    with world_of(tmp_path, server) as made:
        made.reactions = (Reconciling(),)
        yield made


def run(device: Device, operation: Operation) -> None:
    device.clock.advance(60_000)
    Operations(device.store).execute(operation).raise_failure()


def counted(device: Device) -> dict[str, int]:
    rows = device.store.query(UserProgress).where(UserProgress.metric_code == "tasks_done").all()
    return {row.period_key: row.value for row in rows if row.value}


def settled(world: World, *devices: Device) -> None:
    world.settle(*devices)
    world.assert_equal(*devices)
    for device in devices:
        all_hold(device.store)


def pair(world: World, **columns: str) -> tuple[Device, Device]:
    first, second = two_devices(world)
    with first.store.write() as tx:
        tx.insert(Task, id="plants", title="Water the plants", **columns)
    world.settle(first, second)
    return first, second


def test_two_that_complete_it_count_it_once(world: World) -> None:
    first, second = pair(world, due_on="2024-06-01", rrule="FREQ=WEEKLY")
    run(first, ops.complete_task("plants"))
    run(second, ops.complete_task("plants"))
    settled(world, first, second)
    for device in (first, second):
        assert counted(device)["all"] == 1
        series = device.store.query(Task).where(Task.title == "Water the plants").order_by(Task.due_on).all()
        assert [(task.due_on, task.state) for task in series] == [("2024-06-01", "done"), ("2024-06-08", "todo")]


def test_it_is_taken_back_from_the_month_it_was_counted_in(world: World) -> None:
    first, second = pair(world)
    run(first, ops.complete_task("plants"))
    second.clock.advance(40 * DAY_MS)
    run(second, ops.complete_task("plants"))
    settled(world, first, second)
    assert counted(first) == counted(second)
    months = {key: value for key, value in counted(first).items() if len(key) == 7}
    assert sum(months.values()) == 1
    assert counted(first)["all"] == 1


def test_two_that_reopen_it_take_it_back_once(world: World) -> None:
    first, second = pair(world)
    run(first, ops.complete_task("plants"))
    settled(world, first, second)
    for device in (first, second):
        run(device, ops.reopen_task("plants"))
    settled(world, first, second)
    assert counted(first) == counted(second) == {}
    for device in (second, first):
        run(device, ops.complete_task("plants"))
    settled(world, first, second)
    assert counted(first)["all"] == counted(second)["all"] == 1


def test_one_that_counted_it_long_ago_takes_it_back_where_another_counted_it(world: World) -> None:
    first, second = pair(world)
    with first.store.write() as tx:
        tx.insert(Task, id="bins", title="Empty the bins")
    run(first, ops.complete_task("bins"))
    run(first, ops.complete_task("plants"))
    run(first, ops.reopen_task("plants"))
    settled(world, first, second)
    bins = counted(first)
    for device in (first, second):
        device.clock.advance(70 * DAY_MS)
    run(second, ops.complete_task("plants"))
    settled(world, first, second)
    run(first, ops.reopen_task("plants"))
    settled(world, first, second)
    assert counted(first) == counted(second) == bins, "the other task's"
    run(first, ops.reopen_task("bins"))
    settled(world, first, second)
    assert counted(first) == counted(second) == {}


def test_three_devices_agree_too(world: World) -> None:
    first, second = pair(world)
    third = world.device(first.user)
    third.sync()
    run(third, ops.register_device(DEVICE))
    world.settle(first, second, third)
    for device in (first, second, third):
        run(device, ops.complete_task("plants"))
    settled(world, first, second, third)
    assert counted(first)["all"] == 1


@pytest.mark.parametrize("together", [True, False])
def test_seconds_that_two_devices_counted_are_taken_back_once(world: World, together: bool) -> None:
    """Also when both reconcile before they meet again: nothing of the hour is lost."""
    world.reactions = () if together else world.reactions
    first, second = two_devices(world)
    third = world.device(first.user)
    third.sync()
    run(third, ops.register_device(DEVICE))
    began = moment(first.clock.now_ms() - 7_200_000)
    ended = began + timedelta(hours=1)
    with first.store.write() as tx:
        told = {"kind": "regular", "coach_kind": "self", "txn_id": "earlier", "status": "completed"}
        tx.insert(CoachingSession, id="hour", **told, started_at=began, ended_at=ended)
    world.settle(first, second, third)
    for device in (first, second, third):
        with device.store.write() as tx:
            tx.increment(CoachingSession.device_seconds, "hour", 3_600)
    world.settle(first, second, third)
    for device in (first, second, third):
        reconcile(device.store)
    settled(world, first, second, third)
    row = first.store.get(CoachingSession, "hour")
    assert row is not None
    assert total(row.device_seconds) == 3_600 + SLACK_S


def test_a_thread_is_as_long_as_both_made_it(world: World) -> None:
    first, second = two_devices(world)
    with first.store.write() as tx:
        tx.insert(Conversation, id="talk", kind="coach_chat")
    world.settle(first, second)
    for device in (first, second):
        with device.store.write() as tx:
            for _ in range(2):
                tx.insert(
                    Message, conversation_id="talk", role="user", content="x", sent_at=moment(device.clock.now_ms())
                )
    settled(world, first, second)
    assert [device.store.query(Conversation).one().message_count for device in (first, second)] == [4, 4]


def test_what_a_device_wrote_alone_follows_with_its_sync(world: World) -> None:
    """Nothing came from elsewhere; its own rows went to the server, and what follows from them goes after them."""
    first, second = two_devices(world)
    with first.store.write() as tx:
        tx.insert(Conversation, id="talk", kind="coach_chat")
        for number in range(3):
            at = moment(first.clock.now_ms() + number)
            tx.insert(Message, id=f"m{number}", conversation_id="talk", role="user", content="x", sent_at=at)
    first.sync()
    assert first.store.query(Conversation).one().message_count == 3
    assert first.outbox.counts().total == 0
    with first.store.write() as tx:
        tx.delete(Message, "m1")
    first.sync()
    assert first.store.query(Conversation).one().message_count == 2
    report = first.sync()
    assert (report.pushed_rows, report.pulled_rows) == (0, 0)
    settled(world, first, second)
