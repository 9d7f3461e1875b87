"""C1 to C11, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.coaching_session import CoachingSessionValidator
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.chat_journal import CoachingSession
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import OTHER_DEVICE, area_id, at, consent, session_row

DAY_MS = 86_400_000


def stored(**columns: Any) -> Any:
    """The session as it was stored."""
    return lambda tx: tx.insert(CoachingSession, id="old", **session_row(txn_id="earlier", **columns))


def an_intake(status: str) -> Any:
    moments = {"started_at": None, "scheduled_at": at(hours=5)}
    return lambda tx: tx.insert(
        CoachingSession, id="intake", **session_row(kind="intake", status=status, txn_id="earlier", **moments)
    )


def a_session_of_the_talk(tx: WriteTransaction) -> None:
    tx.insert(CoachingSession, id="other", **session_row(conversation_id="talk", txn_id="earlier"))


def share_with_coach(tx: WriteTransaction) -> None:
    consent(tx, "share_with_coach")


CASES = (
    Case(
        rule="C1",
        column="kind",
        good=Look(change={"kind": "intake"}, prepare=an_intake("cancelled")),
        bad=Look(change={"kind": "intake"}, prepare=an_intake("scheduled")),
    ),
    Case(
        rule="C2",
        column="status",
        good=Look(before=stored(), change={"status": "paused"}),
        bad=Look(before=stored(), change={"status": "cancelled"}),
    ),
    Case(
        rule="C3",
        column="ended_at",
        good=Look(before=stored(), change={"status": "completed", "ended_at": at()}),
        bad=Look(before=stored(), change={"status": "completed"}),
    ),
    Case(
        rule="C4",
        column="device_seconds",
        good=Look(change={"device_seconds": {OTHER_DEVICE: [7_260, "s"]}}),
        bad=Look(change={"device_seconds": {OTHER_DEVICE: [7_261, "s"]}}),
    ),
    Case(
        rule="C5",
        column="mood_after",
        good=Look(change={"mood_before": 1, "mood_after": 5}),
        bad=Look(change={"status": "scheduled", "scheduled_at": at(), "started_at": None, "mood_after": 5}),
    ),
    Case(
        rule="C6",
        column="coach_contact_id",
        good=Look(change={"coach_kind": "human", "coach_contact_id": "coach"}, prepare=share_with_coach),
        bad=Look(change={"coach_kind": "human"}, prepare=share_with_coach),
    ),
    Case(
        rule="C7",
        column="conversation_id",
        good=Look(change={"conversation_id": "talk"}),
        bad=Look(change={"conversation_id": "talk"}, prepare=a_session_of_the_talk),
    ),
    Case(
        rule="C8",
        column="goal_id",
        good=Look(change={"goal_id": "goal", "user_life_area_id": area_id()}),
        bad=Look(change={"goal_id": "no such goal"}),
    ),
    Case(
        rule="C9",
        column="takeaways",
        good=Look(change={"takeaways": ["x" * 500] * 20, "intention": "x" * 2_000}),
        bad=Look(change={"takeaways": ["x"] * 21}),
    ),
    Case(rule="C10", column="txn_id", good=Look(), bad=Look(change={"txn_id": "another"})),
    Case(rule="C11", column="type_at_session", good=Look(), bad=Look(change={"type_at_session": "ENTP"})),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return session_row()


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, CoachingSessionValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, CoachingSessionValidator, make, case)


ENDED = {"status": "completed", "ended_at": at(hours=1)}
MORE = (
    ("C1", "status", Look(change={"status": "completed", "ended_at": at()})),
    ("C2", "status", Look(before=stored(**ENDED), change={"status": "in_progress"}, later_ms=DAY_MS)),
    ("C3", "scheduled_at", Look(change={"status": "scheduled", "started_at": None})),
    ("C3", "scheduled_at", Look(change={"status": "scheduled", "started_at": None, "scheduled_at": at(days=-366)})),
    ("C3", "started_at", Look(change={"started_at": None})),
    ("C3", "ended_at", Look(before=stored(), change={"status": "completed", "ended_at": at(hours=-7)})),
    ("C5", "rating", Look(change={"rating": 6})),
    ("C6", "coach_kind", Look(change={"coach_kind": "human", "coach_contact_id": "coach"})),
    ("C8", "met24_domain_id", Look(change={"met24_domain_id": "nowhere"})),
    ("C9", "summary", Look(change={"summary": "x" * 10_001})),
    ("C11", "type_at_session", Look(change={"type_at_session": None})),
)


@pytest.mark.parametrize(("rule", "column", "look"), MORE, ids=[f"{rule}-{column}" for rule, column, _ in MORE])
def test_more_that_is_rejected(shared_store: Store, rule: str, column: str, look: Look) -> None:
    check_rejects(shared_store, CoachingSessionValidator, make, Case(rule=rule, column=column, good=Look(), bad=look))


def test_a_session_is_reopened_within_a_day(shared_store: Store) -> None:
    look = Look(before=stored(**ENDED), change={"status": "in_progress"})
    check_accepts(shared_store, CoachingSessionValidator, make, Case(rule="C2", good=look, bad=look))


def test_a_model_on_the_device_needs_no_consent(shared_store: Store) -> None:
    def withdrawn(tx: WriteTransaction) -> None:
        consent(tx, "ai_processing", "withdrawn", acted_at=at(minutes=1))

    good = Look(change={"coach_kind": "ai"}, facts={"model_on_device": True}, prepare=withdrawn)
    bad = Look(change={"coach_kind": "ai"}, prepare=withdrawn)
    case = Case(rule="C6", column="coach_kind", good=good, bad=bad)
    check_accepts(shared_store, CoachingSessionValidator, make, case)
    check_rejects(shared_store, CoachingSessionValidator, make, case)
