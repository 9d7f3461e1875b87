"""Counters: what one device counts is counted once, whatever its clock and its rows have been through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.protocol.merge.counters import counted, newer_count
from bmaddb.schema.counters import total

HERE, THERE = "0190a000-0000-7000-8000-0000000000aa", "0190a000-0000-7000-8000-0000000000bb"
NOW = 1_800_000_000_000


@given(steps=st.lists(st.tuples(st.sampled_from([HERE, THERE]), st.integers(-9, 9), st.integers(0, 2**41))))
def test_the_sum_is_the_sum_and_each_step_is_newer_whatever_the_clock_says(steps: list[tuple[str, int, int]]) -> None:
    counter: dict[str, Any] = {}
    for device, by, now_ms in steps:
        before = counter
        counter = counted(counter, device, by, now_ms)
        assert newer_count(before.get(device), counter[device]) == counter[device]
        assert {name: entry for name, entry in counter.items() if name != device} == {
            name: entry for name, entry in before.items() if name != device
        }
    assert total(counter) == sum(by for _, by, _ in steps)


@pytest.mark.parametrize("last", [f"{NOW * 2:012x}-0007-0000000000aa", f"{NOW:012x}-ffff-0000000000aa"])
def test_an_entry_from_a_wrong_clock_or_a_full_second_is_followed(last: str) -> None:
    made = counted({HERE: [3, last]}, HERE, 1, NOW)[HERE]
    assert made[0] == 4
    assert made[1] > last


@pytest.mark.parametrize("spoiled", [None, [], "x", {HERE: "x"}, {HERE: [1]}, {HERE: [True, "s"]}, {HERE: [1, 2]}])
def test_what_is_no_count_counts_nothing_and_gives_way(spoiled: Any) -> None:
    assert total(spoiled) == 0
    assert total(counted(spoiled, HERE, 2, NOW)) == 2
    entry = spoiled.get(HERE) if isinstance(spoiled, dict) else None
    assert newer_count(entry, [5, "s"]) == newer_count([5, "s"], entry) == [5, "s"]
