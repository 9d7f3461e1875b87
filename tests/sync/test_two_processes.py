"""Two processes on one file: one syncs, the other reads and writes; nothing is sent twice, nothing is lost (S16)."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from bmaddb.clock import SystemClock
from bmaddb.device.sync.lease import LEASE_MS, SyncLease
from bmaddb.errors import StoreBusy
from bmaddb.protocol.messages import PULL_FUNCTION, PUSH_FUNCTION, WALK_FUNCTION
from bmaddb.protocol.steps import Result
from bmaddb.signals import PageApplied
from tests.protocol.things import Note
from tests.sync.devices import Device, World


@contextlib.contextmanager
def holder(
    world: World, device: Device, function: str, place: int, when: str, page_rows: int = 5_000
) -> Iterator[subprocess.Popen[str]]:
    """Another process that syncs the device's file and is held there; ended at the latest here."""
    arguments = [str(device.path), world.server.url, world.server.token(device.user), device.user]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sync.other_process", *arguments, function, str(place), when, str(page_rows)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def go_on(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Let the held process end its run; its report."""
    out, _ = process.communicate("go on\n", timeout=60)
    report: dict[str, Any] = json.loads(out)
    return report


def write(device: Device, *titles: str) -> None:
    for title in titles:
        with device.store.write() as tx:
            tx.insert(Note, title=title)


def titles(world: World, device: Device) -> list[str]:
    fresh = world.device(device.user)
    world.settle(fresh)
    return sorted(note.title for note in fresh.store.query(Note).all())


@pytest.fixture
def device(things: World) -> Device:
    things.clock.set_wall(SystemClock().now_ms())
    made = things.device()
    write(made, "a", "b")
    return made


def test_the_other_process_works_and_does_not_sync(things: World, device: Device) -> None:
    with holder(things, device, PUSH_FUNCTION, 1, "before") as process:
        report = device.sync()
        assert report.result is Result.PARTIAL
        assert report.requests == 0
        assert report.failure is not None
        assert report.failure.message == "another process syncs this file"
        write(device, "c")
        assert device.store.query(Note).count() == 3
        assert go_on(process)["result"] == "ok"
    assert device.sync().ok
    things.assert_equal(device)
    assert titles(things, device) == ["a", "b", "c"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_holder_is_followed_at_once(things: World, device: Device, when: str) -> None:
    with holder(things, device, PUSH_FUNCTION, 1, when) as process:
        process.kill()
        process.wait()
        assert device.outbox.in_flight() == (1, 2)
        assert device.sync().ok
    things.assert_equal(device)
    assert titles(things, device) == ["a", "b"]


@pytest.mark.parametrize("function", [WALK_FUNCTION, PULL_FUNCTION, PUSH_FUNCTION])
def test_a_stopped_holder_comes_back_and_writes_nothing(things: World, device: Device, function: str) -> None:
    """It holds the answer that brings "news", or the verdict on what it sent, and has yet to write it down."""
    there = things.device()
    if function == PULL_FUNCTION:  # whoever knows something and has nothing to send
        things.settle(device)
    write(there, "news")
    things.settle(there)
    with holder(things, device, function, 1, "after") as process:
        process.send_signal(signal.SIGSTOP)
        assert device.sync().result is Result.PARTIAL, "its lease lasts"
        things.clock.set_wall(SystemClock().now_ms() + LEASE_MS + 1)
        assert device.sync().ok, "it was paused for longer than a lease lasts"
        write(device, "c")
        before = device.rows()
        process.send_signal(signal.SIGCONT)
        report = go_on(process)
        assert (report["result"], report["pushed"]) == ("partial", 0)
        assert "took over" in report["failure"]
        assert device.rows() == before
        assert device.outbox.counts().queued == 1
    things.settle(device)
    things.assert_equal(device)
    assert titles(things, device) == ["a", "b", "c", "news"]


def test_a_holder_that_took_over_without_the_lock_is_not_taken_for_dead(things: World, device: Device) -> None:
    store = device.store
    first, second, third = SyncLease(store), SyncLease(store), SyncLease(store)
    first.take()
    with pytest.raises(StoreBusy):
        second.take()
    things.clock.advance(LEASE_MS + 1)
    second.take()
    first.let_go()  # the paused one dies: the lock is free, and the lease is not
    with pytest.raises(StoreBusy):
        third.take()
    second.give_back()
    third.take()
    third.give_back()


def test_a_lease_from_a_clock_far_ahead_does_not_last(things: World, device: Device) -> None:
    lease, other = SyncLease(device.store), SyncLease(device.store)
    things.clock.advance(365 * 24 * 3600 * 1000)
    lease.take()
    things.clock.set_wall(SystemClock().now_ms())
    other.take()
    with pytest.raises(StoreBusy), device.store.apply() as connection:
        lease.fence(connection)
    other.give_back()
    lease.let_go()


def test_a_run_renews_its_lease(things: World, device: Device) -> None:
    lease = SyncLease(device.store)
    lease.take()
    for _ in range(5):
        things.clock.advance(LEASE_MS // 2)
        lease.renew()
        with pytest.raises(StoreBusy):
            SyncLease(device.store).take()
    lease.give_back()


def test_another_process_reads_the_old_state_while_a_page_is_written(things: World, device: Device) -> None:
    """Between the last row of the page and its commit a reader of another process is neither blocked nor early."""
    there = things.device()
    write(there, *(f"n{number}" for number in range(200)))
    things.settle(there)
    things.settle(device)
    write(there, "one more")
    with there.store.write() as tx:
        tx.execute("update notes set body = 'new' where title like 'n%'")
    things.settle(there)
    program = "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())"
    count = "select count(*), count(body) from notes"
    seen: list[str] = []
    tell = device.outbox.tell

    def look(signal_: Any) -> None:
        if isinstance(signal_, PageApplied):
            command = [sys.executable, "-c", program, str(device.path), count]
            seen.append(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
        tell(signal_)

    device.outbox.tell = look  # type: ignore[method-assign, assignment]
    assert device.sync().ok
    assert seen[0] == "(202, 0)\n"
    assert device.store.sql(count) == [(203, 200)]
