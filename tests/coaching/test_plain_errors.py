"""Bad input to the named operations: what is said has a code, and a hint or what would be right; nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.device.atomic import Operation
from bmaddb.device.store import Store
from bmaddb.modules.levensgebieden import LifeAreaAssessment, UserLifeArea
from bmaddb.modules.user_management import MbtiProfile, User, UserDevice
from tests.coaching.acts import DEVICE, all_hold, done, onboarding, plan, rules, run

NOT_THERE: dict[str, Operation] = {
    "tasks": ops.complete_task("nope"),
    "tasks, reopened": ops.reopen_task("nope"),
    "tasks without a name": ops.complete_task(""),
    "habits": ops.log_habit("nope"),
    "coaching_sessions": ops.change_session("nope", changes={"status": "completed"}),
}


def refused(store: Store, operation: Operation, code: str) -> str:
    entries = store.sql("select count(*) from outbox_operations")
    result = run(store, operation)
    assert result.failure is not None
    assert (result.failure.code, result.failure.violations) == (code, ())
    assert result.failure.error.hint
    assert store.sql("select count(*) from outbox_operations") == entries
    return result.failure.error.message


@pytest.mark.parametrize("name", NOT_THERE)
def test_a_row_that_is_not_there(ada: Store, name: str) -> None:
    assert refused(ada, NOT_THERE[name], "B-304").startswith(f"{name.split()[0].strip(',')} has no row ")


@pytest.mark.parametrize("deltas", [{"nonsense": 1}, {"checkins": 1.5}, {"checkins": True}, {"checkins": "1"}])
def test_progress_that_cannot_be_counted(ada: Store, deltas: dict[str, Any]) -> None:
    [intake] = ada.sql("select id from coaching_sessions")
    message = refused(ada, ops.change_session(intake[0], changes={"title": "x"}, progress=deltas), "B-303")
    assert next(iter(deltas)) in message


@pytest.mark.parametrize(
    "wheel",
    [
        {"scores": {"work": "high"}},
        {"scores": {"work": True}},
        {"scores": {"work": 6}, "scoring_version": 3},
        {"scores": {"work": 6}, "reflections": {"money": "never enough"}},
    ],
)
def test_a_wheel_that_makes_no_sense(ada: Store, wheel: dict[str, Any]) -> None:
    refused(ada, ops.fill_wheel(**wheel), "B-303")
    assert ada.query(LifeAreaAssessment).all() == []
    assert ada.query(UserLifeArea).all() == []


def test_an_area_nobody_knows_is_not_made(ada: Store) -> None:
    result = run(ada, ops.fill_wheel({"work": 6, "nosuch": 6}))
    assert rules(result) == {"AREA"}
    assert result.failure is not None
    assert "work" in result.failure.violations[0].allowed
    assert ada.query(UserLifeArea).all() == []
    with ada.write() as tx:
        tx.insert(UserLifeArea, code="nosuch", custom_name="The allotment")
    done(ada, ops.fill_wheel({"work": 6, "nosuch": 10}))
    assert {area.code: area.current_score for area in ada.query(UserLifeArea).all()}["nosuch"] == 100.0
    all_hold(ada)


def test_a_user_is_made_once(ada: Store) -> None:
    result = run(ada, ops.user_onboarding(onboarding()))
    assert rules(result) == {"ONBOARDING"}
    assert result.failure is not None
    assert "register_device" in result.failure.violations[0].allowed
    assert ada.query(User).count() == 1


def test_a_device_that_is_registered_already_is_no_hindrance(blank: Store) -> None:
    done(blank, ops.register_device(DEVICE))
    done(blank, ops.user_onboarding(onboarding()))
    assert blank.query(UserDevice).one().id == blank.device_id
    all_hold(blank)


def test_a_type_is_written_in_capitals(ada: Store) -> None:
    done(ada, ops.switch_type({"type_code": "intj", "source": "self_declared"}))
    current = ada.query(MbtiProfile).where(MbtiProfile.is_current == True).one()  # noqa: E712
    assert (current.type_code, current.dominant) == ("INTJ", "Ni")
    assert rules(run(ada, ops.switch_type({"type_code": "inxx", "source": "self_declared"}))) == {"M1"}
    all_hold(ada)


def test_a_new_user_may_say_her_type_in_small_letters(blank: Store) -> None:
    done(blank, ops.user_onboarding(onboarding(personality={"type_code": "infj", "source": "self_declared"})))
    assert blank.query(MbtiProfile).one().type_code == "INFJ"


def test_a_session_cannot_count_what_nobody_knows(ada: Store) -> None:
    refused(ada, ops.coaching_session(plan(progress={"nonsense": 1})), "B-303")
