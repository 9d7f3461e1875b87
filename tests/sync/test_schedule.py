"""The background: at the start, after a commit, on a poke, on a timer, later after a failure. No clock runs."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator

import pytest

from bmaddb import errors as e
from bmaddb.device.outbox.retry import backoff_ms
from bmaddb.device.sync import BackgroundSync, Schedule
from bmaddb.modules.tasks_productivity import Task
from bmaddb.signals import Committed, SyncEnded
from tests.sync.devices import Device, World

WAIT_S_MAX = 20


class Alarms:
    """An alarm that rings only when the event is set, or when a test says that the time is up."""

    def __init__(self) -> None:
        self.asked: queue.Queue[float] = queue.Queue()
        self._up = asyncio.Event()

    async def __call__(self, event: asyncio.Event, seconds: float) -> None:
        self._up.clear()
        self.asked.put(seconds)
        waits = [asyncio.ensure_future(item.wait()) for item in (event, self._up)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

    def ring(self, device: Device) -> None:
        device.engine.loop.call_soon(self._up.set)

    def next(self) -> float:
        """The seconds it was asked to wait, as soon as it is asked."""
        return self.asked.get(timeout=WAIT_S_MAX)


@pytest.fixture
def alarms() -> Alarms:
    return Alarms()


@pytest.fixture
def background(world: World, alarms: Alarms) -> Iterator[tuple[Device, BackgroundSync]]:
    device = world.device()
    made = BackgroundSync(device.engine, schedule=Schedule(poll_ms=30_000, gather_ms=100, retry_ms=1_000), alarm=alarms)
    made.start()
    yield device, made
    made.stop()


def triggers(device: Device) -> list[str]:
    return [str(row[0]) for row in device.store.sql("select trigger from sync_runs order by rowid")]


def test_it_syncs_at_the_start_after_a_commit_on_a_poke_and_on_the_timer(
    world: World, alarms: Alarms, background: tuple[Device, BackgroundSync]
) -> None:
    device, running = background
    assert alarms.next() == 30
    with device.store.write() as tx:
        tx.insert(Task, title="a")
    assert alarms.next() == 0.1
    alarms.ring(device)
    assert alarms.next() == 30
    world.assert_equal(device)
    running.wake()
    assert alarms.next() == 30
    alarms.ring(device)
    assert alarms.next() == 30
    assert triggers(device) == ["start", "write", "push", "timer"]


def test_after_failures_it_waits_longer_and_a_commit_does_not_hurry_it(
    alarms: Alarms, background: tuple[Device, BackgroundSync]
) -> None:
    device, running = background
    alarms.next()
    device.transport.offline = True
    running.wake()
    first = alarms.next()
    with device.store.write() as tx:
        tx.insert(Task, title="a")
    assert alarms.asked.empty()
    alarms.ring(device)
    second = alarms.next()
    assert 0.5 <= first <= 1
    assert 1 <= second <= 2
    device.transport.offline = False
    running.wake()
    assert alarms.next() == 30
    assert device.outbox.counts().total == 0


def test_an_error_nobody_planned_is_told_and_it_goes_on(world: World, alarms: Alarms) -> None:
    device, told = world.device(), queue.Queue[SyncEnded]()
    device.store.signals.listen(SyncEnded, told.put)
    call = device.transport.call

    async def odd(function: str, body: bytes) -> bytes:
        raise RuntimeError("odd")

    device.transport.call = odd  # type: ignore[method-assign]
    running = BackgroundSync(device.engine, schedule=Schedule(poll_ms=30_000), alarm=alarms)
    running.start()
    assert alarms.next() < 30
    ended = told.get_nowait()
    assert (ended.result, ended.error_code) == ("failed", None)
    device.transport.call = call  # type: ignore[method-assign]
    running.wake()
    assert alarms.next() == 30
    running.stop()


def test_a_listener_on_the_syncs_own_thread_is_told_that_it_cannot_wait_there(world: World) -> None:
    device, said = world.device(), queue.Queue[str]()

    def listener(_: Committed) -> None:
        with pytest.raises(e.LocalProtocolError) as caught:
            device.engine.sync_blocking()
        said.put(caught.value.hint or "")

    device.store.signals.listen(Committed, listener)
    assert device.sync().ok
    assert "another thread" in said.get_nowait()


def test_what_comes_from_the_server_wakes_nobody(
    world: World, alarms: Alarms, background: tuple[Device, BackgroundSync]
) -> None:
    device, running = background
    alarms.next()
    other = world.device()
    with other.store.write() as tx:
        tx.insert(Task, title="a")
    other.sync()
    running.wake()
    assert alarms.next() == 30
    assert alarms.asked.empty()
    assert len(device.store.query(Task).all()) == 1


def test_stop_ends_it_and_start_begins_again(alarms: Alarms, background: tuple[Device, BackgroundSync]) -> None:
    device, running = background
    alarms.next()
    running.stop()
    ended: list[SyncEnded] = []
    device.store.signals.listen(SyncEnded, ended.append)
    with device.store.write() as tx:
        tx.insert(Task, title="a")
    running.wake()
    assert ended == []
    running.start()
    assert alarms.next() == 30
    assert [fact.result for fact in ended] == ["ok"]


def test_a_listener_may_end_the_background_sync_that_tells_it(
    alarms: Alarms, background: tuple[Device, BackgroundSync]
) -> None:
    device, running = background
    alarms.next()
    ended = queue.Queue[str]()

    def listener(fact: SyncEnded) -> None:
        running.stop()
        ended.put(fact.result)

    device.store.signals.listen(SyncEnded, listener)
    running.wake()
    assert ended.get(timeout=WAIT_S_MAX) == "ok"
    running.stop()  # from here it waits until the other one has ended
    assert alarms.asked.qsize() <= 1  # it was not begun again
    with device.store.write() as tx:
        tx.insert(Task, title="a")
    running.wake()
    assert ended.empty()


@pytest.mark.parametrize(
    ("attempt", "fraction", "expected_ms"),
    [(1, 0.0, 500), (1, 1.0, 1_000), (2, 1.0, 2_000), (4, 0.0, 4_000), (60, 1.0, 300_000)],
)
def test_the_backoff_formula(attempt: int, fraction: float, expected_ms: float) -> None:
    assert backoff_ms(1_000, attempt, fraction) == expected_ms
