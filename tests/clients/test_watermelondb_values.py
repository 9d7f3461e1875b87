"""Every kind of value goes from a WatermelonDB app to Postgres and to another app, and stays what it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.truth import Truth, assert_same
from tests.clients.watermelon import Watermelon

NAUGHTY: tuple[str, ...] = (
    "",
    " ",
    "  both ends  ",
    "tab\there, line\nthere, return\r\nboth",
    "'; drop table tasks; --",
    '"quoted" \\ backslash \\" \\u0041 $1 %s {0} ${x} `x`',
    "null",
    "undefined",
    "true",
    "0",
    "-0.0e-0",
    "NaN",
    "__proto__",
    "constructor",
    "\x01\x02\x07\x08\x0b\x0c\x1b\x1f\x7f\x80\x9f",
    "\u00a0\u2003\u3000",
    "\u2028\u2029",
    "\ufeffbom",
    "\ufffd\ufffe\uffff",
    "zero\u200bwidth\u200d\u2060joiners",
    "\u202eright to left\u202c",
    "שלום عليكم",
    "Z\u00fcrich e\u0301\u00e9 \ufb01 \u1e9e \u0131 \u0130",
    "日本語 中文 한국어",
    "\U0001f44d\U0001f3fd \U0001f469\u200d\U0001f469\u200d\U0001f467 #\ufe0f\u20e3",
    "\U0001f3f3\ufe0f\u200d\U0001f308 \U0001f1f3\U0001f1f1",
    "\U00010000\U0010fffd\U0010ffff",
    "<script>alert(1)</script>&amp;&#0;",
    "a" * 10_000,
    "🙂" * 2_000,
)
WHOLE = (0, 1, -1, 2**31 - 1, -(2**31), 2**31, 1_590_485_104_033, 2**53 - 1, -(2**53) + 1)
REAL = (0.0, -0.5, 0.1, 1 / 3, 123456789.123456789, 5e-324, 1e-300, 1.7976931348623157e308, -1e21, 1e16, 2.0)
MOMENTS = (0, 1, 999, -1, -62_135_596_800_000, 951_782_400_000, 1_763_836_800_123, 253_402_300_799_999)
JSON_VALUES: tuple[Any, ...] = (
    [],
    {},
    [None, True, False, 0, -1.5, "x"],
    {"a": {"b": {"c": [1, [2, [3]]]}}, "": "empty key", "é👍": "\u2028"},
    ["'; --", '"', "\\", "\x01", "\n"],
    {"large": 2**53 - 1, "small": 1e-7},
    "just text",
    7,
    False,
    [["deep"]] * 50,
)


@pytest.mark.parametrize("column", ["title", "notes"], ids=["required", "optional"])
def test_text_stays_what_it_was(phone: Watermelon, tablet: Watermelon, truth: Truth, column: str) -> None:
    rows = [{"title": "t", column: text} for text in NAUGHTY]
    ids = phone.create_many("tasks", rows)
    assert not phone.sync().rejected
    tablet.sync()
    phone.sync()
    stored = truth.rows("tasks")
    assert [stored[row][column] for row in ids] == list(NAUGHTY)
    assert_same(truth, "tasks", phone, tablet)


def test_whole_numbers_stay_exact(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    rows = [{"metric_code": f"m{n}", "period_key": "all", "best_value": n} for n in WHOLE]
    ids = phone.create_many("user_progress", rows)
    assert not phone.sync().rejected
    tablet.sync()
    phone.sync()
    stored = truth.rows("user_progress")
    assert [stored[row]["best_value"] for row in ids] == list(WHOLE)
    assert_same(truth, "user_progress", phone, tablet)


def test_real_numbers_stay_exact(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    rows = [{"code": f"area-{n}", "target_score": real} for n, real in enumerate(REAL)]
    ids = phone.create_many("user_life_areas", rows)
    assert not phone.sync().rejected
    tablet.sync()
    phone.sync()
    stored = truth.rows("user_life_areas")
    assert [stored[row]["target_score"] for row in ids] == list(REAL)
    assert_same(truth, "user_life_areas", phone, tablet)


def test_booleans_stay_booleans(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    on, off = phone.create_many("habits", [{"name": "x", "active": active} for active in (True, False)])
    phone.sync()
    tablet.sync()
    stored = truth.rows("habits")
    assert (stored[on]["active"], stored[off]["active"]) == (True, False)
    assert (tablet.rows("habits")[on]["active"], tablet.rows("habits")[off]["active"]) == (True, False)
    tablet.update("habits", on, active=False)
    tablet.sync()
    phone.sync()
    assert phone.rows("habits")[on]["active"] is False
    tablet.sync()
    assert_same(truth, "habits", phone, tablet)


def test_moments_stay_whole_milliseconds(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    ids = phone.create_many("tasks", [{"title": "t", "due_at": moment} for moment in MOMENTS])
    assert not phone.sync().rejected
    tablet.sync()
    phone.sync()
    stored = truth.rows("tasks")
    assert [stored[row]["due_at"] for row in ids] == list(MOMENTS)
    assert_same(truth, "tasks", phone, tablet)


def test_a_part_of_a_millisecond_set_by_the_server_is_cut_off(phone: Watermelon, user: str, truth: Truth) -> None:
    row = phone.create("tasks", title="t")
    phone.sync()
    statement = "update bmad.tasks set due_at = '2026-11-22 10:00:00.123999+00' where user_id = %s"
    truth.execute(statement, user)
    phone.sync()
    assert phone.rows("tasks")[row]["due_at"] == 1_795_341_600_123
    phone.update("tasks", row, title="t2")
    phone.sync()
    phone.sync()
    assert_same(truth, "tasks", phone)


def test_json_stays_the_same_value(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    goals = [{"title": "g", "metric": json.dumps(value)} for value in JSON_VALUES]
    ids = phone.create_many("goals", goals)
    assert not phone.sync().rejected
    tablet.sync()
    phone.sync()
    stored = truth.rows("goals")
    assert [stored[row]["metric"] for row in ids] == list(JSON_VALUES)
    assert_same(truth, "goals", phone, tablet)


def test_nulls_come_and_go(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    full = {"notes": "n", "due_on": "2026-11-22", "due_at": 1_000, "estimate_min": 5}
    row = phone.create("tasks", title="t")
    phone.sync()
    tablet.sync()
    assert {name: truth.rows("tasks")[row][name] for name in full} == dict.fromkeys(full)
    tablet.update("tasks", row, **full)
    tablet.sync()
    phone.sync()
    assert {name: phone.rows("tasks")[row][name] for name in full} == full
    phone.update("tasks", row, **dict.fromkeys(full))
    phone.sync()
    phone.sync()
    tablet.sync()
    assert {name: truth.rows("tasks")[row][name] for name in full} == dict.fromkeys(full)
    assert_same(truth, "tasks", phone, tablet)


def test_an_app_that_sets_only_what_it_knows_gets_the_defaults(
    phone: Watermelon, tablet: Watermelon, user: str, truth: Truth
) -> None:
    """The library fills in what an app leaves out: '', 0 and false; the declared defaults must appear."""
    row = phone.create_bare("tasks", title="only a title")
    assert not phone.sync().rejected
    phone.sync()
    tablet.sync()
    stored = truth.rows("tasks")[row]
    assert (stored["title"], stored["state"], stored["source"]) == ("only a title", "todo", "user")
    assert (stored["tag_ids"], stored["device_seconds"], stored["position"]) == ([], {}, "a0")
    assert_same(truth, "tasks", phone, tablet)


@pytest.mark.parametrize(
    "row_id", ["AbCdEfGh01234567", "x", "a.b-c_D", "0190b0f4-7c2e-7d3a-8b1f-0123456789ab", "z" * 64]
)
def test_ids_stay_what_they_were(phone: Watermelon, tablet: Watermelon, truth: Truth, row_id: str) -> None:
    assert phone.create("tasks", id=row_id, title="t") == row_id
    phone.sync()
    tablet.sync()
    assert list(tablet.rows("tasks")) == [row_id]
    tablet.delete("tasks", row_id)
    tablet.sync()
    phone.sync()
    assert truth.rows("tasks") == phone.dump("tasks") == {}


UNHOLDABLE = {"nul": "a\0b", "half a pair": "a\ud800b", "other half": "a\udc00b", "both": "a\0\ud800b"}


@pytest.mark.parametrize("text", UNHOLDABLE.values(), ids=UNHOLDABLE.keys())
def test_what_no_postgres_text_can_hold_is_taken_out_and_holds_nothing_up(
    phone: Watermelon, tablet: Watermelon, truth: Truth, text: str
) -> None:
    """JavaScript strings may hold U+0000 and half surrogate pairs; the app is told what became of them."""
    bad, good = phone.create_many("tasks", [{"title": text}, {"title": "good \\u0000 \\ud800"}])
    assert not phone.sync().rejected
    phone.sync()
    tablet.sync()
    assert {row: truth.rows("tasks")[row]["title"] for row in (bad, good)} == {
        bad: "ab",
        good: "good \\u0000 \\ud800",
    }
    assert_same(truth, "tasks", phone, tablet)


def test_a_fraction_in_a_whole_number_is_rounded_and_the_app_is_told(
    phone: Watermelon, tablet: Watermelon, truth: Truth
) -> None:
    row = phone.create("tasks", title="t", estimate_min=2.6, due_at=1_000.4)
    assert not phone.sync().rejected
    phone.sync()
    tablet.sync()
    stored = truth.rows("tasks")[row]
    assert (stored["estimate_min"], stored["due_at"]) == (3, 1_000)
    assert_same(truth, "tasks", phone, tablet)


def test_ids_that_differ_only_in_case_are_two_rows(phone: Watermelon, tablet: Watermelon, truth: Truth) -> None:
    phone.create_many("tasks", [{"id": row_id, "title": row_id} for row_id in ("aaaa", "AAAA", "aAaA")])
    phone.sync()
    tablet.sync()
    phone.sync()
    assert len(truth.rows("tasks")) == 3
    assert_same(truth, "tasks", phone, tablet)
