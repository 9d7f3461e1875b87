"""Insights as part of an operation: made whole, marked, and the older ones put aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bmaddb.coaching.candidate import moment, values_of
from bmaddb.coaching.checks.findings import notes, written
from bmaddb.coaching.checks.session import CREATE_SESSION, PROFILES_BEFORE, UPDATE_INSIGHTS
from bmaddb.coaching.rules.insights import InsightsValidator, basis_hash, unfit_wording
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.user_management import MbtiProfile
from bmaddb.schema.natural_keys import natural_id

SUPERSEDE: Final = "supersede_insights"
_FIXED: Final = frozenset({"server_seq", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """A statement to be kept. Its evidence is the session of the operation, and what `evidence` adds ("table/id")."""

    kind: str
    title: str
    body: str
    evidence: tuple[str, ...] = ()
    confidence: float = 0.3
    type_code: str | None = None
    function_code: str | None = None
    generated_by: str = "rule"
    ai_interaction_id: str | None = None
    supersedes: str | None = None
    """The id of an older statement that this one replaces."""
    expires_at: datetime | None = None


def insights_step(insights: Sequence[Insight]) -> Step:
    """Keep each; one that is there already (same kind, evidence and month) is left as it is."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        notes(context)[PROFILES_BEFORE] = context.reader.query(MbtiProfile).order_by(MbtiProfile.id).all()
        return [row for insight in insights if (row := _row(context, insight)) is not None]

    return Step(UPDATE_INSIGHTS, "mbti_insights", Action.UPSERT, rows, (InsightsValidator,), undo=put_aside)


def supersede_step(insights: Sequence[Insight]) -> Step:
    """Put aside what the new ones replace."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        return [
            {"id": insight.supersedes, "state": "superseded", "superseded_by_id": _id(context, insight)}
            for insight in insights
            if insight.supersedes is not None and insight.supersedes != _id(context, insight)
        ]

    return Step(SUPERSEDE, "mbti_insights", Action.UPDATE, rows, (InsightsValidator,), undo=bring_back)


def bring_back(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: what was put aside for the new ones was seen, and stands again."""
    for insight_id in written(context, SUPERSEDE) or ():
        row = tx.get(MbtiInsight, insight_id)
        if row is not None and row.superseded_by_id in (written(context, UPDATE_INSIGHTS) or ()):
            tx.update(row, state="seen", superseded_by_id=None)


def put_aside(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: what it made is superseded, by nothing."""
    for insight_id in written(context, UPDATE_INSIGHTS) or ():
        row = tx.get(MbtiInsight, insight_id)
        if row is not None and row.state != "superseded":
            tx.update(row, state="superseded")


def _evidence(context: RuleContext, insight: Insight) -> list[str]:
    session = next(iter(written(context, CREATE_SESSION) or ()), None)
    own = [] if session is None else [f"coaching_sessions/{session}"]
    return sorted({*own, *insight.evidence})


def _hash(context: RuleContext, insight: Insight) -> str:
    return basis_hash(insight.kind, _evidence(context, insight), moment(context.now_ms))


def _id(context: RuleContext, insight: Insight) -> str:
    key: Mapping[str, Any] = {
        "user_id": context.user,
        "kind": insight.kind,
        "basis_hash": _hash(context, insight),
    }
    return natural_id(MbtiInsight.__table__, key)


def _row(context: RuleContext, insight: Insight) -> dict[str, Any] | None:
    before = context.reader.get(MbtiInsight, _id(context, insight))
    if before is not None:
        return {name: value for name, value in values_of(before).items() if name not in _FIXED}
    unfit = unfit_wording(insight.title, insight.body) is not None
    newest = context.reader.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc(), MbtiProfile.id.desc()).first()
    return {
        "mbti_profile_id": newest.id if newest is not None and insight.type_code is not None else None,
        "type_code": insight.type_code,
        "function_code": insight.function_code,
        "kind": insight.kind,
        "title": insight.title,
        "body": insight.body,
        "evidence": _evidence(context, insight),
        "basis_hash": _hash(context, insight),
        "confidence": insight.confidence,
        "state": "needs_review" if unfit else "new",
        "generated_by": insight.generated_by,
        "ai_interaction_id": insight.ai_interaction_id,
        "coaching_session_id": next(iter(written(context, CREATE_SESSION) or ()), None),
        "valid_from": moment(context.now_ms),
        "expires_at": insight.expires_at,
    }
