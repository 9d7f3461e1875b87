"""I1 to I10, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.insights import InsightsValidator
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.ai_machine_learning import MbtiInsight
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import at, consent, insight_row

BY_MODEL = {
    "generated_by": "model",
    "ai_interaction_id": "call",
    "body": "You often plan hard things for the morning. Made with AI",
}


def of(**columns: Any) -> Any:
    return lambda store, tx: insight_row(**columns)


def older(count: int, **columns: Any) -> Any:
    def prepare(tx: WriteTransaction) -> None:
        for number in range(count):
            tx.insert(MbtiInsight, **insight_row(valid_from=at(hours=2), basis_hash=f"{number}", **columns))

    return prepare


def a_circle(tx: WriteTransaction) -> MbtiInsight:
    """Two statements; the first is the successor of the second."""
    first = tx.insert(MbtiInsight, **insight_row(valid_from=at(hours=2), basis_hash="first"))
    second = insight_row(valid_from=at(hours=2), basis_hash="second", state="superseded", superseded_by_id=first.id)
    tx.insert(MbtiInsight, **second)
    return first


def successor(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    second = tx.query(MbtiInsight).where(MbtiInsight.basis_hash == "second").one()
    return {"state": "superseded", "superseded_by_id": second.id}


def alone(tx: WriteTransaction) -> MbtiInsight:
    tx.insert(MbtiInsight, **insight_row(valid_from=at(hours=2), basis_hash="second"))
    return tx.insert(MbtiInsight, **insight_row(valid_from=at(hours=2), basis_hash="first"))


CASES = (
    Case(
        rule="I1",
        column="function_code",
        good=Look(change={"type_code": "INFJ", "function_code": "Ni"}),
        bad=Look(change={"type_code": "INFJ", "function_code": "Te"}),
    ),
    Case(rule="I2", column="title", good=Look(change={"title": "Why"}), bad=Look(change={"title": "No"})),
    Case(
        rule="I3",
        column="evidence",
        good=Look(row=of(kind="period_summary", evidence=["coaching_sessions/done", "goals/goal", "contacts/coach"])),
        bad=Look(row=of(evidence=["coaching_sessions/nowhere"])),
    ),
    Case(rule="I4", column="basis_hash", good=Look(), bad=Look(change={"basis_hash": "0" * 64})),
    Case(rule="I5", column="confidence", good=Look(change={"confidence": 0.5}), bad=Look(change={"confidence": 0.6})),
    Case(
        rule="I6",
        column="state",
        severity=Severity.WARN,
        good=Look(change={"title": "Je bent altijd moe", "state": "needs_review"}),
        bad=Look(change={"title": "Je bent altijd moe"}),
    ),
    Case(
        rule="I7",
        column="expires_at",
        good=Look(change={"expires_at": at(days=-399)}),
        bad=Look(change={"expires_at": at(days=-401)}),
    ),
    Case(
        rule="I8",
        column="body",
        good=Look(change=BY_MODEL),
        bad=Look(change={**BY_MODEL, "body": "You often plan hard things for the morning."}),
    ),
    Case(
        rule="I9",
        good=Look(change=BY_MODEL, prepare=older(4, **BY_MODEL)),
        bad=Look(change=BY_MODEL, prepare=older(5, **BY_MODEL)),
    ),
    Case(
        rule="I10",
        column="superseded_by_id",
        good=Look(before=alone, row=successor),
        bad=Look(before=a_circle, row=successor),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return insight_row()


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, InsightsValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, InsightsValidator, make, case)


MORE = (
    ("I2", "body", Look(facts={"language": "en"})),
    ("I3", "evidence", Look(row=of(kind="period_summary"))),
    ("I5", "confidence", Look(row=of(evidence=["mbti_profiles/profile"]), change={"confidence": 0.45})),
    ("I8", "ai_interaction_id", Look(change={**BY_MODEL, "ai_interaction_id": None})),
    ("I10", "state", Look(before=alone, row=lambda store, tx: {**successor(store, tx), "state": "seen"})),
)


@pytest.mark.parametrize(("rule", "column", "look"), MORE, ids=[f"{rule}-{column}" for rule, column, _ in MORE])
def test_more_that_is_rejected(shared_store: Store, rule: str, column: str, look: Look) -> None:
    check_rejects(shared_store, InsightsValidator, make, Case(rule=rule, column=column, good=Look(), bad=look))


def test_without_profiling_an_insight_is_plain(shared_store: Store) -> None:
    def withdrawn(tx: WriteTransaction) -> None:
        consent(tx, "personality_profiling", "withdrawn", acted_at=at(minutes=1))

    typed = Look(change={"type_code": "INFJ"}, prepare=withdrawn)
    case = Case(rule="I1", column="type_code", good=Look(prepare=withdrawn), bad=typed)
    check_accepts(shared_store, InsightsValidator, make, case)
    check_rejects(shared_store, InsightsValidator, make, case)
