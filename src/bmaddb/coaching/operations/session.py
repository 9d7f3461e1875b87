"""A coaching session: started or planned, and changed until it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bmaddb.coaching.candidate import Candidate, RuleSet, candidate_of, moment
from bmaddb.coaching.checks import SESSION_CHECKS
from bmaddb.coaching.checks.findings import NOTES, notes, written
from bmaddb.coaching.checks.session import CREATE_SESSION, SESSION_BEFORE, SESSION_PLANNED
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.local_days import local_day, period_key
from bmaddb.coaching.operations.events import Event, dropped_step, events_step
from bmaddb.coaching.operations.insighting import Insight, insights_step, supersede_step
from bmaddb.coaching.operations.progressing import PROGRESS, Deltas, progress_step
from bmaddb.coaching.operations.standing import standing
from bmaddb.coaching.rules.coaching_session import WALL_MS_MAX, CoachingSessionValidator, type_in_use
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.coaching.rules.progress import SESSION_ID
from bmaddb.coaching.rules.session_prerequisites import (
    FEATURE,
    GoingOnValidator,
    SessionPrerequisitesValidator,
    is_used_up,
    usage_id,
    valid_entitlements,
)
from bmaddb.device.atomic import Action, Operation, OuterStep, Rollback, RuleContext, Step, Violation
from bmaddb.device.atomic.operation import new_id
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.subscription_payment import UsageCounter
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total
from bmaddb.schema.records import Record

PREREQUISITES: Final = "validate_session_prerequisites"
COUNT_USE: Final = "count_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """A session, and what is written with it.

    `session`: columns of coaching_sessions; kind and coach_kind are needed, status is in_progress or scheduled.
    `progress`: metric -> how many more. `before` and `after`: steps that no file holds (a reservation, a model; a
    reminder of the system), done before the session is written, and when it is; all is undone when one of them fails.
    `facts` must be what JSON can say when there are such steps.
    """

    session: Mapping[str, Any]
    progress: Deltas = field(default_factory=dict)
    events: Sequence[Event] = ()
    insights: Sequence[Insight] = ()
    before: Sequence[OuterStep] = ()
    after: Sequence[OuterStep] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def coaching_session(plan: SessionPlan) -> Operation:
    """Begin or plan a session: five steps and four checks, with compensations; its use is counted as it begins."""
    session_id = str(plan.session.get("id") or new_id())
    steps: tuple[Step | OuterStep, ...] = (
        _prerequisites(plan),
        *plan.before,
        _create(plan, session_id),
        progress_step(plan.progress),
        events_step(plan.events),
        dropped_step(),
        insights_step(plan.insights),
        supersede_step(plan.insights),
        _count_use(),
        *plan.after,
    )
    return Operation(
        type="coaching_session",
        steps=steps,
        checks=SESSION_CHECKS,
        strategy=Rollback.COMPENSATE,
        facts={**plan.facts, SESSION_ID: session_id, PROGRESS: dict(plan.progress), NOTES: {}},
    )


def resumable(
    before: Sequence[OuterStep] = (), after: Sequence[OuterStep] = ()
) -> dict[str, tuple[Step | OuterStep, ...]]:
    """What `db.resume` needs to undo sessions that a crash cut off: the steps by their type, with your outer ones."""
    operation = coaching_session(SessionPlan(session={}, before=before, after=after))
    return {operation.type: operation.steps}


def change_session(
    session_id: str,
    *,
    changes: Mapping[str, Any],
    progress: Deltas | None = None,
    events: Sequence[Event] = (),
    insights: Sequence[Insight] = (),
    active_seconds: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> Operation:
    """Change a session that stands: pause, go on, complete, abandon, cancel, reopen, or fill in.

    started_at and ended_at are filled in where a new status needs them; `active_seconds` are added to this device's.
    With status completed one session more is counted, and its minutes, once however often it is called.
    RecordNotFound when there is no such session.
    """

    def row(context: RuleContext) -> dict[str, Any]:
        return _changed(context, session_id, changes, active_seconds)

    def deltas(context: RuleContext) -> Deltas:
        return {**(_completed(context, session_id) if changes.get("status") == "completed" else {}), **(progress or {})}

    rules = (CoachingSessionValidator, _going_on)
    step = Step(CREATE_SESSION, "coaching_sessions", Action.UPDATE, row, rules)
    steps = (step, progress_step(deltas), events_step(events), dropped_step(), insights_step(insights))
    return Operation(
        type="change_session",
        steps=steps,
        checks=SESSION_CHECKS,
        facts={**(facts or {}), SESSION_ID: session_id, NOTES: {}},
    )


def undo_session(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: a session the server has not seen goes; one that it has is cancelled, or abandoned once begun."""
    row = tx.get(CoachingSession, context.facts[SESSION_ID])
    if row is None or row.status in ("cancelled", "abandoned"):
        return
    if row.server_seq is None:
        tx.delete(row)
    elif row.status == "scheduled":
        tx.update(row, status="cancelled")
    else:
        ended_at = _ended_at(moment(context.now_ms), row.started_at, row.device_seconds)
        tx.update(row, status="abandoned", ended_at=ended_at)


def undo_use(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: this device's count less one."""
    for row_id in written(context, COUNT_USE) or ():
        row = tx.get(UsageCounter, row_id)
        if row is not None:
            counts = counted(row.device_counts, context.device_id, -1, context.now_ms)
            tx.update(row, device_counts=counts, used=total(counts))


@dataclass(frozen=True, slots=True)
class _Planned:
    """Judges the planned session by S1 to S9, whatever row is written with it."""

    plan: SessionPlan

    def __call__(self, row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
        return SessionPrerequisitesValidator(_session_row(context, self.plan, ""), None, context)


def _going_on(row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
    """A session that this device begins, goes on with or takes over must be allowed to run here."""
    status = row.get("status") or getattr(before, "status", None)
    if status != "in_progress" or "device_seconds" not in row:
        return []
    return GoingOnValidator(row, before, context)


def _prerequisites(plan: SessionPlan) -> Step:
    """Writes nothing: the user's row stays as it is, and the planned session is judged."""
    return Step(
        PREREQUISITES, "users", Action.UPDATE, lambda context: {"id": context.user}, (_Planned(plan),), undo=_nothing
    )


def _nothing(tx: WriteTransaction, context: RuleContext) -> None:
    """There is nothing to undo."""


def _create(plan: SessionPlan, session_id: str) -> Step:
    def row(context: RuleContext) -> dict[str, Any]:
        made = _session_row(context, plan, session_id)
        notes(context)[SESSION_PLANNED] = made
        return made

    return Step(CREATE_SESSION, "coaching_sessions", Action.INSERT, row, (CoachingSessionValidator,), undo=undo_session)


def _session_row(context: RuleContext, plan: SessionPlan, session_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {"status": "in_progress", **plan.session, "id": session_id, "txn_id": context.operation_id}
    if row["status"] == "in_progress":
        row.setdefault("started_at", moment(context.now_ms))
        row["device_seconds"] = counted({}, context.device_id, 0, context.now_ms)
    row.setdefault("type_at_session", type_in_use(_look(context)))
    return row


def _look(context: RuleContext) -> Candidate:
    return candidate_of(CoachingSession, {}, None, context)


def _count_use() -> Step:
    """One more of what the plan allows, counted in the period of an entitlement that has room."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        look = _look(context)
        limited = [row for row in valid_entitlements(look) if not is_used_up(look, row)]
        if not limited:
            return []
        period = limited[0].period
        before = context.reader.get(UsageCounter, usage_id(look, period))
        counts = counted(None if before is None else before.device_counts, context.device_id, 1, context.now_ms)
        key = period_key(period, local_day(context.now_ms, zone_of(context)))
        return [{"feature_code": FEATURE, "period_key": key, "device_counts": counts, "used": total(counts)}]

    return Step(COUNT_USE, "usage_counters", Action.UPSERT, rows, (RuleSet(UsageCounter, GENERAL),), undo=undo_use)


def _changed(context: RuleContext, session_id: str, changes: Mapping[str, Any], active_seconds: int) -> dict[str, Any]:
    before = standing(context, CoachingSession, session_id)
    notes(context)[SESSION_BEFORE] = before
    row = {"id": session_id, **changes}
    status, now = row.get("status", before.status), moment(context.now_ms)
    if status == "in_progress" and before.started_at is None:
        row.setdefault("started_at", now)
    if active_seconds or status == "in_progress":
        row["device_seconds"] = counted(before.device_seconds, context.device_id, active_seconds, context.now_ms)
    if status in ("completed", "abandoned") and before.status != status:
        started_at, seconds = row.get("started_at", before.started_at), row.get("device_seconds", before.device_seconds)
        row.setdefault("ended_at", _ended_at(now, started_at, seconds))
    return row


def _ended_at(now: datetime, started_at: Any, device_seconds: Any) -> datetime:
    """Now; of a session that a clock which ran ahead has start later, so long after its start as it was active."""
    if not isinstance(started_at, datetime) or started_at <= now:
        return now
    return started_at + timedelta(seconds=min(max(total(device_seconds), 0), WALL_MS_MAX // 1000))


def _completed(context: RuleContext, session_id: str) -> dict[str, int]:
    row = context.reader.get(CoachingSession, session_id)
    minutes = 0 if row is None else min(480, total(row.device_seconds) // 60)
    return {"sessions_completed": 1, "coaching_minutes": minutes, "active_days": 1}
