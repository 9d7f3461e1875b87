"""The merge rules as a table, and the laws they keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.protocol.merge.rules import RULES, Dispute, Winner, merge_value
from bmaddb.protocol.values import same
from bmaddb.schema import MergeRule

OLD, NEW = "000000000001-0000-0000000000aa", "000000000002-0000-0000000000bb"
R = MergeRule


def disputed(base: Any, mine: Any, theirs: Any, *, newer: str = "mine") -> Dispute:
    stamps = (NEW, OLD) if newer == "mine" else (OLD, NEW)
    return Dispute(
        base=base,
        mine=mine,
        theirs=theirs,
        my_stamp=stamps[0],
        their_stamp=stamps[1],
        states=("todo", "doing", "done"),
    )


@pytest.mark.parametrize(
    ("rule", "base", "mine", "theirs", "newer", "value", "winner"),
    [
        (R.LWW, "a", "b", "c", "mine", "b", Winner.MINE),
        (R.LWW, "a", "b", "c", "theirs", "c", Winner.THEIRS),
        (R.LWW, "a", None, "c", "mine", None, Winner.MINE),
        (R.TXT, "a", "b", "c", "theirs", "c", Winner.THEIRS),
        (R.POS, "a", "b", "c", "mine", "b", Winner.MINE),
        (R.IMM, "a", "b", "c", "mine", "c", Winner.THEIRS),
        (R.SRV, "a", "b", "c", "mine", "c", Winner.THEIRS),
        (R.DRV, 1, 2, 3, "mine", 3, Winner.THEIRS),
        (R.LOC, 1, 2, 3, "theirs", 2, Winner.MINE),
        (R.MAX, 1, 2, 3, "mine", 3, Winner.THEIRS),
        (R.MAX, 1, 5, 3, "theirs", 5, Winner.MINE),
        (R.MAX, 1, None, 3, "mine", 3, Winner.THEIRS),
        (R.MAX, 1, 3, None, "theirs", 3, Winner.MINE),
        (R.MIN, 9, 2, 3, "theirs", 2, Winner.MINE),
        (R.MIN, 9, None, 3, "mine", 3, Winner.THEIRS),
        (R.FWW, None, "b", "c", "mine", "c", Winner.THEIRS),
        (R.FWW, None, "b", "c", "theirs", "b", Winner.MINE),
        (R.FWW, "a", None, "c", "theirs", "c", Winner.THEIRS),
        (R.FWW, "a", "b", "c", "mine", "c", Winner.THEIRS),
        (R.STM, "todo", "done", "doing", "theirs", "done", Winner.MINE),
        (R.STM, "doing", "todo", "done", "mine", "done", Winner.THEIRS),
        (R.SET, ["a", "b"], ["b", "c"], ["a", "b", "d"], "mine", ["b", "c", "d"], Winner.BOTH),
        (R.SET, ["a"], [], ["a", "b"], "mine", ["b"], Winner.BOTH),
        (R.SET, [], ["x"], ["y", "x"], "mine", ["x", "y"], Winner.BOTH),
        (R.MAP, {"a": 1}, {"a": 2}, {"a": 1, "b": 1}, "theirs", {"a": 2, "b": 1}, Winner.BOTH),
        (R.MAP, {"a": 1}, {}, {"a": 1, "b": 1}, "theirs", {"b": 1}, Winner.BOTH),
        (R.MAP, {"a": 1}, {"a": 2}, {"a": 3}, "mine", {"a": 2}, Winner.MINE),
        (R.MAP, {"a": 1}, {}, {"a": 3}, "mine", {}, Winner.MINE),
        (R.CNT, {}, {"d1": [5, "s2"]}, {"d2": [7, "s1"]}, "mine", {"d1": [5, "s2"], "d2": [7, "s1"]}, Winner.BOTH),
        (R.CNT, {}, {"d1": [5, "s2"]}, {"d1": [4, "s1"], "d2": [1, "s1"]}, "theirs",
         {"d1": [5, "s2"], "d2": [1, "s1"]}, Winner.BOTH),
    ],
)  # fmt: skip
def test_a_rule_decides(
    rule: MergeRule, base: Any, mine: Any, theirs: Any, newer: str, value: Any, winner: Winner
) -> None:
    merged = merge_value(rule, disputed(base, mine, theirs, newer=newer))
    assert merged.value == value
    assert merged.winner is winner


def test_every_rule_of_the_schema_is_known() -> None:
    assert set(RULES) == set(MergeRule)


NAMES = st.sampled_from("abcde")
COUNTERS = st.dictionaries(NAMES, st.tuples(st.integers(-9, 9), st.sampled_from(["s1", "s2", "s3"])).map(list))
VALUES: dict[MergeRule, st.SearchStrategy[Any]] = {
    R.LWW: st.none() | st.integers(),
    R.MAX: st.none() | st.integers(),
    R.MIN: st.none() | st.integers(),
    R.STM: st.sampled_from(["todo", "doing", "done"]),
    R.SET: st.lists(NAMES, unique=True).map(sorted),
    R.MAP: st.dictionaries(NAMES, st.integers(0, 2)),
    R.CNT: COUNTERS,
}


@pytest.mark.parametrize("rule", sorted(VALUES))
@given(data=st.data())
def test_the_sides_may_be_swapped_and_a_second_merge_changes_nothing(rule: MergeRule, data: st.DataObject) -> None:
    base, mine, theirs = (data.draw(VALUES[rule]) for _ in range(3))
    one = merge_value(rule, disputed(base, mine, theirs, newer="mine")).value
    other = merge_value(rule, disputed(base, theirs, mine, newer="theirs")).value
    assert same(one, other)
    if not same(one, theirs):
        again = merge_value(rule, disputed(theirs, one, one))
        assert same(again.value, one)


@given(st.lists(COUNTERS, min_size=3, max_size=3))
def test_counters_may_arrive_in_any_order(sides: list[dict[str, Any]]) -> None:
    def both(left: Any, right: Any) -> Any:
        return merge_value(R.CNT, disputed({}, left, right)).value

    first, second, third = sides
    assert same(both(both(first, second), third), both(first, both(second, third)))
