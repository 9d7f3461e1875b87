"""A1 to A8, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.analytics import EVENTS_A_DAY_MAX, AnalyticsValidator
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.analytics_tracking import InteractionAnalytics
from bmaddb.modules.user_management import UserPreferences
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import at, consent, event_row


def stored(tx: WriteTransaction) -> Any:
    return tx.insert(InteractionAnalytics, id="event", **event_row(tx))


def many(count: int) -> Any:
    return lambda tx: tx.insert_many(InteractionAnalytics, [event_row(tx)] * count)


def level(name: str) -> Any:
    return lambda tx: tx.update(tx.query(UserPreferences).one(), analytics_level=name)


CASES = (
    Case(rule="A1", column="event_name", good=Look(), bad=Look(change={"event_name": "user.typed"})),
    Case(
        rule="A2",
        column="consent_record_id",
        good=Look(),
        bad=Look(prepare=lambda tx: consent(tx, "analytics", "withdrawn", acted_at=at(minutes=1))),
    ),
    Case(
        rule="A3",
        column="properties",
        good=Look(change={"properties": {"coach": "ai"}}),
        bad=Look(change={"properties": {"coach": "mail ada@example.org"}}),
    ),
    Case(
        rule="A4",
        column="occurred_at",
        good=Look(change={"occurred_at": at(days=30)}),
        bad=Look(change={"occurred_at": at(days=31)}),
    ),
    Case(
        rule="A5",
        column="duration_ms",
        good=Look(change={"duration_ms": 14_400_000}),
        bad=Look(change={"duration_ms": 14_400_001}),
    ),
    Case(rule="A6", good=Look(prepare=many(EVENTS_A_DAY_MAX - 1)), bad=Look(prepare=many(EVENTS_A_DAY_MAX))),
    Case(rule="A7", good=Look(), bad=Look(before=stored, change={"screen": "home"})),
    Case(
        rule="A8",
        column="event_name",
        good=Look(prepare=level("essential"), change={"event_name": "app.opened", "properties": {"cold": True}}),
        bad=Look(prepare=level("essential")),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return event_row(tx)


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, AnalyticsValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, AnalyticsValidator, make, case)


@pytest.mark.parametrize(
    "change",
    [
        {"properties": {"coach": "self", "note": "I feel fine"}},
        {"properties": {"coach": True}},
        {"event_name": "search.used", "properties": {"results": -1}},
        {"event_name": "app.opened", "properties": {"cold": "yes"}},
    ],
)
def test_no_property_says_more_than_the_list(shared_store: Store, change: dict[str, Any]) -> None:
    look = Look(change=change)
    check_rejects(shared_store, AnalyticsValidator, make, Case(rule="A3", column="properties", good=Look(), bad=look))


def test_an_event_lies_within_its_session(shared_store: Store) -> None:
    look = Look(change={"coaching_session_id": "done", "occurred_at": at(hours=4)})
    check_rejects(shared_store, AnalyticsValidator, make, Case(rule="A4", column="occurred_at", good=Look(), bad=look))
