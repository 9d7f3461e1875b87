"""The device dies before or after any commit of a run that carries requests: the next one goes on from there."""

from __future__ import annotations

import contextlib

import pytest

from tests.protocol.things import Note
from tests.requests.office import Office
from tests.sync.devices import Device
from tests.sync.test_crashes import PowerCut, cut_power

PLACES_MAX = 60


def ask(device: Device) -> list[str]:
    """Three in order, one that is refused with one behind it, and one that is withdrawn on its way."""
    queue = device.engine.requests
    with device.store.write() as tx:
        tx.insert(Note, title="x")
        first = queue.add("flaky", 1)
    second = queue.add("flaky", 2, after=[first.id])
    third = queue.add("flaky", 3, priority=9)
    refused = queue.add("quota.reserve", None)
    queue.add("flaky", 4, after=[refused.id])
    return [first.id, second.id, third.id]


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_crash_at_any_commit(office: Office, before: bool) -> None:
    for place in range(PLACES_MAX):
        device = office.device()
        assert device.sync().ok
        wanted = ask(device)
        seen = len(office.effects())
        commits = cut_power(device, place, before=before)
        with contextlib.suppress(PowerCut):
            device.sync()
        device.reopen()
        office.world.clock.advance(10**7)
        assert device.sync().ok, place
        assert [key for _, key in office.effects()[seen:]] == wanted, place
        counts = device.engine.requests.counts()
        assert (counts.done, counts.dead, counts.waiting, counts.sent) == (3, 2, 0, 0), place
        device.close()
        office.world.devices.remove(device)
        if len(commits) <= place:
            break
    else:
        pytest.fail(f"a run has more than {PLACES_MAX} commits")
    assert place > 10, "the run is cut where requests are carried"
