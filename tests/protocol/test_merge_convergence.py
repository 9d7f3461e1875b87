"""Any number of devices edit one row offline and sync in any order: what each rule promises of the end (S10).

Every rule: all devices and the server hold the same. LWW, POS, FWW, MAX, MIN, CNT, SET, FUN that adds up, STM
without declared transitions, MAP where no key was changed twice: the end does not depend on the order. TXT:
no word is lost from the text and the verdicts. IMM and DRV keep what reached the server first.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total
from tests.protocol.lab import NOW_MS, START, Device, Server, shared, stamp

LETTERS = "abcd"
SMALL = st.integers(0, 6)
LINES = st.lists(st.sampled_from(["a b c", "c d", "", "e f g h"]), max_size=4).map("\n".join)
EDITS: dict[str, st.SearchStrategy[Any]] = {
    "lww": st.sampled_from("xyz"),
    "fww": st.none() | st.sampled_from("xyz"),
    "top": SMALL,
    "low": SMALL,
    "counter": st.dictionaries(st.sampled_from(LETTERS), st.tuples(SMALL, st.sampled_from(["s1", "s2"])).map(list)),
    "members": st.lists(st.sampled_from(LETTERS), unique=True).map(sorted),
    "entries": st.dictionaries(st.sampled_from(LETTERS), SMALL),
    "words": LINES,
    "state": st.sampled_from(LETTERS),
    "step": st.sampled_from(LETTERS),
    "place": st.sampled_from("klmn"),
    "made": st.sampled_from("xyz"),
    "derived": SMALL,
    "sums": SMALL,
}
SCRIPTS = st.lists(
    st.tuples(st.integers(0, 2), st.none() | st.fixed_dictionaries({}, optional=EDITS)), min_size=2, max_size=14
)


def world(start: dict[str, Any], count: int = 3) -> tuple[Server, list[Device]]:
    return Server(values=dict(start)), [Device(row=dict(start), node=node) for node in range(1, count + 1)]


def settle(server: Server, devices: list[Device]) -> None:
    for _ in range(2):
        for device in devices:
            device.sync(server)
    for device in devices:
        assert device.chain == []
        assert device.row is not None
        assert server.values is not None
        assert shared(device.row) == shared(server.values)


@given(script=SCRIPTS)
def test_all_devices_end_with_what_the_server_holds(script: list[tuple[int, dict[str, Any] | None]]) -> None:
    server, devices = world(START)
    for at, (number, values) in enumerate(script):
        if values is None:
            devices[number].sync(server)
        else:
            devices[number].edit(at, **values)
    settle(server, devices)


def ends(start: dict[str, Any], edits: list[dict[str, Any]], stamps: list[int], order: list[int]) -> Any:
    """The row in the end, when device n makes edits[n] at stamps[n] and they sync in this order."""
    server, devices = world(start, len(edits))
    for device, values, at in zip(devices, edits, stamps, strict=True):
        device.edit(at, **values)
    for number in order:
        devices[number].sync(server)
    settle(server, devices)
    assert server.values is not None
    return server.values


N = 4
ORDERS = st.permutations(range(N))


@given(stamps=st.permutations(range(N)), order=ORDERS)
def test_the_order_of_delivery_does_not_matter_to_rules_of_the_stamp(stamps: list[int], order: list[int]) -> None:
    edits = [{name: f"{name} {at}" for name in ("lww", "place", "fww")} for at in stamps]
    row = ends(START, edits, stamps, order)
    assert (row["lww"], row["place"], row["fww"]) == (f"lww {N - 1}", f"place {N - 1}", "fww 0")


@given(
    values=st.lists(st.tuples(SMALL, SMALL, SMALL, st.sampled_from(LETTERS)), min_size=N, max_size=N),
    stamps=st.permutations(range(N)),
    order=ORDERS,
)
def test_the_order_of_delivery_does_not_matter_to_rules_of_the_value(
    values: list[tuple[int, int, int, str]], stamps: list[int], order: list[int]
) -> None:
    edits = [{"top": top, "low": low, "state": state} for top, low, _, state in values]
    row = ends(START, edits, stamps, order)
    assert row["top"] == max(top for top, _, _, _ in values)
    assert row["low"] == min(low for _, low, _, _ in values)
    assert row["state"] == max(state for _, _, _, state in values)


@given(stamps=st.permutations(range(N)), order=ORDERS)
def test_a_function_that_adds_up_adds_up(stamps: list[int], order: list[int]) -> None:
    """Amounts that differ: two devices that write one value have, to a three-way merge, written it together."""
    row = ends(START, [{"sums": 2**number} for number in range(N)], stamps, order)
    assert row["sums"] == 2**N - 1


@given(
    base=EDITS["members"],
    sides=st.lists(EDITS["members"], min_size=N, max_size=N),
    stamps=st.permutations(range(N)),
    order=ORDERS,
)
def test_a_set_keeps_every_addition_and_every_removal(
    base: list[str], sides: list[list[str]], stamps: list[int], order: list[int]
) -> None:
    row = ends({**START, "members": base}, [{"members": side} for side in sides], stamps, order)
    added = set().union(*sides) - set(base)
    removed = set().union(*(set(base) - set(side) for side in sides))
    assert row["members"] == sorted((set(base) | added) - removed)


@given(
    base=st.dictionaries(st.sampled_from("abcdefgh"), SMALL),
    changes=st.dictionaries(
        st.sampled_from("abcdefgh"), st.tuples(st.integers(0, N - 1), st.none() | st.integers(7, 9))
    ),
    stamps=st.permutations(range(N)),
    order=ORDERS,
)
def test_a_map_keeps_what_devices_did_to_different_keys(
    base: dict[str, int], changes: dict[str, tuple[int, int | None]], stamps: list[int], order: list[int]
) -> None:
    """None removes the key: it does not come back."""
    edits, expected = [dict(base) for _ in range(N)], dict(base)
    for key, (number, value) in changes.items():
        for side in (edits[number], expected):
            side.pop(key, None)
            if value is not None:
                side[key] = value
    row = ends({**START, "entries": base}, [{"entries": edit} for edit in edits], stamps, order)
    assert row["entries"] == expected


@given(
    script=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["count", "sync", "count while it syncs"]), st.integers(-3, 3)),
        max_size=20,
    )
)
def test_a_counter_counts_each_step_once(script: list[tuple[int, str, int]]) -> None:
    server, devices = world(START)
    expected = 0

    def count(number: int, by: int, at: int) -> None:
        device = devices[number]
        assert device.row is not None
        device.edit(at, counter=counted(device.row["counter"], f"d{number}", by, NOW_MS - 50_000 + at))

    for at, (number, what, by) in enumerate(script):
        if what == "count":
            count(number, by, at)
        elif what == "sync":
            devices[number].sync(server)
        else:
            devices[number].sync(server, lambda: count(number, by, at))  # noqa: B023 - called at once
        expected += 0 if what == "sync" else by
    settle(server, devices)
    assert server.values is not None
    assert total(server.values["counter"]) == expected


@given(base=LINES, sides=st.lists(LINES, min_size=N, max_size=N), stamps=st.permutations(range(N)), order=ORDERS)
def test_no_word_is_lost_from_the_text_and_the_verdicts(
    base: str, sides: list[str], stamps: list[int], order: list[int]
) -> None:
    marked = [side.replace(" ", f"{number} ") + str(number) for number, side in enumerate(sides)]
    server, devices = world({**START, "words": base}, N)
    for device, words, at in zip(devices, marked, stamps, strict=True):
        device.edit(at, words=words)
    for number in order:
        devices[number].sync(server)
    settle(server, devices)
    assert server.values is not None
    verdicts = [verdict for device in devices for verdict in device.verdicts]
    kept = [server.values["words"], *(verdict.mine for verdict in verdicts), *(verdict.theirs for verdict in verdicts)]
    left = set(" ".join(kept).split())
    for words in marked:
        assert set(words.split()) <= left
    asked = any(verdict.needs_attention for verdict in verdicts)
    added = set(" ".join(marked).split()) - set(base.split())
    assert asked or added <= set(server.values["words"].split()), "what is missing from the text is shown to a person"


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_cannot_be_decided_alike_is_the_first_to_reach_the_server(order: list[int]) -> None:
    row = ends(START, [{"made": "one", "derived": 1}, {"made": "two", "derived": 2}], [5, 6], order)
    assert (row["made"], row["derived"]) == (("one", 1), ("two", 2))[order[0]]


@given(script=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["edit", "delete", "sync"])), max_size=16))
def test_a_row_that_is_deleted_and_edited_ends_alike_everywhere(script: list[tuple[int, str]]) -> None:
    server, devices = world(START)
    for at, (number, what) in enumerate(script):
        device = devices[number]
        if what == "sync":
            device.sync(server)
        elif device.row is not None:
            device.edit(at, lww=str(at)) if what == "edit" else device.delete(at)
    for _ in range(3):
        for device in devices:
            device.sync(server)
    for device in devices:
        assert device.chain == []
        assert (device.row and shared(device.row)) == (server.values and shared(server.values))


def test_an_edit_made_after_seeing_is_newer_whatever_the_clock_says() -> None:
    """A device whose clock is years behind has seen the newest edit: what it writes counts."""
    server, devices = world(START, 2)
    devices[0].edit(50, lww="first", state="d")
    devices[0].sync(server)
    devices[1].sync(server)
    devices[1].edit(-90_000, lww="second", state="b")
    devices[1].sync(server)
    assert server.values is not None
    assert (server.values["lww"], server.values["state"]) == ("second", "b")
    assert devices[1].verdicts == []
    assert stamp(-90_000) < stamp(50)
