"""For each consistency check a change of the stored rows that it catches: within an operation, and in a whole file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bmaddb.coaching import checks
from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.device.atomic import Action, CheckOutcome, Operation, RuleContext, Step
from bmaddb.device.store import Store
from bmaddb.modules.chat_journal import Conversation, Message
from tests.coaching.acts import all_hold, done, onboarding, plan, run
from tests.coaching.ground import OTHER_DEVICE, context_of, event_row
from tests.support.server import USER

Data = Callable[[RuleContext], Any]


def spoiled(operation: Operation, table: str, data: Data, action: Action = Action.UPDATE) -> Operation:
    """The same operation with one more step, which no rule looks at."""
    return replace(operation, steps=(*operation.steps, Step("spoil", table, action, data)))


def written(context: RuleContext, step: str, index: int = 0) -> str:
    return str(context.facts["rows"][step][index])


ONBOARDING: tuple[tuple[str, str, Data], ...] = (
    ("verify_user_profile_complete", "users", lambda c: {"id": USER, "display_name": "!"}),
    ("verify_user_profile_complete", "user_devices", lambda c: {"id": c.device_id, "revoked_at": at_now(c)}),
    (
        "verify_mbti_profile_valid",
        "mbti_profiles",
        lambda c: {"id": written(c, "create_mbti_profile"), "dominant": "Te"},
    ),
    (
        "verify_mbti_profile_valid",
        "mbti_profiles",
        lambda c: {"id": written(c, "create_mbti_profile"), "is_current": False},
    ),
    (
        "verify_preferences_initialized",
        "user_preferences",
        lambda c: {"id": written(c, "initialize_preferences"), "quiet_hours_end": "07:00"},
    ),
    (
        "verify_preferences_initialized",
        "user_preferences",
        lambda c: {"id": written(c, "initialize_preferences"), "notification_channels": {}},
    ),
    (
        "verify_coaching_session_created",
        "coaching_sessions",
        lambda c: {"id": written(c, "create_initial_coaching_session"), "status": "cancelled"},
    ),
)
SESSION: tuple[tuple[str, str, Data], ...] = (
    (
        "verify_session_integrity",
        "coaching_sessions",
        lambda c: {"id": written(c, "create_session_record"), "started_at": None},
    ),
    (
        "verify_progress_updated",
        "user_progress",
        lambda c: {"id": written(c, "update_user_progress"), "value": 7},
    ),
    (
        "verify_progress_updated",
        "user_progress",
        lambda c: {
            "id": written(c, "update_user_progress"),
            "device_counts": {c.device_id: [1, "s"], OTHER_DEVICE: [1, "s"]},
            "value": 2,
            "best_value": 2,
        },
    ),
    (
        "verify_insights_updated",
        "mbti_insights",
        lambda c: {"id": written(c, "update_mbti_insights"), "state": "dismissed"},
    ),
    (
        "verify_insights_updated",
        "mbti_insights",
        lambda c: {"id": written(c, "update_mbti_insights"), "evidence": [f"users/{USER}"]},
    ),
)


def at_now(context: RuleContext) -> Any:
    return moment(context.now_ms)


def failed(store: Store, operation: Operation) -> list[str]:
    result = run(store, operation)
    assert result.failure is not None
    assert not result.failure.violations
    assert all(outcome.rows and outcome.message for outcome in result.failure.checks)
    return [outcome.name for outcome in result.failure.checks]


@pytest.mark.parametrize(("check", "table", "data"), ONBOARDING)
def test_a_spoiled_onboarding_is_caught(blank: Store, check: str, table: str, data: Data) -> None:
    assert check in failed(blank, spoiled(ops.user_onboarding(onboarding()), table, data))
    assert blank.sql("select count(*) from users") == [(0,)]


@pytest.mark.parametrize(("check", "table", "data"), SESSION)
def test_a_spoiled_session_is_caught(ada: Store, check: str, table: str, data: Data) -> None:
    assert failed(ada, spoiled(ops.coaching_session(plan()), table, data)) == [check]


def test_an_event_too_many_is_caught(ada: Store) -> None:
    def more(context: RuleContext) -> dict[str, Any]:
        row = event_row(context.reader, txn_id=context.operation_id)  # type: ignore[arg-type]
        return {**row, "occurred_at": at_now(context)}

    spoil = spoiled(ops.coaching_session(plan()), "interaction_analytics", more, Action.INSERT)
    assert failed(ada, spoil) == ["verify_analytics_logged"]


def test_another_metric_may_not_move_on_the_side(ada: Store) -> None:
    def more(context: RuleContext) -> dict[str, Any]:
        counts = {context.device_id: [1, "s"]}
        return {"metric_code": "checkins", "period_key": "all", "device_counts": counts, "value": 1, "best_value": 1}

    spoil = spoiled(ops.coaching_session(plan()), "user_progress", more, Action.INSERT)
    assert failed(ada, spoil) == ["verify_progress_updated"]


# -- a whole file ----------------------------------------------------------------------------------------------

SPOILED_FILE = {
    "verify_user_profile_complete": "update users set display_name = ''",
    "verify_mbti_profile_valid": "update mbti_profiles set is_current = 0",
    "verify_preferences_initialized": "update user_preferences set prefs_version = 0",
    "verify_coaching_session_created": "update coaching_sessions set txn_id = 'the same'",
    "verify_session_integrity": "update coaching_sessions set started_at = null where status = 'in_progress'",
    "verify_progress_updated": "update user_progress set best_value = 0",
    "verify_analytics_logged": "update consent_records set action = 'refused' where purpose = 'analytics'",
    "verify_insights_updated": "update mbti_insights set superseded_by_id = id, state = 'superseded'",
}


def outcome(store: Store, name: str) -> CheckOutcome:
    found: CheckOutcome = getattr(checks, name)(context_of(store, now_ms=store.clock.now_ms()))
    return found


@pytest.mark.parametrize("name", SPOILED_FILE)
def test_a_spoiled_file_is_caught(ada: Store, name: str) -> None:
    done(ada, ops.coaching_session(plan()))
    all_hold(ada)
    with ada.apply() as connection:
        connection.execute("pragma ignore_check_constraints = on")
        connection.execute(SPOILED_FILE[name])
        connection.execute("pragma ignore_check_constraints = off")
    found = outcome(ada, name)
    assert not found.ok
    assert found.rows
    assert found.message


def test_all_eight_are_spoiled_here() -> None:
    assert [check.__name__ for check in checks.CHECKS] == list(SPOILED_FILE)  # type: ignore[attr-defined]
    assert {check for check, _, _ in (*ONBOARDING, *SESSION)} | {"verify_analytics_logged"} == set(SPOILED_FILE)


def test_a_message_outside_of_its_session_is_said_and_not_refused(ada: Store) -> None:
    with ada.write() as tx:
        tx.insert(Conversation, id="talk", kind="coach_chat")
    session = {"kind": "regular", "coach_kind": "self", "conversation_id": "talk"}
    done(ada, ops.coaching_session(plan(session=session)))
    with ada.write() as tx:
        late = at_now(context_of(ada))
        tx.insert(Message, id="m", conversation_id="talk", role="user", content="hi", sent_at=late.replace(year=2025))
    found = outcome(ada, "verify_session_integrity")
    assert found.ok
    assert "messages/m" in found.message
