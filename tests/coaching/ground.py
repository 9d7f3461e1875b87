"""One user as the tests find her: a real file, the catalogue, consents, settings, a type, and the right to sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bmaddb.account.type_codes import stack_of
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.rules.insights import basis_hash
from bmaddb.device.atomic import RuleContext
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.ai_machine_learning import AiInteraction
from bmaddb.modules.chat_journal import CoachingSession, Contact, Conversation
from bmaddb.modules.levensgebieden import UserLifeArea
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.subscription_payment import Entitlement
from bmaddb.modules.tasks_productivity import Goal
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, User, UserDevice, UserPreferences
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import milliseconds, to_raw
from bmaddb.schema.natural_keys import natural_id
from bmaddb.testing import ManualClock
from tests.support.server import USER

NOW_MS = milliseconds(datetime.fromisoformat("2026-11-29T12:00:00+00:00"))
POLICY = "2024-05-01"
POLICIES = {"terms": [POLICY], "privacy": [POLICY]}
PURPOSES = ("terms", "privacy", "special_category", "personality_profiling", "ai_processing", "analytics")
OPERATION = "the-operation"
OTHER_DEVICE = "0190aaaa-0000-7000-8000-000000000001"


def at(**back: float) -> datetime:
    """So long before now; negative is later."""
    return moment(NOW_MS) - timedelta(**back)


def open_store(path: Path, seed: int = 1, user: str = USER) -> Store:
    return Store(path, default_catalog(), clock=ManualClock(NOW_MS), entropy=SeededEntropy(seed), user=user, seed=True)


def settle(store: Store) -> None:
    """The user, as she is when her onboarding is over."""
    with store.write() as tx:
        tx.insert(User, **user_row(), onboarding_status="completed")
        for purpose in PURPOSES:
            consent(tx, purpose)
        tx.insert(UserPreferences, **preferences_row())
        tx.insert(MbtiProfile, id="profile", **profile_row())
        tx.insert(
            UserDevice,
            id=store.device_id,
            device_label="the laptop",
            platform="desktop",
            app_version="1",
            schema_version=14,
            public_key="a2V5",
        )
        tx.insert(Contact, id="coach", display_name="Kim", relation="coach", is_coach=True)
        tx.insert(Conversation, id="talk", kind="coach_chat")
        tx.insert(UserLifeArea, code="work", life_area_id="work")
        tx.insert(Goal, id="goal", title="Run")
        tx.insert(CoachingSession, id="done", **session_row(status="completed", ended_at=at(hours=1), txn_id="earlier"))
        tx.insert(AiInteraction, id="call", **call_row())
    grant_sessions(store)


def grant_sessions(store: Store, **columns: Any) -> None:
    """An entitlement, as the server would send it."""
    values = {
        "user_id": store.user,
        "feature_code": "coaching.session",
        "source": "plan",
        "limit_value": 8,
        "period": "month",
        "valid_from": at(days=30),
        "valid_until": at(days=-30),
        "offline_grace_until": at(days=-37),
        "signature": "signed",
        "created_at": at(days=30),
        "updated_at": at(days=30),
        **columns,
    }
    values["id"] = natural_id(Entitlement.__table__, values)
    named = [column for column in Entitlement.__table__.columns if column.name in values]
    with store.apply() as connection:
        connection.execute(
            f"insert into entitlements ({', '.join(column.name for column in named)}) "
            f"values ({', '.join('?' * len(named))})",
            [raw(column, values[column.name]) for column in named],
        )


def raw(column: Column[Any], value: Any) -> Any:
    return None if value is None else to_raw(column.kind, value)


def consent(tx: WriteTransaction, purpose: str, action: str = "granted", **columns: Any) -> ConsentRecord:
    values = {
        "purpose": purpose,
        "action": action,
        "policy_version": POLICY,
        "policy_sha256": "0" * 64,
        "shown_locale": "nl-NL",
        "method": "onboarding",
        "acted_at": at(days=10),
        **columns,
    }
    return tx.insert(ConsentRecord, **values)


def area_id() -> str:
    return natural_id(UserLifeArea.__table__, {"user_id": USER, "code": "work"})


# -- rows without a fault --------------------------------------------------------------------------------------


def user_row(**columns: Any) -> dict[str, Any]:
    return {
        "id": USER,
        "display_name": "Ada",
        "terms_version": POLICY,
        "privacy_version": POLICY,
        "birth_year": 1990,
        **columns,
    }


def profile_row(code: str = "INFJ", **columns: Any) -> dict[str, Any]:
    stack = stack_of(code)
    assert stack is not None
    return {
        "type_code": code,
        "source": "self_declared",
        "confidence": 0.35,
        "is_current": True,
        "assessed_at": at(days=5),
        **stack._asdict(),
        **columns,
    }


def scored_row(**columns: Any) -> dict[str, Any]:
    """INFJ by questionnaire, with four scores."""
    return profile_row(
        **{
            "source": "questionnaire",
            "instrument_code": "preference-sketch",
            "instrument_version": "1",
            "answered_items": 16,
            "total_items": 16,
            "axis_ei": -0.4,
            "axis_sn": 0.6,
            "axis_tf": -0.5,
            "axis_jp": 0.5,
            "confidence": 0.5,
            "assessed_at": at(hours=1),
            **columns,
        }
    )


def preferences_row(**columns: Any) -> dict[str, Any]:
    return {
        "mbti_optimisation": "prior",
        "analytics_level": "full",
        "notification_channels": {"local": False, "push": False, "email": False},
        **columns,
    }


def session_row(**columns: Any) -> dict[str, Any]:
    return {
        "kind": "regular",
        "coach_kind": "self",
        "status": "in_progress",
        "started_at": at(hours=2),
        "type_at_session": "INFJ",
        "txn_id": OPERATION,
        **columns,
    }


def call_row() -> dict[str, Any]:
    return {
        "purpose": "insight",
        "provider": "here",
        "model": "small",
        "ran_on": "device",
        "request_hash": "0" * 64,
        "status": "ok",
        "started_at": at(hours=1),
    }


def progress_row(device_id: str, **columns: Any) -> dict[str, Any]:
    return {
        "metric_code": "sessions_completed",
        "period_key": "all",
        "device_counts": {device_id: [1, "s"]},
        "value": 1,
        "best_value": 1,
        "streak_current": 1,
        "streak_longest": 1,
        "last_activity_on": "2026-11-29",
        **columns,
    }


def event_row(reader: Store | WriteTransaction, **columns: Any) -> dict[str, Any]:
    granted = (
        reader.query(ConsentRecord).where(ConsentRecord.purpose == "analytics", ConsentRecord.action == "granted").one()
    )
    return {
        "event_name": "session.started",
        "occurred_at": at(minutes=1),
        "properties": {"coach": "self"},
        "consent_record_id": granted.id,
        "app_version": "1",
        **columns,
    }


def insight_row(**columns: Any) -> dict[str, Any]:
    kind, evidence = columns.get("kind", "pattern"), columns.get("evidence", ["coaching_sessions/done"])
    valid_from = columns.get("valid_from", at(minutes=1))
    return {
        "kind": kind,
        "title": "Mornings",
        "body": "You often plan hard things for the morning.",
        "evidence": evidence,
        "basis_hash": basis_hash(kind, evidence, valid_from),
        "confidence": 0.3,
        "generated_by": "rule",
        "valid_from": valid_from,
        **columns,
    }


# -- looking ---------------------------------------------------------------------------------------------------


def context_of(
    store: Store, reader: Store | WriteTransaction | None = None, now_ms: int = NOW_MS, user: str = USER, **facts: Any
) -> RuleContext:
    return RuleContext(
        user=user,
        device_id=store.device_id,
        now_ms=now_ms,
        operation_id=OPERATION,
        reader=reader or store,
        facts={"policies": POLICIES, **facts},
    )


class _Undo(Exception):
    """Ends a transaction that is not to be kept."""


@contextmanager
def undone(store: Store) -> Iterator[WriteTransaction]:
    """A transaction that leaves nothing behind."""
    try:
        with store.write() as tx:
            yield tx
            raise _Undo
    except _Undo:
        pass
