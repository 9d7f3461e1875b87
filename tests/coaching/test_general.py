"""G1 to G9, which hold for every table: one row that is accepted and one that is rejected; and no rule is missing."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from bmaddb.coaching.candidate import RuleSet
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.modules.tasks_productivity import HabitLog, Task
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named, rules_of, said
from tests.coaching.ground import at

VALIDATOR = RuleSet(Task, GENERAL)
NUMBERED = {
    "general": ("G", 9, None),
    "user_profile": ("U", 10, "UserProfileValidator"),
    "mbti_profile": ("M", 10, "MBTIProfileValidator"),
    "preferences": ("P", 11, "PreferencesValidator"),
    "coaching_session": ("C", 11, "CoachingSessionValidator"),
    "session_prerequisites": ("S", 9, "SessionPrerequisitesValidator"),
    "progress": ("R", 8, "ProgressValidator"),
    "analytics": ("A", 8, "AnalyticsValidator"),
    "insights": ("I", 10, "InsightsValidator"),
}
"""File of rules -> letter, how many the data model numbers, and the validator they are in."""


def stored(tx: WriteTransaction) -> Task:
    return tx.insert(Task, id="task", title="Run", source="session")


CASES = (
    Case(rule="G1", column="titel", good=Look(), bad=Look(change={"titel": "Run"})),
    Case(rule="G2", column="priority", good=Look(change={"priority": 4}), bad=Look(change={"priority": 5})),
    Case(rule="G3", column="title", good=Look(change={"title": "é\n\t"}), bad=Look(change={"title": "e\u0301"})),
    Case(rule="G4", column="user_id", good=Look(), bad=Look(change={"user_id": "somebody"})),
    Case(
        rule="G5",
        column="updated_at",
        good=Look(change={"created_at": at(), "updated_at": at(minutes=-5)}),
        bad=Look(change={"created_at": at(), "updated_at": at(minutes=1)}),
    ),
    Case(
        rule="G6",
        column="source",
        good=Look(before=stored, change={"source": "session", "title": "Walk"}),
        bad=Look(before=stored, change={"source": "ai"}),
    ),
    Case(rule="G7", column="server_seq", good=Look(), bad=Look(change={"server_seq": 7})),
    Case(
        rule="G8",
        column="tag_ids",
        good=Look(change={"tag_ids": [[[[[[[["deep"]]]]]]]]}),
        bad=Look(change={"tag_ids": [[[[[[[[["deep"]]]]]]]]]}),
    ),
    Case(rule="G9", column="goal_id", good=Look(change={"goal_id": "goal"}), bad=Look(change={"goal_id": "no goal"})),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return {"title": "Run"}


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, VALIDATOR, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, VALIDATOR, make, case)


MORE = (
    ("G2", "title", {"title": None}),
    ("G2", "title", {"title": 7}),
    ("G2", "state", {"state": "dreamt"}),
    ("G3", "title", {"title": "\x07"}),
    ("G3", "title", {"title": "\ud800"}),
    ("G3", "tag_ids", {"tag_ids": ["\x00"]}),
    ("G8", None, {"notes": "x" * (256 * 1024)}),
    ("G9", "parent_task_id", {"parent_task_id": "no task"}),
)


@pytest.mark.parametrize(("rule", "column", "change"), MORE, ids=[f"{rule}-{column}" for rule, column, _ in MORE])
def test_more_that_is_rejected(shared_store: Store, rule: str, column: str | None, change: dict[str, Any]) -> None:
    case = Case(rule=rule, column=column, good=Look(), bad=Look(change=change))
    check_rejects(shared_store, VALIDATOR, make, case)


def test_a_clock_that_is_ahead_is_a_warning(shared_store: Store) -> None:
    look = Look(change={"updated_at": at(minutes=-6)})
    case = Case(rule="G5", column="updated_at", severity=Severity.WARN, good=Look(), bad=look)
    check_rejects(shared_store, VALIDATOR, make, case)


def test_a_derived_column_may_only_say_what_follows(shared_store: Store) -> None:
    logs = RuleSet(HabitLog, GENERAL)

    def log(store: Store, tx: WriteTransaction) -> dict[str, Any]:
        return {"habit_id": "h", "log_date": "2026-11-29", "device_counts": {"d": [2, "s"]}}

    planned = {"planned": {"habits/h"}}
    case = Case(
        rule="G7",
        column="total",
        good=Look(change={"total": 2}, facts=planned),
        bad=Look(change={"total": 3}, facts=planned),
    )
    check_accepts(shared_store, logs, log, case)
    check_rejects(shared_store, logs, log, case)


def test_the_body_of_an_entry_may_be_a_megabyte(shared_store: Store) -> None:
    entries = RuleSet(JournalEntry, GENERAL)

    def entry(store: Store, tx: WriteTransaction) -> dict[str, Any]:
        return {"body": "x"}

    def size(count: int) -> Look:
        return Look(change={"body": "x" * count})

    case = Case(rule="G8", column="body", good=size(1024 * 1024), bad=size(1024 * 1024 + 1))
    check_rejects(shared_store, entries, entry, case)


@pytest.mark.parametrize("room", NUMBERED)
def test_no_rule_is_missing_and_each_has_its_cases(room: str) -> None:
    letter, count, validator = NUMBERED[room]
    wanted = [f"{letter}{number}" for number in range(1, count + 1)]
    tests = importlib.import_module(f"tests.coaching.test_{room}")
    assert [case.rule for case in tests.CASES] == wanted
    rules = importlib.import_module(f"bmaddb.coaching.rules.{room}")
    if validator is not None:
        assert [code for code in rules_of(getattr(rules, validator)) if code[0] == letter] == wanted
    else:
        assert rules_of(VALIDATOR) == wanted


def test_every_violation_is_listed_not_only_the_first(shared_store: Store) -> None:
    change = {"titel": "x", "priority": 9, "user_id": "somebody", "goal_id": "no goal"}
    found = [x.rule for x in said(shared_store, VALIDATOR, make, Look(change=change))]
    assert found == ["G1", "G2", "G4", "G9"]


@pytest.mark.parametrize("room", NUMBERED)
def test_each_rule_says_what_it_accepts_or_refuses(room: str) -> None:
    rules = importlib.import_module(f"bmaddb.coaching.rules.{room}")
    numbered = [
        rule for name, rule in vars(rules).items() if name.startswith(NUMBERED[room][0].lower()) and "_" in name
    ]
    said = [
        (rule.__doc__ or "").split(" ")[0] for rule in numbered if getattr(rule, "__module__", "") == rules.__name__
    ]
    assert len(said) >= NUMBERED[room][1]
    assert {*said} <= {"Accepts", "Refuses", "Warns"}
