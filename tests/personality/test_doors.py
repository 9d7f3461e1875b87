"""Whichever door a person uses: every act of `db.personality` leaves rows that all eight checks of coaching accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.coaching import operations as ops
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.atomic import Operation
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, UserPreferences
from bmaddb.personality import questions
from bmaddb.personality.consent import Optimisation
from bmaddb.personality.desk import Personality
from bmaddb.service import Database
from tests.coaching.acts import DEVICE, all_hold, onboarding, plan
from tests.coaching.ground import POLICY, grant_sessions
from tests.support.server import RunningServer

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f61"
TEXT = "We adapt what is suggested first."
SCORES = {"ei": -0.9, "sn": 0.8, "tf": 0.95, "jp": 0.0}
Act = Callable[[Personality], Any]


def answers(count: int) -> dict[int, int]:
    """So many of them, the axes in turn."""
    by_axis = sorted(questions(), key=lambda q: [x.number for x in questions() if x.axis == q.axis].index(q.number))
    return {q.number: 5 if q.sign > 0 else 2 for q in by_axis[:count]}


def agree(desk: Personality) -> None:
    desk.consent(text=TEXT, version=POLICY)


def withdraw(desk: Personality) -> None:
    desk.withdraw()


def decline(desk: Personality) -> None:
    desk.decline()


def declare(code: str, mode: Optimisation) -> Act:
    def act(desk: Personality) -> None:
        desk.declare(code)
        desk.switch(mode)

    return act


def in_turn(*acts: Act) -> Act:
    def all_of_them(desk: Personality) -> None:
        for act in acts:
            act(desk)

    return all_of_them


ACTS: dict[str, Act] = {
    "consent": agree,
    "refuse": lambda desk: desk.consent(text=TEXT, version=POLICY, granted=False),
    "withdraw": withdraw,
    "withdraw twice": in_turn(withdraw, withdraw),
    "withdraw and consent": in_turn(withdraw, agree),
    "consent again and declare": in_turn(withdraw, agree, declare("ESTP", "prior")),
    "off": lambda desk: desk.switch("off"),
    "adaptive": lambda desk: desk.switch("adaptive"),
    "declare": lambda desk: desk.declare("intj", influence=0.1),
    "answer all": lambda desk: desk.answer(answers(16)),
    "answer thirteen": lambda desk: desk.answer(answers(13)),
    "bring in": lambda desk: desk.bring_in(SCORES),
    "decline": decline,
    "decline and withdraw": in_turn(decline, withdraw),
    "decline after withdrawing": in_turn(withdraw, decline),
    "decline and declare": in_turn(decline, declare("ENFP", "adaptive")),
}


def onboarded(db: Database) -> Database:
    """Her onboarding is over, with a type, and an insight that rests on it."""
    db.execute(ops.user_onboarding(onboarding())).raise_failure()
    return db


def with_insights(db: Database) -> Database:
    grant_sessions(db.store, valid_from=db.query(ConsentRecord).all()[0].acted_at, valid_until=None)
    typed = ops.Insight(kind="strength", title="Depth", body="You look for what is behind things.", type_code="INFJ")
    plain = ops.Insight(kind="pattern", title="Mornings", body="You begin sessions in the morning.")
    db.execute(ops.coaching_session(plan(insights=(typed, plain)))).raise_failure()
    return db


@pytest.fixture
def ada(tmp_path: Path) -> Iterator[Database]:
    with bmaddb.open(tmp_path / "ada.db", user=USER, seed=True) as db:
        yield with_insights(onboarded(db))


@pytest.mark.parametrize("name", ACTS)
def test_all_eight_checks_hold_after_each_act(ada: Database, name: str) -> None:
    ACTS[name](ada.personality)
    all_hold(ada.store)
    assert reconcile(ada.store) == 0, "or a second device would have something to mend"
    assert ada.personality.standing.mode == ada.query(UserPreferences).one().mbti_optimisation


@pytest.mark.parametrize("name", ACTS)
def test_they_hold_on_a_second_device_too(tmp_path: Path, server: RunningServer, name: str) -> None:
    user = f"0190f3d2-6f1a-7c3b-8a2e-{list(ACTS).index(name):012x}"
    token = server.token(user)
    with (
        bmaddb.open(tmp_path / "one.db", user=user, url=server.url, token=token) as one,
        bmaddb.open(tmp_path / "two.db", user=user, url=server.url, token=token) as two,
    ):
        assert one.sync().ok
        onboarded(one)
        assert one.sync().ok
        assert two.sync().ok
        two.execute(ops.register_device(DEVICE)).raise_failure()
        assert two.personality.standing.profile.code == "INFJ"
        ACTS[name](one.personality)
        assert one.sync().ok
        assert two.sync().ok
        for db in (one, two):
            all_hold(db.store)
        assert two.query(MbtiProfile).order_by(MbtiProfile.id).all() == (
            one.query(MbtiProfile).order_by(MbtiProfile.id).all()
        )
        assert two.personality.standing == one.personality.standing


def test_too_few_answers_change_nothing(ada: Database) -> None:
    before = ada.query(MbtiProfile).all()
    with pytest.raises(e.RecordInvalid, match="M5: 12 of 16 questions are answered"):
        ada.personality.answer(answers(12))
    assert ada.query(MbtiProfile).all() == before
    all_hold(ada.store)


def test_nothing_is_adapted_for_who_declined(ada: Database) -> None:
    ada.personality.decline()
    modes: tuple[Optimisation, ...] = ("prior", "adaptive")
    for mode in modes:
        with pytest.raises(e.RecordInvalid, match="P5") as refused:
            ada.personality.switch(mode)
        assert refused.value.hint
    ada.personality.switch("off")
    assert [row.source for row in ada.personality.history()] == ["declined", "self_declared"]
    all_hold(ada.store)


def test_who_never_said_anything_of_a_type_may_adapt_to_use(tmp_path: Path) -> None:
    with bmaddb.open(tmp_path / "new.db", user=USER) as db:
        db.personality.consent(text=TEXT, version=POLICY)
        db.personality.switch("adaptive")
        db.personality.withdraw()
        assert db.personality.history() == []
        db.personality.consent(text=TEXT, version=POLICY)
        db.personality.switch("adaptive")
        assert db.personality.standing.mode == "adaptive"


# -- the other door ----------------------------------------------------------------------------------------


def decision(action: str) -> Operation:
    return ops.record_consent(ops.Consent("personality_profiling", POLICY, "0" * 64, action=action, method="settings"))


def scored(count: int) -> dict[str, Any]:
    """What an application says of so many answers, through the operation."""
    by_axis: dict[str, list[float]] = {}
    for number, answer in answers(count).items():
        question = questions()[number - 1]
        by_axis.setdefault(question.axis, []).append(question.sign * (answer - 3) / 2)
    axes = {f"axis_{axis}": sum(given) / len(given) for axis, given in by_axis.items()}
    pairs = (("axis_ei", "EI"), ("axis_sn", "NS"), ("axis_tf", "TF"), ("axis_jp", "JP"))
    return {
        **axes,
        "type_code": "".join(letters[axes[axis] <= 0] for axis, letters in pairs),
        "source": "questionnaire",
        "instrument_code": "preference-sketch",
        "instrument_version": "1",
        "answered_items": count,
        "total_items": 16,
    }


IMPORTED = {**{f"axis_{axis}": score for axis, score in SCORES.items()}, "type_code": "INTP", "source": "imported"}
SAME: dict[str, tuple[Act, Callable[[], Operation]]] = {
    "consent": (ACTS["consent"], lambda: decision("granted")),
    "refuse": (ACTS["refuse"], lambda: decision("refused")),
    "withdraw": (ACTS["withdraw"], lambda: decision("withdrawn")),
    "adaptive": (ACTS["adaptive"], lambda: ops.change_settings({"mbti_optimisation": "adaptive"})),
    "off": (ACTS["off"], lambda: ops.change_settings({"mbti_optimisation": "off"})),
    "declare": (
        ACTS["declare"],
        lambda: ops.switch_type({"type_code": "INTJ", "source": "self_declared", "influence": 0.1}),
    ),
    "answer thirteen": (ACTS["answer thirteen"], lambda: ops.switch_type(scored(13))),
    "bring in": (ACTS["bring in"], lambda: ops.switch_type(IMPORTED)),
    "decline": (ACTS["decline"], lambda: ops.switch_type(None)),
}
DIFFER = {"id", "created_at", "updated_at", "server_seq", "acted_at", "assessed_at", "policy_sha256", "mbti_profile_id"}
"""What no two acts have alike; the hash is of the text, which an operation is given."""


def rows(db: Database) -> list[dict[str, Any]]:
    profiles = db.query(MbtiProfile).order_by(MbtiProfile.assessed_at, MbtiProfile.id).all()
    said = db.query(ConsentRecord).where(ConsentRecord.purpose == "personality_profiling")
    others = (said.order_by(ConsentRecord.acted_at), db.query(UserPreferences), db.query(MbtiInsight))
    found = [*profiles, *(row for query in others for row in query.all())]
    return [
        {
            column.name: getattr(row, column.name)
            for column in row.__table__.columns
            if column.name not in DIFFER and not column.name.endswith(("_hash", "session_id", "evidence", "valid_from"))
        }
        for row in found
    ]


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("new", [False, True])
def test_both_doors_leave_the_same_rows(tmp_path: Path, name: str, new: bool) -> None:
    act, operation = SAME[name]
    found = []
    for door in ("desk", "operation"):
        with bmaddb.open(tmp_path / f"{door}.db", user=USER, seed=True) as db:
            if new:
                db.execute(decision("granted")).raise_failure()
            else:
                with_insights(onboarded(db))
            before = rows(db)
            if door == "desk":
                act(db.personality)
            else:
                db.execute(operation()).raise_failure()
            found.append(rows(db))
            assert found[-1] != before
    assert found[0] == found[1]


def test_a_withdrawal_deletes_what_rests_on_a_type_and_nothing_else(ada: Database) -> None:
    assert ada.query(MbtiInsight).count() == 2
    ada.personality.withdraw()
    assert [row.title for row in ada.query(MbtiInsight).all()] == ["Mornings"]
    profile = ada.query(MbtiProfile).one()
    assert (profile.source, profile.type_code, profile.is_current) == ("declined", None, True)
