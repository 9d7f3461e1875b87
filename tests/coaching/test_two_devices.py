"""Two devices do what they may, offline and interleaved: after sync all eight checks hold on both (D3)."""

from __future__ import annotations

import contextlib
import itertools
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.coaching import operations as ops
from bmaddb.coaching.candidate import moment
from bmaddb.coaching.checks import verify_file
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.atomic import Operation, OperationResult, Operations
from bmaddb.device.store import Store
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.subscription_payment import Entitlement
from bmaddb.modules.tasks_productivity import Habit, Task, UserProgress
from bmaddb.modules.user_management import MbtiProfile, UserPreferences
from bmaddb.personality import questions
from bmaddb.personality.desk import Personality
from bmaddb.schema.kinds import milliseconds
from bmaddb.schema.natural_keys import natural_id
from bmaddb.service.reacting import reactions_of
from tests.coaching.acts import DEVICE, onboarding
from tests.coaching.ground import POLICY
from tests.support.server import RunningServer
from tests.sync.devices import Device, World, world_of

USERS = (str(uuid.UUID(int=number)) for number in itertools.count(0xC0AC))
EXAMPLES = int(os.environ.get("COACHING_EXAMPLES", "15"))
START_MS = milliseconds(datetime.fromisoformat("2024-06-01T12:00:00+00:00"))
"""In the past: a real server parks what is stamped more than a day ahead of its own clock."""
ROUNDS_MAX = 4
"""Rounds of sync and reconciling in which two devices come to rest."""
TYPES = ("INFJ", "INTJ", "ESTP", None)
STATES = ("in_progress", "paused", "completed", "abandoned", "cancelled")


TEXT = "We adapt what is suggested first."
DESK: dict[str, Callable[[Personality], Any]] = {
    "consent": lambda desk: desk.consent(text=TEXT, version=POLICY),
    "refuse": lambda desk: desk.consent(text=TEXT, version=POLICY, granted=False),
    "withdraw": lambda desk: desk.withdraw(),
    "prior": lambda desk: desk.switch("prior"),
    "adaptive": lambda desk: desk.switch("adaptive"),
    "off": lambda desk: desk.switch("off"),
    "declare": lambda desk: desk.declare("ENFP", influence=0.1),
    "answer": lambda desk: desk.answer({q.number: 4 if q.sign > 0 else 1 for q in questions()}),
    "answer some": lambda desk: desk.answer(
        {q.number: 5 if q.sign > 0 else 1 for q in questions() if q.number not in (1, 5, 9)}
    ),
    "bring in": lambda desk: desk.bring_in({"ei": -0.9, "sn": 0.8, "tf": 0.9, "jp": 0.0}),
    "decline": lambda desk: desk.decline(),
}
"""The acts of `db.personality`."""


def entitle(server: RunningServer, user: str) -> None:
    """Sessions without a limit, as the server gives them."""
    row_id = natural_id(Entitlement.__table__, {"user_id": user, "feature_code": "coaching.session", "source": "plan"})
    with server.database.connect() as connection:
        connection.execute(
            "insert into bmad.entitlements"
            " (id, user_id, created_at, updated_at, feature_code, source, valid_from, signature)"
            " values (%s, %s, %s, %s, 'coaching.session', 'plan', %s, 'signed')",
            (row_id, user, moment(START_MS), moment(START_MS), moment(0)),
        )


def personality(code: str | None) -> dict[str, Any] | None:
    return None if code is None else {"type_code": code, "source": "self_declared"}


def consent(purpose: str, action: str) -> Operation:
    return ops.record_consent(ops.Consent(purpose, POLICY, "0" * 64, action=action, method="settings"))


def begin(scheduled: bool, store: Store) -> Operation:
    session: dict[str, Any] = {"kind": "regular", "coach_kind": "self"}
    if scheduled:
        session |= {"status": "scheduled", "scheduled_at": moment(store.clock.now_ms()) + timedelta(days=1)}
    insights = [ops.Insight(kind="pattern", title="Mornings", body="You begin sessions in the morning.")]
    code = type_now(store)
    if code is not None:
        of_type = f"You look for what is behind things, as {code} may."
        insights.append(ops.Insight(kind="strength", title="Depth", body=of_type, type_code=code))
    started = ops.Event("session.started", {"coach": "self"})
    return ops.coaching_session(
        ops.SessionPlan(session=session, progress={"active_days": 1}, events=(started,), insights=tuple(insights))
    )


def type_now(store: Store) -> str | None:
    """The type an insight may name: none while nothing is adapted."""
    on = store.query(UserPreferences).one().mbti_optimisation != "off"
    return store.query(MbtiProfile).where(MbtiProfile.is_current == True).one().type_code if on else None  # noqa: E712


def change(which: int, status: str, active_seconds: int, store: Store) -> Operation | None:
    sessions = store.query(CoachingSession).order_by(CoachingSession.id).all()
    if not sessions:
        return None
    session = sessions[which % len(sessions)]
    return ops.change_session(session.id, changes={"status": status}, active_seconds=active_seconds)


ACTS = st.one_of(
    st.tuples(st.just("check_in"), st.integers(1, 5)),
    st.tuples(st.just("complete"), st.sampled_from(["task0", "task1"])),
    st.tuples(st.just("reopen"), st.sampled_from(["task0", "task1"])),
    st.tuples(st.just("habit"), st.just("habit")),
    st.tuples(st.just("wheel"), st.dictionaries(st.sampled_from(["work", "money"]), st.integers(1, 10), min_size=1)),
    st.tuples(st.just("type"), st.sampled_from(TYPES)),
    st.tuples(
        st.just("consent"),
        st.tuples(st.sampled_from(["analytics", "personality_profiling"]), st.sampled_from(["granted", "withdrawn"])),
    ),
    st.tuples(
        st.just("settings"),
        st.sampled_from(
            [
                {"quiet_hours_start": "22:00", "quiet_hours_end": "07:00"},
                {"quiet_hours_start": "23:00", "quiet_hours_end": "07:00"},
                {"quiet_hours_start": None, "quiet_hours_end": None},
                {"mbti_optimisation": "adaptive"},
                {"analytics_level": "full"},
                {"notification_channels": {"local": True, "push": False, "email": False}},
            ]
        ),
    ),
    st.tuples(st.just("desk"), st.sampled_from(sorted(DESK))),
    st.tuples(st.just("begin"), st.booleans()),
    st.tuples(st.just("change"), st.tuples(st.integers(0, 9), st.sampled_from(STATES), st.sampled_from([0, 60, 600]))),
    st.tuples(st.just("sync"), st.none()),
)


def operation_of(what: str, detail: Any, store: Store) -> Operation | None:
    made: dict[str, Any] = {
        "check_in": lambda: ops.check_in(detail),
        "complete": lambda: ops.complete_task(detail, ["habit"]),
        "reopen": lambda: ops.reopen_task(detail),
        "habit": lambda: ops.log_habit(detail),
        "wheel": lambda: ops.fill_wheel(detail),
        "type": lambda: ops.switch_type(personality(detail)),
        "consent": lambda: consent(*detail),
        "settings": lambda: ops.change_settings(detail),
        "begin": lambda: begin(detail, store),
        "change": lambda: change(detail[0], detail[1], detail[2], store),
    }
    operation: Operation | None = made[what]()
    return operation


def act(device: Device, what: str, detail: Any) -> OperationResult | None:
    device.clock.advance(60_000)
    if what == "sync":
        assert device.sync().ok
        return None
    if what == "desk":
        at_the_desk(device.store, DESK[detail])
        return None
    operation = operation_of(what, detail, device.store)
    result = None if operation is None else Operations(device.store).execute(operation)
    if result is not None and result.failure is not None:
        # What is refused is refused by a rule, never by a check: no operation that is let in goes wrong.
        assert result.failure.violations, (what, detail, result.failure)
    return result


def at_the_desk(store: Store, said: Callable[[Personality], Any]) -> None:
    """As `db.personality` does it; what it refuses, it refuses for want of a consent or a type."""
    desk = Personality(store)
    with contextlib.suppress(e.ConsentMissing, e.RecordInvalid):
        said(desk)
    desk.stop()


def come_to_rest(world: World, *devices: Device) -> None:
    for _ in range(ROUNDS_MAX):
        world.settle(*devices)
        if not sum(reconcile(device.store) for device in devices):
            return
    raise AssertionError("the devices do not come to rest")


def only_sync(*devices: Device) -> None:
    """Until a round in which nothing travels: the devices reconcile by themselves."""
    for _ in range(ROUNDS_MAX):
        reports = [device.sync() for device in devices]
        assert all(report.ok for report in reports)
        if not any(report.pulled_rows + report.pulled_deletes + report.pushed_rows for report in reports):
            return
    raise AssertionError("the devices do not come to rest")


def failing(device: Device) -> set[str]:
    return {outcome.name for outcome in verify_file(device.store) if not outcome.ok}


def two_devices(world: World) -> tuple[Device, Device]:
    user = next(USERS)
    world.clock.set_wall(START_MS)
    entitle(world.server, user)
    first, second = world.device(user), world.device(user)
    first.sync()
    assert Operations(first.store).execute(ops.user_onboarding(onboarding())).raise_failure().ok
    with first.store.write() as tx:
        for number in range(2):
            tx.insert(Task, id=f"task{number}", title="Run")
        tx.insert(Habit, id="habit", name="Move")
    world.settle(first, second)
    assert Operations(second.store).execute(ops.register_device(DEVICE)).ok
    return first, second


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    with world_of(tmp_path, server) as made:
        yield made


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(st.tuples(st.integers(0, 1), ACTS), max_size=24))
def test_after_sync_all_eight_checks_hold_on_both(world: World, acts: list[tuple[int, tuple[str, Any]]]) -> None:
    world.reactions = reactions_of(world.catalog)
    devices = two_devices(world)
    for which, (what, detail) in acts:
        act(devices[which], what, detail)
    only_sync(*devices)
    for device in devices:
        assert [outcome for outcome in verify_file(device.store) if not outcome.ok] == []
        device.close()
    world.devices.clear()


@pytest.mark.parametrize("before", ["declare", "adaptive", "begin"])
@pytest.mark.parametrize("how", ["withdraw", "refuse"])
def test_what_rests_on_a_type_goes_from_a_device_that_hears_of_a_withdrawal(
    world: World, how: str, before: str
) -> None:
    world.reactions = reactions_of(world.catalog)
    first, second = two_devices(world)
    act(second, *(("begin", False) if before == "begin" else ("desk", before)))
    act(first, "desk", how)
    only_sync(first, second)
    for device in (first, second):
        assert failing(device) == set()
        assert [row.source for row in device.store.query(MbtiProfile).all()] == ["declined"]
        assert device.store.query(MbtiInsight).where(MbtiInsight.type_code.is_not_null()).all() == []
        assert device.store.query(CoachingSession).where(CoachingSession.kind == "regular").count() == (
            before == "begin"
        )
    world.assert_equal(first, second)


def test_what_two_devices_get_wrong_together_is_put_right(world: World) -> None:
    first, second = two_devices(world)
    world.settle(first, second)
    act(first, "consent", ("personality_profiling", "withdrawn"))
    act(second, "type", "INTJ")
    act(first, "check_in", 3)
    act(second, "check_in", 4)
    act(first, "settings", {"quiet_hours_start": "22:00", "quiet_hours_end": "07:00"})
    world.settle(first, second)
    act(second, "settings", {"quiet_hours_start": None, "quiet_hours_end": None})
    act(first, "settings", {"quiet_hours_start": "23:00", "quiet_hours_end": "07:00"})
    world.settle(first, second)
    for device in (first, second):
        assert failing(device) >= {"verify_mbti_profile_valid", "verify_progress_updated"}
    come_to_rest(world, first, second)
    assert (failing(first), failing(second)) == (set(), set())
    world.assert_equal(first, second)
    assert reconcile(first.store) == reconcile(second.store) == 0


def test_an_operation_between_a_sync_and_reconciling_goes_well(world: World) -> None:
    first, second = two_devices(world)
    world.settle(first, second)
    act(first, "check_in", 3)
    act(second, "check_in", 4)
    world.settle(first, second)
    assert "verify_progress_updated" in failing(first) | failing(second)
    for device in (first, second):
        result = act(device, "check_in", 5)
        assert result is not None
        assert result.ok
    come_to_rest(world, first, second)
    rows = first.store.query(UserProgress).where(UserProgress.metric_code == "checkins").all()
    assert {row.value for row in rows} == {4}
    assert failing(first) | failing(second) == set()
