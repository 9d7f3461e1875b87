"""The named operations on a real file: what they leave, and what they leave when they fail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.checks import ONBOARDING_CHECKS, SESSION_CHECKS
from bmaddb.coaching.rules.analytics import EVENTS_A_DAY_MAX
from bmaddb.coaching.rules.progress import COUNTED_MAX
from bmaddb.device.atomic import OuterContext, OuterStep, Rollback, Status
from bmaddb.device.store import Store
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.analytics_tracking import FeatureUsageDaily, InteractionAnalytics
from bmaddb.modules.chat_journal import CoachingSession, MoodCheckin
from bmaddb.modules.levensgebieden import LifeAreaAssessment, UserLifeArea
from bmaddb.modules.subscription_payment import UsageCounter
from bmaddb.modules.sync_status import OperationJournal, OutboxOperation, ServerRequest
from bmaddb.modules.tasks_productivity import Habit, HabitLog, Task, UserProgress
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, User, UserDevice, UserPreferences
from bmaddb.schema.counters import total
from bmaddb.schema.kinds import milliseconds
from bmaddb.schema.natural_keys import natural_id
from bmaddb.testing import ManualClock
from tests.coaching.acts import all_hold, done, onboarding, plan, rules, run
from tests.coaching.ground import POLICY, PURPOSES, at, consent, event_row
from tests.support.server import USER

# -- onboarding ------------------------------------------------------------------------------------------------


def test_an_onboarding_has_the_steps_and_checks_of_the_vision() -> None:
    operation = ops.user_onboarding(onboarding())
    names = [step.name for step in operation.steps]
    vision = (
        "create_user_profile",
        "create_mbti_profile",
        "initialize_preferences",
        "create_initial_coaching_session",
    )
    assert [name for name in names if name in vision] == list(vision)
    assert operation.strategy is Rollback.REVERSE
    assert operation.checks == ONBOARDING_CHECKS
    assert [check.__name__ for check in ONBOARDING_CHECKS] == [  # type: ignore[attr-defined]
        "verify_user_profile_complete",
        "verify_mbti_profile_valid",
        "verify_preferences_initialized",
        "verify_coaching_session_created",
    ]


def test_an_onboarding_leaves_one_whole_user_and_one_entry(blank: Store) -> None:
    done(blank, ops.user_onboarding(onboarding()))
    user = blank.query(User).one()
    assert (user.id, user.display_name, user.onboarding_status) == (USER, "Ada", "completed")
    profile = blank.query(MbtiProfile).one()
    assert (profile.dominant, profile.confidence, profile.is_current) == ("Ni", 0.35, True)
    session = blank.query(CoachingSession).one()
    assert (session.kind, session.status, session.type_at_session) == ("intake", "scheduled", "INFJ")
    assert blank.query(UserDevice).one().id == blank.device_id
    assert blank.sql("select count(*) from outbox_operations") == [(1,)]
    all_hold(blank)


@pytest.mark.parametrize(
    ("change", "rule", "step"),
    [
        ({"sixteen_or_older": False}, "U6", "create_user_profile"),
        ({"personality": {"type_code": "XXXX", "source": "self_declared"}}, "M1", "create_mbti_profile"),
        ({"preferences": {"quiet_hours_start": "22:00"}}, "P3", "initialize_preferences"),
        ({"session": {"coach_kind": "human"}}, "C6", "create_initial_coaching_session"),
    ],
)
def test_an_onboarding_that_fails_leaves_nothing(blank: Store, change: dict[str, Any], rule: str, step: str) -> None:
    result = run(blank, ops.user_onboarding(onboarding(**change)))
    assert rule in rules(result)
    assert result.failure is not None
    assert result.failure.step == step
    for record in (User, UserDevice, ConsentRecord, MbtiProfile, UserPreferences, CoachingSession):
        assert blank.query(record).all() == []
    assert blank.sql("select count(*) from outbox_operations") == [(0,)]


def test_who_declines_a_type_has_none_and_no_optimising(blank: Store) -> None:
    done(blank, ops.user_onboarding(onboarding(personality=None, preferences={})))
    profile = blank.query(MbtiProfile).one()
    assert (profile.source, profile.type_code, profile.influence) == ("declined", None, 0.0)
    all_hold(blank)


def test_a_check_stops_an_onboarding_without_a_needed_consent(blank: Store) -> None:
    consents = tuple(ops.Consent(purpose, POLICY, "0" * 64) for purpose in PURPOSES if purpose != "special_category")
    result = run(blank, ops.user_onboarding(onboarding(consents=consents)))
    assert result.failure is not None
    assert [outcome.name for outcome in result.failure.checks] == ["verify_user_profile_complete"]
    assert blank.query(User).all() == []


# -- a session -------------------------------------------------------------------------------------------------


def test_a_session_has_the_steps_and_checks_of_the_vision() -> None:
    operation = ops.coaching_session(plan())
    names = [step.name for step in operation.steps]
    vision = (
        "validate_session_prerequisites",
        "create_session_record",
        "update_user_progress",
        "log_interaction_analytics",
        "update_mbti_insights",
    )
    assert [name for name in names if name in vision] == list(vision)
    assert operation.strategy is Rollback.COMPENSATE
    assert operation.checks == SESSION_CHECKS


def test_a_session_is_begun_and_completed(ada: Store) -> None:
    begun = done(ada, ops.coaching_session(plan()))
    [session_id] = begun.ids("create_session_record")
    assert ada.query(UsageCounter).one().used == 1
    assert ada.query(InteractionAnalytics).one().coaching_session_id == session_id
    insight = ada.query(MbtiInsight).one()
    assert (insight.state, insight.evidence) == ("new", [f"coaching_sessions/{session_id}"])
    ada.clock.advance(30 * 60_000)  # type: ignore[attr-defined]
    completing = {"changes": {"status": "completed", "mood_after": 4}, "active_seconds": 1_800}
    done(ada, ops.change_session(session_id, **completing))  # type: ignore[arg-type]
    session = ada.get(CoachingSession, session_id)
    assert session is not None
    assert session.status == "completed"
    assert session.ended_at is not None
    values = {(row.metric_code, row.period_key): row.value for row in ada.query(UserProgress).all()}
    assert values["sessions_completed", "all"] == 1
    assert values["coaching_minutes", "2026-11"] == 30
    assert values["active_days", "2026-W48"] == 1
    all_hold(ada)


def test_completing_twice_counts_once(ada: Store) -> None:
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    for _ in range(2):
        done(ada, ops.change_session(session_id, changes={"status": "completed"}))
        done(ada, ops.change_session(session_id, changes={"status": "in_progress"}))
    counted = ada.query(UserProgress).where(UserProgress.metric_code == "sessions_completed").all()
    assert {row.value for row in counted} == {1}
    all_hold(ada)


def test_a_session_completed_again_in_the_next_month_counts_in_the_first(ada: Store) -> None:
    clock = ada.clock
    assert isinstance(clock, ManualClock)
    clock.set_wall(milliseconds(datetime(2026, 11, 30, 22, 30, tzinfo=UTC)))
    [session_id] = done(ada, ops.coaching_session(plan(progress={}))).ids("create_session_record")
    clock.advance(15 * 60_000)
    done(ada, ops.change_session(session_id, changes={"status": "completed"}, active_seconds=600))
    clock.advance(30 * 60_000)  # it is December in Amsterdam
    done(ada, ops.change_session(session_id, changes={"status": "in_progress", "ended_at": None}))
    done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    for metric, value in (("sessions_completed", 1), ("coaching_minutes", 10)):
        rows = ada.query(UserProgress).where(UserProgress.metric_code == metric).all()
        assert {row.period_key: row.value for row in rows} == {"all": value, "2026-11": value, "2026-W49": value}
    all_hold(ada)


def test_an_old_session_is_completed_after_many_newer_ones(ada: Store) -> None:
    """The last 64 are remembered, and the one that is counted now is among them."""
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    newer = [f"{chr(ord(session_id[0]) + 1)}{number:02}" for number in range(COUNTED_MAX)]
    with ada.write() as tx:
        tx.insert(UserProgress, metric_code="sessions_completed", period_key="all", counted_sessions=newer)
    done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    row = progress(ada, "sessions_completed")
    assert row.counted_sessions == [session_id, *newer[1:]]
    assert row.value == 1


def test_without_consent_a_session_keeps_no_event(ada: Store) -> None:
    done(ada, ops.record_consent(ops.Consent("analytics", POLICY, "0" * 64, action="withdrawn")))
    begun = done(ada, ops.coaching_session(plan()))
    assert ada.query(InteractionAnalytics).all() == []
    line = ada.get(OperationJournal, begun.operation_id)
    assert line is not None
    assert "skipped: no_consent" in str(line.checks)
    all_hold(ada)


def test_above_five_hundred_a_day_events_are_counted_and_not_kept(ada: Store) -> None:
    with ada.write() as tx:
        row = event_row(tx, occurred_at=moment(ada.clock.now_ms()))
        tx.insert_many(InteractionAnalytics, [row] * EVENTS_A_DAY_MAX)
    done(ada, ops.coaching_session(plan()))
    assert ada.query(InteractionAnalytics).count() == EVENTS_A_DAY_MAX
    dropped = ada.query(FeatureUsageDaily).one()
    assert (dropped.feature_code, total(dropped.device_counts)) == ("analytics.dropped", 1)
    all_hold(ada)


def test_a_second_session_on_the_same_device_is_refused(ada: Store) -> None:
    done(ada, ops.coaching_session(plan()))
    result = run(ada, ops.coaching_session(plan()))
    assert rules(result) == {"S6"}
    assert result.failure is not None
    assert result.failure.step == "validate_session_prerequisites"
    assert len(ada.query(CoachingSession).where(CoachingSession.kind == "regular").all()) == 1


def test_a_planned_session_does_not_begin_beside_another(ada: Store) -> None:
    intake = ada.query(CoachingSession).one()
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    assert rules(run(ada, ops.change_session(intake.id, changes={"status": "in_progress"}))) == {"S6"}
    done(ada, ops.change_session(session_id, changes={"status": "paused"}, active_seconds=1))
    done(ada, ops.change_session(intake.id, changes={"status": "in_progress"}))
    assert rules(run(ada, ops.change_session(session_id, changes={"status": "in_progress"}))) == {"S6"}
    all_hold(ada)


def test_the_plan_allows_eight_sessions_a_month(ada: Store) -> None:
    for _ in range(8):
        [session_id] = done(ada, ops.coaching_session(plan(insights=()))).ids("create_session_record")
        done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    assert rules(run(ada, ops.coaching_session(plan()))) == {"S5"}


def test_an_insight_is_superseded_by_a_newer_one(ada: Store) -> None:
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    [old] = ada.query(MbtiInsight).all()
    done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    newer = ops.Insight(kind="pattern", title="Evenings", body="You begin sessions in the evening.", supersedes=old.id)
    done(ada, ops.coaching_session(plan(insights=(newer,))))
    row = ada.get(MbtiInsight, old.id)
    assert row is not None
    assert row.state == "superseded"
    assert row.superseded_by_id is not None
    all_hold(ada)


def test_wording_that_needs_a_person_is_not_shown(ada: Store) -> None:
    unfit = ops.Insight(kind="pattern", title="Je bent altijd moe", body="Dit lijkt op een depressie, zie je dat?")
    result = done(ada, ops.coaching_session(plan(insights=(unfit,))))
    assert ada.query(MbtiInsight).one().state == "needs_review"
    assert result.ok


# -- every day -------------------------------------------------------------------------------------------------


def value(store: Store, metric: str) -> int:
    rows = store.query(UserProgress).where(UserProgress.metric_code == metric, UserProgress.period_key == "all").all()
    return rows[0].value if rows else 0


def progress_id(metric: str) -> str:
    key = {"user_id": USER, "metric_code": metric, "period_key": "all"}
    return natural_id(UserProgress.__table__, key)


def progress(store: Store, metric: str) -> UserProgress:
    row = store.get(UserProgress, progress_id(metric))
    assert row is not None
    return row


def active_days(store: Store) -> tuple[int, str | None, int]:
    row = progress(store, "active_days")
    return row.value, row.last_activity_on, row.streak_current


def test_a_mood_is_measured_and_counted(ada: Store) -> None:
    done(ada, ops.check_in(4, stress=2))
    done(ada, ops.check_in(3))
    assert [row.mood for row in ada.query(MoodCheckin).all()] == [4, 3]
    assert (value(ada, "checkins"), value(ada, "active_days")) == (2, 1)
    assert rules(run(ada, ops.check_in(6))) == {"G2"}
    all_hold(ada)


def test_a_task_is_done_with_its_habits_and_can_be_reopened(ada: Store) -> None:
    with ada.write() as tx:
        tx.insert(Task, id="task", title="Run")
        tx.insert(Habit, id="habit", name="Move", target_count=2)
    done(ada, ops.complete_task("task", ["habit"]))
    assert (value(ada, "tasks_done"), value(ada, "habits_done")) == (1, 1)
    assert ada.query(HabitLog).one().state == "partial"
    done(ada, ops.log_habit("habit"))
    assert (ada.query(HabitLog).one().state, ada.query(HabitLog).one().total) == ("done", 2)
    assert rules(run(ada, ops.complete_task("task"))) == {"TASK"}
    done(ada, ops.reopen_task("task"))
    assert value(ada, "tasks_done") == 0
    all_hold(ada)


def test_a_habit_that_is_named_twice_is_done_once(ada: Store) -> None:
    with ada.write() as tx:
        tx.insert(Task, id="task", title="Run")
        tx.insert(Habit, id="habit", name="Move", target_count=2)
    done(ada, ops.complete_task("task", ["habit", "habit"]))
    assert (ada.query(HabitLog).one().total, value(ada, "habits_done")) == (1, 1)


def test_a_wheel_is_filled_and_its_scores_follow(ada: Store) -> None:
    done(ada, ops.fill_wheel({"work": 10, "money": 1}, reflections={"work": "busy"}))
    wheel = ada.query(LifeAreaAssessment).one()
    assert (wheel.state, wheel.overall_pct, wheel.balance_index) == ("submitted", 50.0, 0.0)
    assert {row.code: row.current_score for row in ada.query(UserLifeArea).all()} == {"work": 100.0, "money": 0.0}
    assert value(ada, "wheels_filled") == 1
    done(ada, ops.fill_wheel({"work": 3.0}, scoring_version=2, kind="full"))
    assert {row.code: row.current_score for row in ada.query(UserLifeArea).all()} == {"work": 60.0, "money": 0.0}
    assert rules(run(ada, ops.fill_wheel({"work": 11}))) == {"SCORE"}
    assert rules(run(ada, ops.fill_wheel({}))) == {"WHEEL"}
    all_hold(ada)


# -- the account -----------------------------------------------------------------------------------------------


def test_a_type_is_switched_and_the_older_one_retired(ada: Store) -> None:
    done(ada, ops.switch_type({"type_code": "INTJ", "source": "self_declared"}))
    assert {row.type_code: row.is_current for row in ada.query(MbtiProfile).all()} == {"INFJ": False, "INTJ": True}
    result = done(ada, ops.switch_type({"type_code": "ESTJ", "source": "self_declared"}))
    assert "M10" in {violation.rule for violation in result.warnings}
    done(ada, ops.switch_type(None))
    assert ada.query(UserPreferences).one().mbti_optimisation == "off"
    all_hold(ada)


def test_a_withdrawn_consent_ends_what_rested_on_it(ada: Store) -> None:
    done(ada, ops.record_consent(ops.Consent("personality_profiling", POLICY, "0" * 64, action="withdrawn")))
    current = ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one()  # noqa: E712
    assert current.source == "declined"
    assert ada.query(UserPreferences).one().mbti_optimisation == "off"
    assert rules(run(ada, ops.switch_type({"type_code": "INTJ", "source": "self_declared"}))) == {"M7"}
    all_hold(ada)
    assert [row.source for row in ada.query(MbtiProfile).all()] == ["declined"], "what was said of a type is gone"


def test_nothing_is_adapted_for_who_declined_a_type(ada: Store) -> None:
    done(ada, ops.switch_type(None))
    assert rules(run(ada, ops.change_settings({"mbti_optimisation": "adaptive"}))) == {"P5"}
    done(ada, ops.change_settings({"theme": "dark"}))
    done(ada, ops.switch_type({"type_code": "INTJ", "source": "self_declared"}))
    done(ada, ops.change_settings({"mbti_optimisation": "adaptive"}))
    all_hold(ada)


def test_settings_are_changed_by_their_rules(ada: Store) -> None:
    done(ada, ops.change_settings({"theme": "dark", "quiet_hours_start": "22:00", "quiet_hours_end": "07:00"}))
    assert ada.query(UserPreferences).one().theme == "dark"
    assert rules(run(ada, ops.change_settings({"quiet_hours_end": None}))) == {"P3"}
    all_hold(ada)


def test_a_plan_is_asked_for_until_the_server_decides(ada: Store) -> None:
    entry = ada.query(OutboxOperation).one()
    result = done(ada, ops.request_subscription("free@1"))
    asked = ada.query(ServerRequest).one()
    assert (asked.kind, asked.payload, asked.key) == ("subscribe", {"plan_id": "free@1"}, result.operation_id)
    assert (asked.status, asked.depends_on) == ("waiting", [entry.id])
    assert ada.query(OutboxOperation).one() == entry
    assert rules(run(ada, ops.request_subscription("gold@9"))) == {"PLAN"}
    assert rules(run(ada, ops.cancel_subscription("nothing"))) == {"SUBSCRIPTION"}
    assert rules(run(ada, ops.reserve_quota("export.data"))) == {"QUOTA"}
    assert rules(run(ada, ops.reserve_quota("ai.reply", 0))) == {"QUOTA"}
    done(ada, ops.reserve_quota("ai.reply", 2))
    assert [row.position for row in ada.query(ServerRequest).order_by(ServerRequest.position).all()] == [1, 2]


def test_an_operation_run_again_has_no_second_effect(ada: Store) -> None:
    operation = ops.check_in(4)
    done(ada, operation)
    assert done(ada, operation).repeated
    assert value(ada, "checkins") == 1


# -- what is undone --------------------------------------------------------------------------------------------


def outer(name: str, log: list[str], *, fails: bool = False) -> OuterStep:
    def do(context: OuterContext) -> None:
        log.append(f"do {name}")
        if fails:
            raise ConnectionError("the network is away")

    return OuterStep(name, do, lambda context: log.append(f"undo {name}"))


def test_a_reservation_is_given_back_when_the_session_may_not_be(ada: Store) -> None:
    done(ada, ops.coaching_session(plan()))
    log: list[str] = []
    result = run(ada, ops.coaching_session(plan(before=(outer("reserve", log),))))
    assert rules(result) == {"S6"}
    assert log == []
    bad = plan(session={"kind": "regular", "coach_kind": "human"}, before=(outer("reserve", log),))
    [session_id] = [row.id for row in ada.query(CoachingSession).all() if row.kind == "regular"]
    done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    with ada.write() as tx:
        consent(tx, "share_with_coach")
    assert rules(run(ada, ops.coaching_session(bad))) == {"C6"}
    assert log == ["do reserve", "undo reserve"]


def test_a_session_is_undone_when_its_reminder_fails(ada: Store) -> None:
    log: list[str] = []
    first = outer("reserve", log), outer("remind", log, fails=True)
    before = {row.id: row.value for row in ada.query(UserProgress).all()}
    result = run(ada, ops.coaching_session(plan(before=first[:1], after=first[1:])))
    assert result.status is Status.COMPENSATED
    assert log == ["do reserve", "do remind", "undo remind", "undo reserve"]
    assert [row.kind for row in ada.query(CoachingSession).all()] == ["intake"]
    assert ada.query(InteractionAnalytics).all() == []
    assert [row.state for row in ada.query(MbtiInsight).all()] == ["superseded"]
    assert [row.used for row in ada.query(UsageCounter).all()] == [0]
    after = ada.query(UserProgress).all()
    assert {row.id: row.value for row in after if row.value} == before
    assert all(row.counted_sessions == [] for row in after)
    all_hold(ada)


@pytest.mark.parametrize(
    ("days", "undone", "streak"),
    [(None, (0, None, 0), 1), (1, (1, "2026-11-29", 1), 2), (3, (1, "2026-11-29", 0), 1)],
)
@pytest.mark.parametrize("merged", [False, True])
def test_a_day_whose_session_is_undone_is_counted_by_what_is_done_then(
    ada: Store, days: int | None, undone: tuple[int, str | None, int], streak: int, merged: bool
) -> None:
    if days is not None:
        done(ada, ops.check_in(3))
        ada.clock.advance(days * 86_400_000)  # type: ignore[attr-defined]
    today = str(moment(ada.clock.now_ms()).date())
    assert run(ada, ops.coaching_session(plan(after=(outer("remind", [], fails=True),)))).status is Status.COMPENSATED
    assert active_days(ada) == undone
    if merged and undone[2] == 0:  # the server keeps the later of two days
        with ada.write() as tx:
            tx.update(UserProgress, progress_id("active_days"), last_activity_on=today)
    for _ in range(2):
        done(ada, ops.check_in(4))
        assert active_days(ada) == (undone[0] + 1, today, streak)
    all_hold(ada)


def test_a_day_on_which_more_was_done_stays_counted_when_its_session_is_undone(ada: Store) -> None:
    def checks_in(context: OuterContext) -> None:
        done(ada, ops.check_in(4))
        raise ConnectionError("the reminder fails")

    step = OuterStep("remind", checks_in, lambda context: None)
    assert run(ada, ops.coaching_session(plan(after=(step,)))).status is Status.COMPENSATED
    assert active_days(ada) == (1, "2026-11-29", 1)
    assert progress(ada, "active_days").counted_sessions == []
    all_hold(ada)


def test_what_was_put_aside_stands_again_when_the_new_one_is_undone(ada: Store) -> None:
    [session_id] = done(ada, ops.coaching_session(plan())).ids("create_session_record")
    [old] = ada.query(MbtiInsight).all()
    done(ada, ops.change_session(session_id, changes={"status": "completed"}))
    newer = ops.Insight(kind="pattern", title="Evenings", body="You begin sessions in the evening.", supersedes=old.id)
    failing = plan(insights=(newer,), after=(outer("remind", [], fails=True),))
    assert run(ada, ops.coaching_session(failing)).status is Status.COMPENSATED
    row = ada.get(MbtiInsight, old.id)
    assert row is not None
    assert (row.state, row.superseded_by_id) == ("seen", None)
    all_hold(ada)


@pytest.mark.parametrize(
    ("session", "left"),
    [({}, "abandoned"), ({"status": "scheduled", "scheduled_at": at(hours=-1)}, "cancelled")],
)
def test_what_the_server_has_seen_is_not_removed(ada: Store, session: dict[str, Any], left: str) -> None:
    def pushed(context: OuterContext) -> None:
        with ada.apply() as connection:
            connection.execute("update coaching_sessions set server_seq = 7 where kind = 'regular'")
            connection.execute("update interaction_analytics set server_seq = 8")
        raise ConnectionError("the network is away")

    step = OuterStep("remind", pushed, lambda context: None)
    given = {"kind": "regular", "coach_kind": "self", **session}
    assert run(ada, ops.coaching_session(plan(session=given, after=(step,)))).status is Status.COMPENSATED
    sessions = ada.query(CoachingSession).where(CoachingSession.kind == "regular").all()
    assert [row.status for row in sessions] == [left]
    events = [row.event_name for row in ada.query(InteractionAnalytics).order_by(InteractionAnalytics.event_name).all()]
    assert events == ["session.cancelled", "session.started"]
    all_hold(ada)
