"""A push that is refused as a whole: the entry to blame is parked alone, everything else flows (S9)."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.device.outbox import EntryStatus
from bmaddb.device.sync import HttpTransport
from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Failure, FailureKind, Result
from bmaddb.schema.json_text import JSON_DEPTH_MAX
from tests.protocol.things import Note
from tests.sync.desk import Sheet
from tests.sync.devices import Device, World

POISON = "poison"


def write(device: Device, *titles: str) -> None:
    """One transaction, one note, for each title."""
    for title in titles:
        with device.store.write() as tx:
            tx.insert(Note, title=title)


def titles(device: Device) -> list[str]:
    return sorted(note.title for note in device.store.query(Note).all())


def refuse(device: Device, *needles: bytes) -> None:
    """From now on the way to the server refuses every push that holds all of `needles`."""
    inner = device.transport.call

    async def guarded(function: str, body: bytes) -> bytes:
        if function == PUSH_FUNCTION and all(needle in body for needle in needles):
            raise CallFailed(Failure(kind=FailureKind.REFUSED, code="http_422", message="not through here"))
        return await inner(function, body)

    device.transport.call = guarded  # type: ignore[method-assign]


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def test_the_deepest_json_a_device_takes_travels(things: World) -> None:
    here, there = things.device(), things.device()
    with here.store.write() as tx:
        note = tx.insert(Note, title="deep", tags=nested(JSON_DEPTH_MAX))
    things.settle(here, there)
    found = there.store.get(Note, note.id)
    assert found is not None
    assert found.tags == nested(JSON_DEPTH_MAX)
    things.assert_equal(here, there)


@pytest.mark.parametrize("place", [0, 3, 6])
@pytest.mark.parametrize("batch_entries", [1, 4, 500])
def test_the_entry_that_is_refused_alone_is_parked_alone(things: World, place: int, batch_entries: int) -> None:
    here, there = things.device(limits=Limits(batch_entries=batch_entries)), things.device()
    good = ["a", "b", "c", "d", "e", "f"]
    write(here, *good[:place], POISON, *good[place:])
    refuse(here, POISON.encode())
    report = here.sync()
    assert (report.result, report.pushed_entries, report.parked) == (Result.PARTIAL, len(good), 1)
    [parked] = here.outbox.parked()
    assert parked.reason is not None
    assert (parked.reason.code, parked.reason.message) == ("http_422", "not through here")
    assert here.outbox.counts().total == 1
    things.settle(there)
    assert titles(there) == good


def test_two_refused_entries_and_one_that_was_in_flight(things: World) -> None:
    here, there = things.device(), things.device()
    write(here, "a", POISON, "b", POISON, "c")
    here.outbox.lease(500, 1_000_000)
    refuse(here, POISON.encode())
    report = here.sync()
    assert (report.pushed_entries, report.parked) == (3, 2)
    things.settle(there)
    assert titles(there) == ["a", "b", "c"]


def test_a_server_that_refuses_every_push_gets_no_entry_parked(things: World) -> None:
    here = things.device()
    write(here, "a", "b")
    refuse(here, b"")
    report = here.sync()
    assert report.result is Result.FAILED
    assert report.failure is not None
    assert report.failure.code == "http_422"
    assert report.parked == 0
    assert here.outbox.counts().total == 2
    here.reopen()
    things.settle(here)
    things.assert_equal(here)


def test_the_token_of_another_user_parks_nothing(things: World) -> None:
    """The entries are in flight, so the push goes first and meets the foreign cursor."""
    here = things.device()
    things.settle(here)
    write(here, "a", "b")
    here.outbox.lease(500, 1_000_000)
    other = "00000000-0000-4000-8000-00000000e711"
    own, here.connect = here.connect, lambda: HttpTransport(things.server.url, things.server.token(other))
    here.reopen()
    assert not here.sync().ok
    assert here.outbox.in_flight() == (1, 2)
    here.connect = own
    here.reopen()
    things.settle(here)
    things.assert_equal(here)


def test_an_unreadable_answer_blames_no_entry(things: World) -> None:
    """It came with a success: nobody refused anything."""
    here = things.device()
    things.settle(here)
    write(here, "a")
    inner = here.transport.call

    async def garbled(function: str, body: bytes) -> bytes:
        answer = await inner(function, body)
        return b'{"what": 1}' if b'"a"' in body else answer

    here.transport.call = garbled  # type: ignore[method-assign]
    assert here.sync().result is Result.FAILED
    assert here.outbox.in_flight() == (1,)


@pytest.mark.parametrize(
    ("theirs", "in_the_end"),
    [
        (20, 30),  # 20 + 10 passes the check of `total` (at most 100)
        (95, 95),  # 95 + 10 does not, but 95 + 10 - 15 does: both parts are told by the last entry, and go with it
    ],
)
def test_what_a_refused_entry_takes_along_is_its_own_part_alone(desk: World, theirs: int, in_the_end: int) -> None:
    here, there = desk.device(), desk.device()
    with here.store.write() as tx:
        sheet = tx.insert(Sheet, total=0)
    desk.settle(here, there)
    desk.clock.advance(1000)
    with there.store.write() as tx:
        tx.update(sheet, total=theirs)
    there.sync()
    with here.store.write() as tx:
        tx.update(sheet, total=10)
    with here.store.write() as tx:
        tx.update(sheet, total=-5)
        tx.insert(Sheet, title="poison")
    refuse(here, b"poison")
    here.sync()
    [refused] = [entry for entry in here.outbox.entries() if entry.status is EntryStatus.PARKED]
    here.outbox.discard(refused.id)
    desk.settle(here, there)
    desk.assert_equal(here, there)
    assert [row.total for row in here.store.query(Sheet).all()] == [in_the_end]
