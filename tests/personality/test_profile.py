"""Types, functions, stacks and profiles: made by rule, and the same as the table of the study."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bmaddb
from bmaddb import errors as e
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.personality import FUNCTIONS, TYPES, answered, declared, from_axes, profile, questions, stack_of, tables

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "tables.json").read_text(encoding="utf-8"))
FEATURES = ("chrono", "assoc", "priority", "granularity", "write", "breadth", "depth", "ahead", "nudge")
AT = datetime(2026, 11, 29, tzinfo=UTC)
PROTECTED = (
    "geloof",
    "religi",
    "politic",
    "politiek",
    "sex",
    "seks",
    "gender",
    "disab",
    "handicap",
    "origin",
    "afkomst",
)


@pytest.mark.parametrize("code", TYPES)
def test_the_rule_gives_the_stacks_of_the_table(code: str) -> None:
    assert list(stack_of(code)) == TABLE["stacks"][code]


def test_there_are_sixteen_types_and_eight_functions() -> None:
    assert sorted(TYPES) == sorted(TABLE["stacks"])
    assert len({stack_of(code) for code in TYPES}) == 16
    assert set(FUNCTIONS) == set(TABLE["function_weights"]) == {f for code in TYPES for f in stack_of(code)}


@pytest.mark.parametrize("code", TYPES)
def test_shares_and_features_are_those_of_the_table(code: str) -> None:
    assert tables.type_shares(code) == pytest.approx(TABLE["type_view_prior"][code], abs=6e-5)
    assert sum(tables.type_shares(code)) == pytest.approx(1)
    expected = [TABLE["type_features"][code][name] for name in FEATURES]
    assert tables.type_features(code) == pytest.approx(expected, abs=0.0051)


def test_the_rows_of_the_tables_are_those_of_the_study() -> None:
    assert list(tables.VIEWS) == TABLE["views"] == list(tables.VIEW_TABLES)
    assert pytest.approx([share / sum(TABLE["base"]) for share in TABLE["base"]]) == tables.BASE_SHARES
    assert TABLE["optional_index_weights"] == tables.INDEX_WEIGHTS
    for function in FUNCTIONS:
        weights = TABLE["function_weights"][function]
        assert tables.function_shares(function) == pytest.approx([weight / sum(weights) for weight in weights])


@pytest.mark.parametrize("wrong", ["", "INF", "INFJX", "XNFJ", "IJFN", "1234"])
def test_what_is_no_type_is_refused(wrong: str) -> None:
    with pytest.raises(e.RecordInvalid) as refused:
        declared(wrong)
    assert refused.value.hint


def test_a_declared_type_counts_as_little_as_it_is_reliable() -> None:
    found = declared(" infj ")
    assert (found.code, found.confidence, found.borderline) == ("INFJ", 0.35, ())
    assert found.weight() == pytest.approx(0.25 * 0.35)
    assert declared("INFJ", source="declined") is profile.NOBODY
    assert profile.NOBODY.weight() == 0.0
    assert profile.NOBODY.stack is None


def test_axes_near_their_middle_are_named() -> None:
    found = from_axes({"ei": -0.8, "sn": 0.1, "tf": -0.14, "jp": 0.15})
    assert (found.code, found.borderline) == ("INFJ", ("sn", "tf"))
    assert found.confidence == pytest.approx((0.8 + 0.1 + 0.14 + 0.15) / 4)


@given(st.fixed_dictionaries({axis: st.floats(-1, 1) for axis in profile.AXES}))
def test_every_four_values_give_a_type_and_a_confidence(axes: dict[str, float]) -> None:
    found = from_axes(axes)
    assert found.code in TYPES
    assert 0 <= found.confidence <= 1
    assert 0 <= found.weight(5.0) <= 0.25


def test_answers_give_the_type_they_agree_with() -> None:
    for code in TYPES:
        wanted = {
            axis: 1 if letter == profile.LETTERS[axis][0] else -1
            for axis, letter in zip(profile.AXES, code, strict=True)
        }
        given_answers = {q.number: 5 if q.sign == wanted[q.axis] else 1 for q in questions()}
        found = answered(given_answers)
        assert (found.code, found.confidence, found.borderline) == (code, 1.0, ())


def without(*numbers: int) -> dict[int, int]:
    """All answers but these."""
    return {q.number: 5 if q.sign > 0 else 1 for q in questions() if q.number not in numbers}


def first_of(axis: str, count: int) -> list[int]:
    return [q.number for q in questions() if q.axis == axis][:count]


def test_some_questions_may_be_left_out() -> None:
    found = answered(without(*first_of("ei", 1), *first_of("jp", 1)))
    assert (found.answered, found.asked, found.confidence) == (14, 16, 1.0)
    thirteen = answered(without(*(number for axis in ("ei", "sn", "jp") for number in first_of(axis, 1))))
    assert thirteen.answered == 13


@pytest.mark.parametrize("answers", [{99: 3}, {1: 0}])
def test_what_is_no_answer_is_refused(answers: dict[int, int]) -> None:
    with pytest.raises(e.RecordInvalid) as refused:
        answered(answers)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (tuple(range(1, 17)), "0 of 16 questions are"),
        (tuple(number for axis in profile.AXES for number in first_of(axis, 1)), "12 of 16 questions are"),
        (tuple(first_of("tf", 2)), "2 of 4 questions of tf are"),
    ],
)
def test_too_few_answers_are_refused_by_the_rule(left_out: tuple[int, ...], said: str) -> None:
    with pytest.raises(e.RecordInvalid, match=f"M5: {said} answered") as refused:
        answered(without(*left_out))
    assert "at least" in (refused.value.hint or "")


def test_scores_that_were_made_elsewhere_count_for_less() -> None:
    scores = {"ei": -0.9, "sn": 0.8, "tf": 0.9, "jp": 1.0}
    assert from_axes(scores).confidence == pytest.approx(0.9)
    assert from_axes(scores, source="imported").confidence == 0.6


def test_the_questions_are_there_in_both_languages_and_ask_nothing_protected() -> None:
    dutch, english = questions("nl-NL"), questions("en")
    assert [q.axis for q in dutch] == [q.axis for q in english]
    assert {q.axis for q in dutch} == set(profile.AXES)
    assert all(d.text != q.text for d, q in zip(dutch, english, strict=True))
    assert not [q.text for q in (*dutch, *english) if any(word in q.text.lower() for word in PROTECTED)]
    for axis in profile.AXES:
        assert sum(q.sign for q in english if q.axis == axis) == 0, "as many for one side as for the other"


def test_a_profile_comes_back_from_its_row(tmp_path: Path) -> None:
    found = (declared("ENTP"), from_axes({"ei": -0.8, "sn": 0.1, "tf": 0.5, "jp": 0.2}), profile.NOBODY)
    with bmaddb.open(tmp_path / "own.db", user="0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60") as db:
        for one in found:
            with db.write() as tx:
                row = tx.insert(MbtiProfile, **profile.columns_of(one), assessed_at=AT)
            kept = db.get(MbtiProfile, row.id)
            assert kept is not None
            assert profile.from_row(kept) == one
            assert (kept.dominant, kept.auxiliary, kept.tertiary, kept.inferior) == (one.stack or (None,) * 4)
