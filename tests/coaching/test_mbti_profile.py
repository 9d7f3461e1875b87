"""M1 to M10, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.mbti_profile import MBTIProfileValidator
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.chat_journal import Contact
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import at, consent, profile_row, scored_row

DECLINED = {
    "type_code": None,
    "source": "declined",
    "influence": 0.0,
    "confidence": 0.0,
    "dominant": None,
    "auxiliary": None,
    "tertiary": None,
    "inferior": None,
}


def scored(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return scored_row()


def without_a_coach(tx: WriteTransaction) -> None:
    tx.update(Contact, "coach", is_coach=False)


def without_consent(tx: WriteTransaction) -> None:
    consent(tx, "personality_profiling", "withdrawn", acted_at=at(minutes=1))


CASES = (
    Case(rule="M1", column="type_code", good=Look(change=DECLINED), bad=Look(change={"type_code": "infj"})),
    Case(rule="M2", column="axis_sn", good=Look(row=scored), bad=Look(row=scored, change={"axis_sn": -0.6})),
    Case(
        rule="M3",
        column="confidence",
        good=Look(row=scored, change={"source": "imported", "axis_ei": -1.0, "axis_sn": 1.0, "confidence": 0.6}),
        bad=Look(change={"confidence": 0.9}),
    ),
    Case(rule="M4", column="dominant", good=Look(), bad=Look(change={"dominant": "Te"})),
    Case(
        rule="M5",
        column="answered_items",
        good=Look(row=scored, change={"answered_items": 13}, facts={"axis_shares": {"ei": 0.75}}),
        bad=Look(row=scored, change={"answered_items": 12}),
    ),
    Case(rule="M6", column="influence", good=Look(change=DECLINED), bad=Look(change={**DECLINED, "influence": 0.25})),
    Case(rule="M7", good=Look(prepare=without_consent, change=DECLINED), bad=Look(prepare=without_consent)),
    Case(
        rule="M8",
        column="assessed_at",
        good=Look(change={"assessed_at": at()}),
        bad=Look(change={"assessed_at": at(minutes=-1)}),
    ),
    Case(
        rule="M9",
        column="is_current",
        good=Look(change={"assessed_at": at(days=100), "is_current": False}),
        bad=Look(change={"is_current": False}),
    ),
    Case(
        rule="M10",
        column="type_code",
        severity=Severity.WARN,
        good=Look(row=lambda store, tx: profile_row("INTJ", assessed_at=at())),
        bad=Look(row=lambda store, tx: profile_row("ENTJ", assessed_at=at())),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return profile_row(assessed_at=at(hours=1))


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, MBTIProfileValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, MBTIProfileValidator, make, case)


@pytest.mark.parametrize(
    ("column", "look"),
    [
        ("source", Look(change={"source": "coach"}, prepare=without_a_coach)),
        ("instrument_code", Look(row=scored, change={"instrument_code": "bought-elsewhere"})),
        ("answered_items", Look(row=scored, facts={"axis_shares": {"ei": 0.7}})),
    ],
)
def test_a_source_must_be_sound(shared_store: Store, column: str, look: Look) -> None:
    check_rejects(shared_store, MBTIProfileValidator, make, Case(rule="M5", column=column, good=Look(), bad=look))


def test_a_score_near_the_middle_may_say_the_other_letter(shared_store: Store) -> None:
    change = {"axis_sn": -0.1, "borderline_axes": ["sn"], "confidence": 0.375}
    check_accepts(
        shared_store, MBTIProfileValidator, make, Case(rule="M2", good=Look(row=scored, change=change), bad=Look())
    )
