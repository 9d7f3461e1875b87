"""The rules that make one value of two, between two real devices and Postgres, in both orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.schema.counters import total
from bmaddb.testing import Fault
from tests.sync.desk import Sheet
from tests.sync.devices import Device, World


@pytest.fixture(params=[0, 1], ids=["here first", "there first"])
def meet(desk: World, request: pytest.FixtureRequest) -> Callable[..., tuple[Sheet, Device, Device]]:
    """A sheet on two devices, edited on both, the second edit a second later; the sheet as all hold it in the end."""

    def run(start: dict[str, Any], here: dict[str, Any], there: dict[str, Any]) -> tuple[Sheet, Device, Device]:
        devices = [desk.device(), desk.device()]
        with devices[0].store.write() as tx:
            sheet = tx.insert(Sheet, **start)
        desk.settle(*devices)
        for device, values in zip(devices, (here, there), strict=True):
            desk.clock.advance(1000)
            with device.store.write() as tx:
                tx.update(sheet, **values)
        desk.settle(*(devices if request.param == 0 else devices[::-1]))
        desk.assert_equal(*devices)
        found = devices[0].store.get(Sheet, sheet.id)
        assert found is not None
        return found, devices[0], devices[1]

    return run


Meet = Callable[..., tuple[Sheet, Device, Device]]


def asked(*devices: Device) -> list[tuple[Any, ...]]:
    """(policy, what it was here and there, in the order of age) of each verdict that a person should see."""
    return [
        row
        for device in devices
        for row in device.store.sql(
            "select policy, local_value, remote_value from sync_conflicts where needs_attention"
        )
    ]


def test_lines_of_a_text_written_on_two_devices_are_both_there(meet: Meet) -> None:
    sheet, here, there = meet(
        {"words": "milk\nbread"}, {"words": "milk\nbread\neggs"}, {"words": "oat milk\nbread\ntea"}
    )
    assert sheet.words == "oat milk\nbread\neggs\ntea"
    assert asked(here, there) == []


def test_the_same_word_written_twice_is_shown_to_a_person(meet: Meet) -> None:
    sheet, here, there = meet({"words": "red rose"}, {"words": "white rose"}, {"words": "blue rose!"})
    assert sheet.words == "blue rose!"
    [(policy, local, remote)] = asked(here, there)
    assert policy == "TXT: both changed the same words"
    assert {local, remote} == {'"white rose"', '"blue rose!"'}


def test_a_text_that_would_grow_too_long_is_not_combined(meet: Meet) -> None:
    older, newer = "first " + "x" * 30, "second " + "y" * 30
    sheet, here, there = meet(
        {"words": "", "members": []}, {"words": older, "members": ["a"]}, {"words": newer, "members": ["b"]}
    )
    assert sheet.words == newer
    assert sheet.members == ["a", "b"], "the other columns are combined as ever"
    [(policy, local, remote)] = asked(here, there)
    assert "breaks a check" in policy
    assert {local, remote} == {f'"{older}"', f'"{newer}"'}


def test_sets_and_maps_keep_what_both_added_and_removed(meet: Meet) -> None:
    sheet, here, there = meet(
        {"members": ["a", "b"], "entries": {"k": 1, "gone": 1, "same": 1}},
        {"members": ["b", "c"], "entries": {"k": 2, "gone": 1, "same": 1, "here": 1}},
        {"members": ["a", "b", "d"], "entries": {"k": 1, "same": 1, "there": 1}},
    )
    assert sheet.members == ["b", "c", "d"]
    assert sheet.entries == {"k": 2, "same": 1, "here": 1, "there": 1}
    assert asked(here, there) == []


def test_a_function_of_the_application_decides(meet: Meet) -> None:
    sheet, here, there = meet({"total": 10}, {"total": 13}, {"total": 18})
    assert sheet.total == 21
    assert asked(here, there) == []


def test_a_function_whose_value_breaks_a_check_leaves_it_to_the_newer(meet: Meet) -> None:
    sheet, here, there = meet({"total": 10}, {"total": 90}, {"total": 80})
    assert sheet.total == 80
    [(policy, _, _)] = asked(here, there)
    assert policy.startswith("FUN: ")


def test_a_row_that_no_check_takes_on_the_way_parks_what_does_not_fit(desk: World) -> None:
    """The merged row breaks a check of two columns, and the first of the two parts that wait would not."""
    here, there = desk.device(), desk.device()
    with here.store.write() as tx:
        sheet = tx.insert(Sheet, low=0, high=10)
    desk.settle(here, there)
    for low in (2, 5):
        with here.store.write() as tx:
            tx.update(sheet, low=low)
    with there.store.write() as tx:
        tx.update(sheet, high=3)
    assert there.sync().ok
    assert [here.sync().result.value for _ in range(2)] == ["partial", "partial"], "one waits for a person"
    [parked] = here.outbox.parked()
    here.outbox.discard(parked.id)
    desk.settle(there, here)
    desk.assert_equal(here, there)
    held = here.store.get(Sheet, sheet.id)
    assert held is not None
    assert (held.low, held.high) == (2, 3)


@pytest.mark.parametrize(
    ("here", "there", "state", "doubt"),
    [
        ("closed", "sealed", "sealed", True),
        ("sealed", "closed", "closed", True),
    ],
)
def test_states_that_may_not_follow_each_other_go_to_the_newer(
    meet: Meet, here: str, there: str, state: str, doubt: bool
) -> None:
    sheet, one, other = meet({}, {"state": here}, {"state": there})
    assert sheet.state == state
    assert bool(asked(one, other)) is doubt


def test_counts_add_up_whatever_happens_between(desk: World) -> None:
    """Three devices count; one of them while its entry is on its way, one whose answer is lost."""
    devices = [desk.device() for _ in range(3)]
    with devices[0].store.write() as tx:
        sheet = tx.insert(Sheet)
    desk.settle(*devices)

    def count(device: Device, by: int) -> None:
        with device.store.write() as tx:
            tx.increment(Sheet.counter, sheet.id, by)

    for device, by in zip(devices, (5, -2, 7), strict=True):
        count(device, by)
        count(device, 1)
    inner = devices[0].transport.call

    async def counting(function: str, body: bytes) -> bytes:
        answer = await inner(function, body)
        if function == PUSH_FUNCTION:
            devices[0].transport.call = inner  # type: ignore[method-assign]
            count(devices[0], 100)
        return answer

    devices[0].transport.call = counting  # type: ignore[method-assign]
    devices[0].sync()
    devices[1].transport.plan(Fault.NONE, Fault.LOST_ANSWER)
    devices[1].sync()
    desk.settle(*devices)
    for device in devices:
        found = device.store.get(Sheet, sheet.id)
        assert found is not None
        assert total(found.counter) == 5 - 2 + 7 + 3 + 100
        assert device.store.sql("select sum(value ->> 0) from sheets, json_each(counter)") == [(113,)]
    desk.assert_equal(*devices)
