"""The background: a request wakes it, and one that was put off is not left for the next poll."""

from __future__ import annotations

from bmaddb.device.requests import RequestPolicy
from bmaddb.device.sync import BackgroundSync, Schedule
from tests.requests.office import Office, status
from tests.sync.test_schedule import Alarms


def test_a_request_wakes_it_and_its_next_attempt_is_minded(office: Office) -> None:
    device, alarms = office.device(), Alarms()
    device.engine.requests.define("flaky", RequestPolicy(first_wait_ms=5_000, wait_ms_max=5_000))
    office.trouble("before")
    running = BackgroundSync(device.engine, schedule=Schedule(poll_ms=30_000, verify_ms=0), alarm=alarms)
    running.start()
    try:
        assert alarms.next() == 30
        made = device.engine.requests.add("flaky", 1)
        assert alarms.next() == 0.1
        alarms.ring(device)
        assert 2.5 <= alarms.next() <= 5
        office.trouble()
        office.world.clock.advance(5_000)
        alarms.ring(device)
        assert alarms.next() == 30
        assert status(device, made) == "done"
    finally:
        running.stop()
