"""A clock ran ahead and was set right: what the user does after that counts at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bmaddb.account.consents import grant
from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.atomic import OuterContext, OuterStep, Status
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.tasks_productivity import Habit, Task, UserProgress
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.schema.counters import total
from bmaddb.testing import ManualClock
from tests.coaching.acts import all_hold, done, plan, rules, run
from tests.coaching.ground import NOW_MS, POLICY, open_store, settle

DAY_MS = 86_400_000


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Store]:
    made = open_store(tmp_path / "user.db")
    Outbox(made)
    settle(made)
    yield made
    made.close()


@contextmanager
def ahead(store: Store, days: int) -> Iterator[None]:
    """Within, the clock of the device runs ahead; behind it, it is a minute later."""
    clock = store.clock
    assert isinstance(clock, ManualClock)
    right_ms = clock.now_ms()
    clock.set_wall(right_ms + days * DAY_MS)
    yield
    clock.set_wall(right_ms + 60_000)


def consent(purpose: str, action: str) -> ops.Consent:
    return ops.Consent(purpose, POLICY, "0" * 64, action=action, method="settings")


@pytest.mark.parametrize("purpose", ["ai_processing", "analytics", "personality_profiling"])
@pytest.mark.parametrize("action", ["withdrawn", "refused"])
def test_a_consent_is_withdrawn_and_granted_again_at_once(ada: Store, purpose: str, action: str) -> None:
    with ahead(ada, 30):
        done(ada, ops.record_consent(consent(purpose, "granted")))
    for _ in range(2):
        done(ada, ops.record_consent(consent(purpose, action)))
        assert grant(ada, purpose) is None
        done(ada, ops.record_consent(consent(purpose, "granted")))
        assert grant(ada, purpose) is not None
    done(ada, ops.record_consent(consent(purpose, action)))
    reconcile(ada)
    assert grant(ada, purpose) is None
    said = ada.query(ConsentRecord).where(ConsentRecord.purpose == purpose).all()
    assert len({record.acted_at for record in said}) == len(said)


def test_no_model_coaches_once_the_consent_is_withdrawn(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.record_consent(consent("ai_processing", "granted")))
    done(ada, ops.record_consent(consent("ai_processing", "withdrawn")))
    guided = plan(session={"kind": "regular", "coach_kind": "ai"})
    assert {"S3"} <= rules(run(ada, ops.coaching_session(guided)))


def test_a_decision_with_a_right_clock_has_the_moment_it_was_made(ada: Store) -> None:
    done(ada, ops.record_consent(consent("analytics", "withdrawn")))
    last = ada.query(ConsentRecord).order_by(ConsentRecord.acted_at.desc()).first()
    assert last is not None
    assert last.acted_at.timestamp() * 1000 == NOW_MS + 1_000


def test_a_type_that_is_dated_ahead_is_followed_by_the_next(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.switch_type({"type_code": "ENTP", "source": "self_declared"}))
    for code in ("ISTJ", "ESFP"):
        done(ada, ops.switch_type({"type_code": code, "source": "self_declared"}))
        reconcile(ada)
        assert [row.type_code for row in ada.query(MbtiProfile).where(MbtiProfile.is_current == True).all()] == [code]  # noqa: E712 -- SQL
    done(ada, ops.switch_type(None))
    assert ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one().source == "declined"  # noqa: E712 -- SQL
    all_hold(ada)


def test_consent_to_profiling_is_withdrawn_also_of_a_type_that_is_dated_ahead(ada: Store) -> None:
    with ahead(ada, 30):
        done(ada, ops.switch_type({"type_code": "ENTP", "source": "self_declared"}))
    done(ada, ops.record_consent(consent("personality_profiling", "withdrawn")))
    assert grant(ada, "personality_profiling") is None
    assert ada.query(UserPreferences).one().mbti_optimisation == "off"
    assert ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one().source == "declined"  # noqa: E712 -- SQL
    assert reconcile(ada) == 0
    all_hold(ada)


def test_a_type_far_ahead_of_a_right_clock_is_still_refused(ada: Store) -> None:
    dated = ops.switch_type(
        {"type_code": "ISTJ", "source": "self_declared", "assessed_at": moment(NOW_MS + 2 * DAY_MS)}
    )
    refused = run(ada, dated)
    assert refused.status is Status.ROLLED_BACK
    assert "M8" in rules(refused)


# -- progress ---------------------------------------------------------------------------------------------------


def day_of_all(store: Store, metric: str) -> tuple[int, str | None]:
    row = store.query(UserProgress).where(UserProgress.metric_code == metric, UserProgress.period_key == "all").one()
    return row.value, row.last_activity_on


def test_what_counts_is_counted_after_a_day_that_lay_ahead(ada: Store) -> None:
    with ada.write() as tx:
        habit = tx.insert(Habit, name="walk", rrule="FREQ=DAILY")
        task = tx.insert(Task, title="post the letter")
    with ahead(ada, 60):
        done(ada, ops.check_in(3))
    assert day_of_all(ada, "checkins") == (1, "2027-01-28")
    done(ada, ops.check_in(3))
    done(ada, ops.complete_task(task.id))
    done(ada, ops.log_habit(habit.id))
    done(ada, ops.fill_wheel({"work": 5}))
    begun = plan(session={"id": "begun", "kind": "regular", "coach_kind": "self"})
    done(ada, ops.coaching_session(begun))
    done(ada, ops.change_session("begun", changes={"status": "completed"}, active_seconds=1))
    for metric, count in {"checkins": 2, "tasks_done": 1, "wheels_filled": 1, "active_days": 2}.items():
        assert day_of_all(ada, metric) == (count, "2026-11-29")
    reconcile(ada)
    assert reconcile(ada) == 0
    all_hold(ada)


def test_a_day_counts_once_also_when_a_merge_brings_the_day_ahead_back(ada: Store) -> None:
    with ahead(ada, 60):
        done(ada, ops.check_in(3))
    for _ in range(3):
        done(ada, ops.check_in(3))
        assert day_of_all(ada, "active_days")[0] == 2
        with ada.write() as tx:  # a merge keeps the latest of two days
            for row in tx.query(UserProgress).where(UserProgress.period_key == "all").all():
                tx.update(row, last_activity_on="2027-01-28")
        assert reconcile(ada) == 0
        all_hold(ada)
    assert day_of_all(ada, "checkins")[0] == 4
    ada.clock.advance(DAY_MS)  # type: ignore[attr-defined]
    done(ada, ops.check_in(3))
    assert day_of_all(ada, "active_days") == (3, "2026-11-30")


def test_a_task_is_taken_back_also_beside_a_day_that_lies_ahead(ada: Store) -> None:
    with ada.write() as tx:
        task = tx.insert(Task, title="post the letter")
    done(ada, ops.complete_task(task.id))
    with ahead(ada, 60), ada.write() as tx:
        for row in tx.query(UserProgress).where(UserProgress.metric_code == "tasks_done").all():
            tx.update(row, last_activity_on="2027-01-28")
    done(ada, ops.reopen_task(task.id))
    assert day_of_all(ada, "tasks_done")[0] == 0


# -- sessions ---------------------------------------------------------------------------------------------------


def begin_ahead(store: Store, days: int = 3) -> None:
    with ahead(store, days):
        done(store, ops.coaching_session(plan(session={"id": "begun", "kind": "regular", "coach_kind": "self"})))


@pytest.mark.parametrize("status", ["completed", "abandoned"])
@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("seconds", [0, 1_800])
def test_a_session_that_begins_ahead_ends_and_makes_room(ada: Store, status: str, paused: bool, seconds: int) -> None:
    begin_ahead(ada)
    if paused:
        done(ada, ops.change_session("begun", changes={"status": "paused"}, active_seconds=60))
        done(ada, ops.change_session("begun", changes={"status": "in_progress"}))
    ending = ops.change_session(
        "begun",
        changes={"status": status, "mood_after": 4},
        active_seconds=seconds,
        progress={"sessions_completed": 1},
        events=[ops.Event("session.started", {"coach": "self"})],
        insights=[ops.Insight(kind="pattern", title="Mornings", body="You begin sessions in the morning.")],
    )
    done(ada, ending)
    row = ada.get(CoachingSession, "begun")
    assert row is not None
    assert row.started_at is not None
    assert row.ended_at == row.started_at + timedelta(seconds=seconds + 60 * paused)
    assert reconcile(ada) == 0
    done(ada, ops.coaching_session(plan()))
    all_hold(ada)


def test_what_was_active_stays_counted_while_the_start_lies_ahead(ada: Store) -> None:
    begin_ahead(ada)
    done(ada, ops.change_session("begun", changes={"status": "paused"}, active_seconds=1_800))
    assert reconcile(ada) == 0
    row = ada.get(CoachingSession, "begun")
    assert row is not None
    assert total(row.device_seconds) == 1_800
    all_hold(ada)


def test_a_session_that_begins_ahead_is_undone_whole(ada: Store) -> None:
    """It is undone behind the moment in which the clock was set right, and the server has seen it."""
    clock = ada.clock
    assert isinstance(clock, ManualClock)

    def set_right(context: OuterContext) -> None:
        with ada.apply() as connection:
            connection.execute("update coaching_sessions set server_seq = 1 where id = 'begun'")
        clock.set_wall(NOW_MS + 60_000)
        raise ConnectionError("the reminder fails")

    step = OuterStep("remind", set_right, lambda context: None)
    session = {"id": "begun", "kind": "regular", "coach_kind": "self"}
    clock.set_wall(NOW_MS + 3 * DAY_MS)
    assert run(ada, ops.coaching_session(plan(session=session, after=(step,)))).status is Status.COMPENSATED
    row = ada.get(CoachingSession, "begun")
    assert row is not None
    assert (row.status, row.ended_at) == ("abandoned", row.started_at)
    all_hold(ada)
