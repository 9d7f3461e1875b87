"""The merge rules as a table, and the laws they keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

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
        (R.TXT, "one two", "one 2", "1 two", "mine", "1 2", Winner.BOTH),
        (R.TXT, None, "b", "c", "mine", "c\nb", Winner.BOTH),
        (R.TXT, "a", None, "c", "mine", None, Winner.MINE),
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
        (R.STM, "todo", "gone", "done", "mine", "done", Winner.THEIRS),
        (R.FUN, 1, 5, 7, "mine", 5, Winner.MINE),
        (R.SET, ["a", 1], ["a", 1.0, "b"], ["a"], "mine", ["a", "b"], Winner.BOTH),
        (R.SET, ["a"], None, ["a", "b"], "mine", ["b"], Winner.BOTH),
        (R.SET, ["a"], "a", ["a", "b"], "mine", "a", Winner.MINE),
        (R.MAP, {}, [1], {"a": 3}, "theirs", {"a": 3}, Winner.THEIRS),
        (R.MAP, {"a": 1, "b": 1}, {"b": 2}, {"a": 1, "b": 1, "c": 1}, "mine", {"b": 2, "c": 1}, Winner.BOTH),
        (R.CNT, {}, {"d1": "?"}, {"d1": [1, "s1"]}, "mine", {"d1": [1, "s1"]}, Winner.THEIRS),
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


LEGAL = {"todo": ("doing", "done"), "doing": ("todo",)}


@pytest.mark.parametrize(
    ("mine", "theirs", "newer", "value", "doubt"),
    [
        ("done", "todo", "theirs", "done", ""),
        ("doing", "todo", "theirs", "doing", ""),
        ("done", "doing", "mine", "done", "neither of 'doing' and 'done' may follow the other"),
        ("done", "doing", "theirs", "doing", "neither of 'doing' and 'done' may follow the other"),
    ],
)
def test_the_higher_state_stands_where_it_may_follow_the_other(
    mine: str, theirs: str, newer: str, value: str, doubt: str
) -> None:
    dispute = replace(disputed("blank", mine, theirs, newer=newer), transitions=LEGAL)
    merged = merge_value(R.STM, dispute)
    assert (merged.value, merged.doubt) == (value, doubt)


def test_the_newer_state_stands_where_only_it_may_follow() -> None:
    """`doing` may go back to `todo`, not the other way round: nobody need look."""
    for newer, value in (("mine", "doing"), ("theirs", "todo")):
        dispute = disputed("done", "doing", "todo", newer=newer)
        merged = merge_value(R.STM, replace(dispute, transitions={"doing": ("todo",)}))
        assert (merged.value, merged.doubt) == (value, "")


def test_a_function_of_the_application_decides() -> None:
    merged = merge_value(R.FUN, replace(disputed(10, 12, 17), combine=lambda base, older, newer: older + newer - base))
    assert (merged.value, merged.winner, merged.doubt) == (19, Winner.BOTH, "")


def test_a_function_sees_the_older_side_first() -> None:
    dispute = replace(disputed("b", "m", "t"), combine=lambda base, older, newer: base + older + newer)
    assert merge_value(R.FUN, dispute).value == "btm"


def test_a_function_that_fails_leaves_it_to_the_newer_stamp_and_a_person() -> None:
    def broken(base: Any, older: Any, newer: Any) -> Any:
        raise KeyError("oops")

    merged = merge_value(R.FUN, replace(disputed(1, 2, 3), combine=broken))
    assert merged.value == 2
    assert "KeyError" in merged.doubt


@pytest.mark.parametrize("rule", [R.SET, R.MAP, R.CNT])
def test_what_a_rule_cannot_combine_goes_to_the_newer_and_to_a_person(rule: R) -> None:
    merged = merge_value(rule, disputed(None, "text", 7))
    assert (merged.value, merged.winner) == ("text", Winner.MINE)
    assert merged.doubt


NAMES = st.sampled_from("abcde")
COUNTERS = st.dictionaries(NAMES, st.tuples(st.integers(-9, 9), st.sampled_from(["s1", "s2", "s3"])).map(list))
VALUES: dict[MergeRule, st.SearchStrategy[Any]] = {
    R.LWW: st.none() | st.integers(),
    R.MAX: st.none() | st.integers(),
    R.MIN: st.none() | st.integers(),
    R.FWW: st.none() | st.integers(),
    R.POS: st.text("ab", max_size=3),
    R.FUN: st.integers(),
    R.TXT: st.none() | st.lists(st.sampled_from(["a b", "c", "", "d e f", "x\r"]), max_size=5).map("\n".join),
    R.STM: st.sampled_from(["todo", "doing", "done"]),
    R.SET: st.lists(NAMES, unique=True).map(sorted),
    R.MAP: st.dictionaries(NAMES, st.integers(0, 2)),
    R.CNT: COUNTERS,
}


@pytest.mark.parametrize("rule", sorted(VALUES))
@given(data=st.data())
def test_the_sides_may_be_swapped_and_a_second_merge_changes_nothing(rule: MergeRule, data: st.DataObject) -> None:
    base, mine, theirs = (data.draw(VALUES[rule]) for _ in range(3))
    if any(same(one, other) for one, other in ((base, mine), (base, theirs), (mine, theirs))):
        return  # then no rule is asked
    legal = data.draw(st.none() | st.just(LEGAL))
    shared: Any = {"transitions": legal, "combine": lambda base, older, newer: 2 * older - newer}
    one = merge_value(rule, replace(disputed(base, mine, theirs, newer="mine"), **shared)).value
    other = merge_value(rule, replace(disputed(base, theirs, mine, newer="theirs"), **shared)).value
    assert same(one, other)
    again = merge_value(rule, replace(disputed(theirs, one, one), combine=lambda base, older, newer: newer))
    assert same(again.value, one)


@given(st.lists(COUNTERS, min_size=3, max_size=3))
def test_counters_may_arrive_in_any_order(sides: list[dict[str, Any]]) -> None:
    def both(left: Any, right: Any) -> Any:
        return merge_value(R.CNT, disputed({}, left, right)).value

    first, second, third = sides
    assert same(both(both(first, second), third), both(first, both(second, third)))
