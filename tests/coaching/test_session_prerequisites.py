"""S1 to S9, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.session_prerequisites import SessionPrerequisitesValidator
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.subscription_payment import Entitlement, UsageCounter
from bmaddb.modules.user_management import User, UserDevice
from bmaddb.schema.natural_keys import natural_id
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import OTHER_DEVICE, at, consent, session_row
from tests.support.server import USER

DAY_MS = 86_400_000
ENTITLEMENT = natural_id(Entitlement.__table__, {"user_id": USER, "feature_code": "coaching.session", "source": "plan"})
MONTH_END_MS = 31 * DAY_MS
"""The right to sessions ends in 30 days, its grace in 37."""


def user(**columns: Any) -> Any:
    return lambda tx: tx.update(User, USER, **columns)


def sessions_used(count: int) -> Any:
    counts = {OTHER_DEVICE: [count, "s"]}
    return lambda tx: tx.insert(
        UsageCounter, feature_code="coaching.session", period_key="2026-11", device_counts=counts, used=count
    )


def running_on(device_id: str | None) -> Any:
    def prepare(tx: WriteTransaction) -> None:
        seconds = {device_id or tx_device(tx): [0, "s"]}
        tx.insert(CoachingSession, id="running", **session_row(device_seconds=seconds, txn_id="earlier"))

    return prepare


def tx_device(tx: WriteTransaction) -> str:
    return tx.query(UserDevice).one().id


def suspended(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    """As the server would say it: a device may not."""
    store.writing_connection.execute("update users set account_status = 'suspended'")
    return session_row()


CASES = (
    Case(rule="S1", good=Look(), bad=Look(row=suspended)),
    Case(
        rule="S2",
        column="kind",
        good=Look(prepare=user(onboarding_status="in_progress"), change={"kind": "intake"}),
        bad=Look(prepare=user(onboarding_status="in_progress")),
    ),
    Case(
        rule="S3",
        good=Look(),
        bad=Look(prepare=lambda tx: consent(tx, "special_category", "withdrawn", acted_at=at(minutes=1))),
    ),
    Case(
        rule="S4",
        column="kind",
        good=Look(prepare=user(safety_hold_until=at(days=-1)), change={"kind": "exercise"}),
        bad=Look(prepare=user(safety_hold_until=at(days=-1))),
    ),
    Case(rule="S5", good=Look(prepare=sessions_used(7)), bad=Look(prepare=sessions_used(8))),
    Case(
        rule="S6",
        column="status",
        good=Look(),
        bad=Look(prepare=running_on(None)),
    ),
    Case(
        rule="S7",
        good=Look(facts={"storage_free_bytes": 2 * 1024 * 1024, "storage_share": 0.94}),
        bad=Look(facts={"storage_free_bytes": 1024}),
    ),
    Case(
        rule="S8",
        severity=Severity.WARN,
        good=Look(facts={"stamp_ahead_ms": 299_999}),
        bad=Look(facts={"stamp_ahead_ms": -300_000}),
    ),
    Case(
        rule="S9",
        column="coach_kind",
        severity=Severity.WARN,
        good=Look(change={"coach_kind": "ai"}, facts={"model_reachable": True}),
        bad=Look(change={"coach_kind": "ai"}, facts={"model_reachable": False}),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return session_row()


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, SessionPrerequisitesValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, SessionPrerequisitesValidator, make, case)


def test_a_session_on_another_device_is_offered_not_refused(shared_store: Store) -> None:
    look = Look(prepare=running_on(OTHER_DEVICE))
    case = Case(rule="S6", column="status", severity=Severity.WARN, good=Look(), bad=look)
    check_rejects(shared_store, SessionPrerequisitesValidator, make, case)


def test_offline_the_right_lasts_to_the_end_of_its_grace(shared_store: Store) -> None:
    signed = {"signed_entitlements": [ENTITLEMENT]}
    good = Look(later_ms=MONTH_END_MS, facts=signed)
    check_accepts(shared_store, SessionPrerequisitesValidator, make, Case(rule="S5", good=good, bad=good))


@pytest.mark.parametrize(
    ("later_ms", "facts"),
    [
        (MONTH_END_MS, {}),
        (MONTH_END_MS, {"signed_entitlements": ["another"]}),
        (MONTH_END_MS, {"signed_entitlements": [ENTITLEMENT], "is_online": True}),
        (38 * DAY_MS, {"signed_entitlements": [ENTITLEMENT]}),
    ],
    ids=["no key", "forged", "online", "too late"],
)
def test_the_grace_is_for_signed_rights_offline(shared_store: Store, later_ms: int, facts: dict[str, Any]) -> None:
    bad = Look(later_ms=later_ms, facts=facts)
    check_rejects(shared_store, SessionPrerequisitesValidator, make, Case(rule="S5", good=bad, bad=bad))
