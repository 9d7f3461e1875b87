"""What a merge may leave, one by one: `reconcile` puts it right, once, and leaves alone what fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.checks import verify_file
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.store import Store
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.tasks_productivity import UserProgress
from bmaddb.modules.user_management import MbtiProfile, UserPreferences
from tests.coaching.acts import all_hold, done, plan
from tests.coaching.ground import OTHER_DEVICE, POLICY, consent

Spoil = Callable[[Store], None]


def statement(sql: str) -> Spoil:
    def spoil(store: Store) -> None:
        with store.apply() as connection:
            connection.execute(sql)

    return spoil


def withdrawn_elsewhere(purpose: str) -> Spoil:
    """The decision came by sync; what rested on it did not."""

    def spoil(store: Store) -> None:
        with store.write() as tx:
            consent(tx, purpose, "withdrawn", acted_at=store.query(MbtiProfile).one().assessed_at.replace(hour=23))

    return spoil


SPOILED: dict[str, tuple[Spoil, str]] = {
    "a sum beside its parts": (statement("update user_progress set value = 0"), "verify_progress_updated"),
    "a best below the value": (statement("update user_progress set best_value = 0"), "verify_progress_updated"),
    "no current type": (statement("update mbti_profiles set is_current = 0"), "verify_mbti_profile_valid"),
    "half quiet hours": (
        statement("update user_preferences set quiet_hours_end = '07:00'"),
        "verify_preferences_initialized",
    ),
    "a channel less": (
        statement("update user_preferences set notification_channels = '{}'"),
        "verify_preferences_initialized",
    ),
    "profiling without consent": (withdrawn_elsewhere("personality_profiling"), "verify_preferences_initialized"),
    "analytics without consent": (withdrawn_elsewhere("analytics"), "verify_preferences_initialized"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_it_is_put_right_once(ada: Store, name: str) -> None:
    done(ada, ops.coaching_session(plan()))
    assert reconcile(ada) == 0
    spoil, check = SPOILED[name]
    spoil(ada)
    assert check in {outcome.name for outcome in verify_file(ada) if not outcome.ok}
    assert reconcile(ada) > 0
    all_hold(ada)
    assert reconcile(ada) == 0


def test_a_type_without_consent_is_declined_by_the_decision(ada: Store) -> None:
    withdrawn_elsewhere("personality_profiling")(ada)
    reconcile(ada)
    declined = ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one()  # noqa: E712
    assert declined.id.startswith("declined-")
    assert ada.query(UserPreferences).one().mbti_optimisation == "off"
    granted = ops.Consent("personality_profiling", POLICY, "0" * 64, method="settings")
    ada.clock.advance(86_400_000)  # type: ignore[attr-defined]
    done(ada, ops.record_consent(granted))
    done(ada, ops.switch_type({"type_code": "INTJ", "source": "self_declared"}))
    assert reconcile(ada) == 0
    all_hold(ada)


def test_what_was_derived_of_a_type_goes_with_the_consent(ada: Store) -> None:
    typed_insight(ada)
    withdrawn_elsewhere("personality_profiling")(ada)
    reconcile(ada)
    assert [row.source for row in ada.query(MbtiProfile).all()] == ["declined"]
    assert ada.query(MbtiInsight).all() == []
    all_hold(ada)


def test_who_has_an_account_and_no_determination_declines(ada: Store) -> None:
    """As an older version left who withdrew her consent."""
    withdrawn_elsewhere("personality_profiling")(ada)
    statement("delete from mbti_profiles")(ada)
    assert reconcile(ada) > 0
    all_hold(ada)
    assert reconcile(ada) == 0


def test_a_type_of_which_nothing_was_decided_is_declined_and_kept(ada: Store) -> None:
    statement("delete from consent_records where purpose = 'personality_profiling'")(ada)
    assert reconcile(ada) > 0
    sources = {row.source: row.is_current for row in ada.query(MbtiProfile).all()}
    assert sources == {"self_declared": False, "declined": True}
    assert reconcile(ada) == 0


def test_a_type_at_the_end_of_time_of_which_nothing_was_decided_stays_as_it_is(
    ada: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """No row that declines comes after it."""
    statement("delete from consent_records where purpose = 'personality_profiling'")(ada)
    statement("update mbti_profiles set assessed_at = 253402300799999")(ada)
    statement("update user_preferences set quiet_hours_end = '07:00'")(ada)
    assert reconcile(ada) > 0
    assert reconcile(ada) == 0
    assert [row.source for row in ada.query(MbtiProfile).all()] == ["self_declared"]
    assert [record.getMessage()[:13] for record in caplog.records if record.name == "bmaddb.coaching"] == [
        "mbti_profiles"
    ]


def typed_insight(store: Store) -> None:
    """One that rests on the type in use."""
    insight = ops.Insight(kind="strength", title="Depth", body="You look for what is behind things.", type_code="INFJ")
    done(store, ops.coaching_session(plan(insights=(insight,))))
    assert store.query(MbtiInsight).one().mbti_profile_id is not None


def test_of_two_sessions_on_this_device_the_older_is_paused(ada: Store) -> None:
    [older] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    done(ada, ops.change_session(older, changes={"status": "paused"}))
    [newer] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    statement(f"update coaching_sessions set status = 'in_progress' where id = '{older}'")(ada)
    assert {outcome.name for outcome in verify_file(ada) if not outcome.ok} == {"verify_session_integrity"}
    assert reconcile(ada) == 1
    states = {row.id: row.status for row in ada.query(CoachingSession).where(CoachingSession.kind == "regular").all()}
    assert states == {older: "paused", newer: "in_progress"}
    all_hold(ada)


def test_seconds_that_both_devices_counted_are_taken_back_from_our_own(ada: Store) -> None:
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    counts: dict[str, Any] = {ada.device_id: [600, "b"], OTHER_DEVICE: [60, "a"]}
    with ada.apply() as connection:
        connection.execute(
            "update coaching_sessions set device_seconds = ? where id = ?", (json.dumps(counts), session_id)
        )
    assert reconcile(ada) == 1
    row = ada.get(CoachingSession, session_id)
    assert row is not None
    assert row.device_seconds[OTHER_DEVICE] == [60, "a"]
    all_hold(ada)


def test_where_everything_fits_nothing_is_written_or_sent(ada: Store) -> None:
    before = ada.sql("select count(*) from outbox_operations")
    assert reconcile(ada) == 0
    assert ada.sql("select count(*) from outbox_operations") == before
    assert ada.query(UserProgress).all() == []
