"""Clocks of devices are not trusted (S11): a wrong one wins for a while at most, and never over who saw its words."""

from __future__ import annotations

import pytest

from bmaddb.clock import SystemClock
from bmaddb.protocol.stamps import STAMP_REFUSED_MS_MAX
from bmaddb.testing import ManualClock
from tests.protocol.things import Note
from tests.sync.devices import Device, World

HOUR_MS = 60 * 60 * 1000
YEAR_MS = 365 * 24 * HOUR_MS


def with_clock(world: World, skew_ms: int) -> Device:
    """A device whose own clock is wrong by so much."""
    device = world.device()
    device.clock = ManualClock(SystemClock().now_ms() + skew_ms)
    device.reopen()
    return device


def edit(device: Device, note: Note, words: str) -> None:
    device.clock.advance(1)
    with device.store.write() as tx:
        tx.update(Note, note.id, title=words)


def words(device: Device, note: Note) -> str:
    found = device.store.get(Note, note.id)
    assert found is not None
    return str(found.title)


@pytest.mark.parametrize("skew_ms", [20 * HOUR_MS, 3 * HOUR_MS, -HOUR_MS, -YEAR_MS])
def test_who_saw_the_words_of_a_wrong_clock_writes_over_them(things: World, skew_ms: int) -> None:
    wrong, right, other = with_clock(things, skew_ms), with_clock(things, 0), with_clock(things, 0)
    with wrong.store.write() as tx:
        note = tx.insert(Note, title="of the wrong clock")
    things.settle(wrong, right, other)
    for number in range(3):
        for device in (right, wrong, other):
            edit(device, note, f"{number} of {device.path.name}")
            things.settle(device, wrong, right, other)
            assert {words(each, note) for each in (wrong, right, other)} == {f"{number} of {device.path.name}"}
    assert wrong.verdicts() + right.verdicts() + other.verdicts() == []
    things.assert_equal(wrong, right, other)


def test_what_is_written_after_a_clock_was_set_back_is_stamped_later_all_the_same(things: World) -> None:
    device = with_clock(things, 0)
    with device.store.write() as tx:
        note = tx.insert(Note, title="before")
    [sent] = device.outbox.entries()
    things.settle(device)
    assert device.outbox.entries() == ()
    device.clock = ManualClock(SystemClock().now_ms() - HOUR_MS)
    device.reopen()
    edit(device, note, "after")
    [waiting] = device.outbox.entries()
    assert waiting.hlc > sent.hlc


@pytest.mark.parametrize("sees_last", ["right", "wrong"])
def test_a_clock_far_ahead_does_not_win_for_ever(things: World, sees_last: str) -> None:
    """Both edit the same words unseen; what the right clock writes after it saw the wrong one's stands."""
    wrong, right = with_clock(things, 20 * HOUR_MS), with_clock(things, 0)
    with right.store.write() as tx:
        note = tx.insert(Note, title="a")
    things.settle(right, wrong)
    edit(wrong, note, "ahead")
    edit(right, note, "right")
    order = (wrong, right) if sees_last == "right" else (right, wrong)
    things.settle(*order)
    assert words(right, note) == words(wrong, note)
    right.clock.advance(10_000)
    edit(right, note, "right, ten seconds later")
    things.settle(right, wrong)
    assert words(wrong, note) == words(right, note) == "right, ten seconds later"
    things.assert_equal(right, wrong)


@pytest.mark.parametrize(
    ("ahead_ms", "taken"), [(STAMP_REFUSED_MS_MAX - HOUR_MS, True), (STAMP_REFUSED_MS_MAX + HOUR_MS, False)]
)
def test_a_stamp_more_than_a_day_ahead_is_refused_with_its_reason(things: World, ahead_ms: int, taken: bool) -> None:
    device, other = with_clock(things, ahead_ms), with_clock(things, 0)
    with device.store.write() as tx:
        note = tx.insert(Note, title="from tomorrow")
    report = device.sync()
    things.settle(other)
    if taken:
        assert report.ok
        assert words(other, note) == "from tomorrow"
        return
    [parked] = device.outbox.parked()
    assert parked.reason is not None
    assert (parked.reason.code, other.store.get(Note, note.id)) == ("stamp_ahead", None)
    device.clock.set_wall(SystemClock().now_ms())
    device.outbox.retry(parked.id)
    things.settle(device, other)
    assert words(other, note) == "from tomorrow"
    things.assert_equal(device, other)
