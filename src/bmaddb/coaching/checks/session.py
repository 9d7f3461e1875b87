"""After a session was written: it is whole, and progress, events and insights say exactly what was planned."""

from __future__ import annotations

from typing import Any, Final

from bmaddb.coaching.candidate import candidate_of, moment, ms
from bmaddb.coaching.checks.findings import Findings, notes, stored_candidate, written
from bmaddb.coaching.rules import coaching_session, progress
from bmaddb.coaching.rules.general import g2_shape, g9_references_exist
from bmaddb.coaching.rules.insights import runs_in_a_circle
from bmaddb.coaching.rules.session_prerequisites import is_of_device
from bmaddb.device.atomic import Check, CheckOutcome, RuleContext
from bmaddb.modules.ai_machine_learning import MbtiInsight
from bmaddb.modules.analytics_tracking import InteractionAnalytics
from bmaddb.modules.chat_journal import CoachingSession, Message
from bmaddb.modules.tasks_productivity import UserProgress
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile
from bmaddb.schema.counters import total
from bmaddb.schema.rules import MergeRule

CREATE_SESSION: Final = "create_session_record"
UPDATE_PROGRESS: Final = "update_user_progress"
LOG_EVENTS: Final = "log_interaction_analytics"
UPDATE_INSIGHTS: Final = "update_mbti_insights"
PROGRESS_BEFORE, PROGRESS_PLANNED = "progress_before", "progress_planned"
EVENTS_PLANNED, EVENTS_DROPPED, EVENTS_SKIPPED = "events_planned", "events_dropped", "events_skipped"
PROFILES_BEFORE: Final = "profiles_before"
SESSION_PLANNED, SESSION_BEFORE = "session_planned", "session_before"
"""What the steps of a session note for these checks."""
MESSAGE_SLACK_MS: Final = 5 * 60_000
_STORED_RULES: Final = (g2_shape, *coaching_session.RULES[2:5], g9_references_exist)
_PROGRESS_RULES: Final = progress.RULES[3:6]


def verify_session_integrity(context: RuleContext) -> CheckOutcome:
    """The session is as it was meant, its moments and marks fit, and no other runs on this device."""
    found = Findings()
    ids = written(context, CREATE_SESSION)
    sessions = context.reader.query(CoachingSession)
    looked = sessions.all() if ids is None else sessions.where(CoachingSession.id.in_(ids)).all()
    if ids is not None and len(looked) != 1:
        found.wrong("coaching_sessions", f"{len(looked)} sessions were written, not one")
    for session in looked:
        found.judge(session, _STORED_RULES, context)
        if ids is not None:
            _as_planned(found, context, session)
        _messages_within(found, context, session)
    running = sessions.where(CoachingSession.status == "in_progress").all()
    for session in [session for session in running if is_of_device(session, context.device_id)][1:]:
        found.wrong(session, "a second session is in progress on this device")
    return found.outcome(verify_session_integrity)


def verify_progress_updated(context: RuleContext) -> CheckOutcome:
    """Each metric moved by what was planned, on this device's count alone, and no other did; the sums are right."""
    found = Findings()
    in_operation = written(context, UPDATE_PROGRESS) is not None
    rows = _rows_of_operation(context) if in_operation else context.reader.query(UserProgress).all()
    for row in rows:
        found.judge(row, _PROGRESS_RULES, context)
    if in_operation:
        _moved_as_planned(found, context, rows)
    return found.outcome(verify_progress_updated)


def verify_analytics_logged(context: RuleContext) -> CheckOutcome:
    """As many events as planned, all of this session; none without consent."""
    found = Findings()
    in_operation = written(context, LOG_EVENTS) is not None
    events = _events_of(context) if in_operation else context.reader.query(InteractionAnalytics).all()
    if in_operation:
        planned = notes(context).get(EVENTS_PLANNED, 0)
        if EVENTS_SKIPPED in notes(context):
            found.remark(f"skipped: {notes(context)[EVENTS_SKIPPED]}")
        if len(events) != planned:
            found.wrong("interaction_analytics", f"{len(events)} events are stored, {planned} were planned")
        for event in events:
            if event.coaching_session_id not in (written(context, CREATE_SESSION) or ()):
                found.wrong(event, "it does not name the session")
    consents = {consent.id: consent for consent in context.reader.query(ConsentRecord).all()}
    for event in events:
        consent = consents.get(event.consent_record_id)
        if consent is None or consent.purpose != "analytics" or consent.action != "granted":
            found.wrong(event, "no consent to analytics stands behind it")
    return found.outcome(verify_analytics_logged)


def verify_insights_updated(context: RuleContext) -> CheckOutcome:
    """Each planned insight is there, of this session, unread; the chains end; the types were left alone."""
    found = Findings()
    for insight_id in written(context, UPDATE_INSIGHTS) or ():
        _of_this_session(found, context, insight_id)
    for insight in context.reader.query(MbtiInsight).where(MbtiInsight.superseded_by_id.is_not_null()).all():
        if insight.state != "superseded":
            found.wrong(insight, "it has a successor and is not superseded")
        if runs_in_a_circle(stored_candidate(insight, context), insight.id, insight.superseded_by_id):
            found.wrong(insight, "the chain runs in a circle")
    before = notes(context).get(PROFILES_BEFORE)
    if before is not None and before != context.reader.query(MbtiProfile).order_by(MbtiProfile.id).all():
        found.wrong("mbti_profiles", "the operation changed a determination of type")
    return found.outcome(verify_insights_updated)


SESSION_CHECKS: Final[tuple[Check, ...]] = (
    verify_session_integrity,
    verify_progress_updated,
    verify_analytics_logged,
    verify_insights_updated,
)


def recently_changed(context: RuleContext) -> list[UserProgress]:
    """The rows of progress that say they changed since the operation began, or after; no other can have."""
    return context.reader.query(UserProgress).where(UserProgress.updated_at >= moment(context.now_ms)).all()


def _rows_of_operation(context: RuleContext) -> list[UserProgress]:
    """Those, and the planned ones, which a clock that was set back may have dated earlier."""
    rows = {row.id: row for row in recently_changed(context)}
    planned = (context.reader.get(UserProgress, row_id) for row_id in notes(context).get(PROGRESS_PLANNED, {}))
    return list((rows | {row.id: row for row in planned if row is not None}).values())


def _events_of(context: RuleContext) -> list[InteractionAnalytics]:
    """The events of the operation; with the columns of an index first."""
    near = moment(context.now_ms - MESSAGE_SLACK_MS)
    mine = context.reader.query(InteractionAnalytics).where(InteractionAnalytics.user_id == context.user)
    recent = mine.where(InteractionAnalytics.occurred_at >= near)
    return recent.where(InteractionAnalytics.txn_id == context.operation_id).all()


def _as_planned(found: Findings, context: RuleContext, session: CoachingSession) -> None:
    planned: dict[str, Any] = notes(context).get(SESSION_PLANNED, {})
    for column in session.__table__.columns:
        if column.spec.merge is not MergeRule.IMM or column.name not in planned:
            continue
        if getattr(session, column.name) != planned[column.name]:
            found.wrong(session, f"{column.name} is not what was given")
    before: CoachingSession | None = notes(context).get(SESSION_BEFORE)
    if before is not None:
        changed = candidate_of(CoachingSession, {"status": session.status}, before, context)
        for flaw in coaching_session.c2_states_follow(changed):
            found.wrong(session, f"C2: {flaw.message}")


def _messages_within(found: Findings, context: RuleContext, session: CoachingSession) -> None:
    started, ended = ms(session.started_at), ms(session.ended_at)
    if session.conversation_id is None or started is None:
        return
    for message in context.reader.query(Message).where(Message.conversation_id == session.conversation_id).all():
        at_ms = ms(message.sent_at) or 0
        if at_ms < started - MESSAGE_SLACK_MS or (ended is not None and at_ms > ended + MESSAGE_SLACK_MS):
            found.remark(f"messages/{message.id} lies outside of its session")


def _moved_as_planned(found: Findings, context: RuleContext, rows: list[UserProgress]) -> None:
    noted = notes(context)
    before: dict[str, UserProgress] = noted.get(PROGRESS_BEFORE, {})
    planned: dict[str, int] = noted.get(PROGRESS_PLANNED, {})
    session_id = next(iter(written(context, CREATE_SESSION) or ()), None)
    for row in rows:
        was = before.get(row.id)
        if row.id not in planned:
            if was != row:
                found.wrong(row, "it changed, and nothing of it was planned")
            continue
        counted_before = 0 if was is None else total(was.device_counts)  # a merge may have left another value
        if row.value - counted_before != planned[row.id]:
            found.wrong(row, f"it did not move by {planned[row.id]}")
        if _others(row, context.device_id) != _others(was, context.device_id):
            found.wrong(row, "the count of another device changed")
        if session_id is not None and planned[row.id] and not _counts_session(row, session_id):
            found.wrong(row, "the session is not among those counted")
    for row_id in planned.keys() - {row.id for row in rows}:
        found.wrong(f"user_progress/{row_id}", "it is not there")


def _others(row: UserProgress | None, device_id: str) -> int:
    counts = {} if row is None or not isinstance(row.device_counts, dict) else row.device_counts
    return total({name: entry for name, entry in counts.items() if name != device_id})


def _counts_session(row: UserProgress, session_id: str) -> bool:
    return row.last_session_id == session_id and session_id in (row.counted_sessions or ())


def _of_this_session(found: Findings, context: RuleContext, insight_id: str) -> None:
    insight = context.reader.get(MbtiInsight, insight_id)
    session_id = next(iter(written(context, CREATE_SESSION) or ()), "")
    if insight is None:
        found.wrong(f"mbti_insights/{insight_id}", "it is not there")
        return
    if insight.state not in ("new", "needs_review"):
        found.wrong(insight, "it was read or put aside already")
    session = context.reader.get(CoachingSession, session_id)
    messages = [] if session is None or session.conversation_id is None else _messages(context, session.conversation_id)
    if not {f"coaching_sessions/{session_id}", *messages} & set(insight.evidence or ()):
        found.wrong(insight, "its evidence does not name the session")


def _messages(context: RuleContext, conversation_id: str) -> list[str]:
    rows = context.reader.query(Message).where(Message.conversation_id == conversation_id).all()
    return [f"messages/{row.id}" for row in rows]
