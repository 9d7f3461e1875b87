"""The background compares a few rows at a time, walks through all tables, and can be told not to."""

from __future__ import annotations

import asyncio
import threading

from bmaddb.device.sync import BackgroundSync, Schedule, Verified, VerifyReport
from bmaddb.protocol.digests import DIGEST_FUNCTION
from bmaddb.signals import VerifyEnded
from tests.postgres.small_catalog import Thing
from tests.sync.devices import Device, World
from tests.verify.test_repair import fill, raw


def sample(device: Device, rows: int) -> VerifyReport:
    return device.engine.loop.submit(device.engine.verify(sample_rows=rows)).result(60)


def test_samples_walk_through_everything_and_repair_on_the_way(small_world: World) -> None:
    here = small_world.device()
    _, things = fill(here, 100)
    small_world.settle(here)
    raw(here, "update things set size = -1 where id in (?, ?)", (things[5].id, things[95].id))
    found = compared = 0
    for _ in range(8):
        report = sample(here, 30)
        assert report.ok
        assert report.requests <= 6
        found += report.differing
        compared += report.rows
    assert found == 2
    assert compared >= 104
    assert here.store.sql("select count(*) from things where size = -1") == [(0,)]
    assert sample(here, 30).requests == 1


def test_the_background_verifies_when_it_is_time_and_only_then(small_world: World) -> None:
    here = small_world.device()
    _, things = fill(here)
    small_world.settle(here)
    raw(here, "delete from things where id = ?", (things[0].id,))
    heard: list[VerifyEnded] = []
    here.store.signals.listen(VerifyEnded, heard.append)

    for schedule, told in ((Schedule(verify_ms=0), 0), (Schedule(verify_ms=1_000, verify_rows=50), 1)):
        ringing = threading.Event()

        async def alarm(event: asyncio.Event, seconds: float, ringing: threading.Event = ringing) -> None:
            ringing.set()
            await event.wait()

        running = BackgroundSync(here.engine, schedule=schedule, alarm=alarm)
        running.start()
        assert ringing.wait(20)
        ringing.clear()
        assert heard == []
        small_world.clock.advance(10_000)
        running.wake()
        assert ringing.wait(20)
        running.stop()
        assert len(heard) == told
        assert here.transport.calls.count(DIGEST_FUNCTION) == (0 if not told else 4)
    assert (heard[0].result, heard[0].differing) == (str(Verified.REPAIRED), 1)
    assert here.store.get(Thing, things[0].id) is not None
