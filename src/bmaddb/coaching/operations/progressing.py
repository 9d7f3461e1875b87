"""Progress as part of an operation: the rows that count, and how a count is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.coaching.candidate import candidate_of, ms, values_of
from bmaddb.coaching.checks.findings import notes, written
from bmaddb.coaching.checks.session import PROGRESS_BEFORE, PROGRESS_PLANNED, UPDATE_PROGRESS, recently_changed
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.derived import derived_values
from bmaddb.coaching.local_days import day_after, day_before, day_of, local_day, period_key
from bmaddb.coaching.registries import METRIC
from bmaddb.coaching.rules.progress import COUNTED_MAX, SESSION_ID, ProgressValidator
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.tasks_productivity import UserProgress
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.counters import total
from bmaddb.schema.natural_keys import natural_id

Deltas = Mapping[str, int]
PROGRESS: Final = "progress"
"""The fact that says what an operation counts, for the undoing of it: metric -> how many more."""
ONCE_A_DAY: Final = frozenset({"active_days"})
_FIXED: Final = frozenset({"server_seq", "created_at", "updated_at"})


def progress_step(
    deltas: Deltas | Callable[[RuleContext], Deltas], on: Callable[[RuleContext], date] | None = None
) -> Step:
    """Count `deltas` (metric -> how many more) in every period of each metric that `on` lies in, which is today.

    When the fact `session_id` names a session, it counts once: a metric that counted it already is left alone.
    RecordInvalid for a metric that is not in the registry, and for what is no whole number.
    """

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        wanted = _checked(deltas(context) if callable(deltas) else deltas)
        day = local_day(context.now_ms, zone_of(context)) if on is None else on(context)
        noted = notes(context)
        noted[PROGRESS_BEFORE] = {row.id: row for row in recently_changed(context)}
        made = [
            row
            for metric, delta in wanted.items()
            if not _has_counted(context, metric)
            for period in METRIC[metric]["periods"]
            if (row := _counting(context, metric, period, delta, day)) is not None
        ]
        noted[PROGRESS_PLANNED] = {progress_id(context, row): wanted[row["metric_code"]] for row in made}
        for row_id in noted[PROGRESS_PLANNED]:
            standing = context.reader.get(UserProgress, row_id)
            if standing is not None:
                noted[PROGRESS_BEFORE][row_id] = standing
        return made

    return Step(UPDATE_PROGRESS, "user_progress", Action.UPSERT, rows, (ProgressValidator,), undo=take_back)


def take_back(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: this device's count less what it counted, and the session is not counted any more.

    A day on which something else was done stays counted: that has left it to this one to count it.
    """
    session, deltas = context.facts.get(SESSION_ID), context.facts.get(PROGRESS, {})
    ids, day = written(context, UPDATE_PROGRESS) or (), _day_of_session(tx, context)
    for row in [row for row_id in ids if (row := tx.get(UserProgress, row_id)) is not None]:
        change: dict[str, Any] = {"counted_sessions": [item for item in row.counted_sessions if item != session]}
        others = [
            other.last_activity_on
            for other in tx.query(UserProgress).where(UserProgress.period_key == row.period_key).all()
            if other.id not in ids and other.last_activity_on is not None
        ]
        if row.metric_code not in ONCE_A_DAY or row.last_activity_on != day or day not in others:
            by = -deltas.get(row.metric_code, 0)
            change["device_counts"] = counted(row.device_counts, context.device_id, by, context.now_ms)
            change["value"] = total(change["device_counts"])
            change |= _activity_before(row, change["value"], day, others)
        tx.update(row, **change)


def progress_id(context: RuleContext, row: Mapping[str, Any]) -> str:
    """The id of a row of progress."""
    return natural_id(UserProgress.__table__, {"user_id": context.user, **row})


def _checked(deltas: Deltas) -> Deltas:
    for metric, delta in deltas.items():
        if metric not in METRIC:
            raise e.RecordInvalid(f"there is no metric {metric!r}", hint=f"there are {', '.join(sorted(METRIC))}")
        if type(delta) is not int:
            raise e.RecordInvalid(f"{delta!r} is no number to count {metric} by", hint="a whole number")
    return deltas


def _has_counted(context: RuleContext, metric: str) -> bool:
    """Did the metric count the session already, in whichever month? The row of all time says so, which each is in."""
    session = context.facts.get(SESSION_ID)
    row = context.reader.get(UserProgress, progress_id(context, {"metric_code": metric, "period_key": "all"}))
    return session is not None and row is not None and session in row.counted_sessions


def _counting(context: RuleContext, metric: str, period: str, delta: int, today: date) -> dict[str, Any] | None:
    """The whole row after it counted; None when there is nothing to count."""
    key = {"metric_code": metric, "period_key": period_key(period, today)}
    before = context.reader.get(UserProgress, progress_id(context, key))
    session = context.facts.get(SESSION_ID)
    if delta == 0 or (metric in ONCE_A_DAY and _has_day(context, metric, before, today)):
        return None
    row: dict[str, Any] = dict(key) if before is None else values_of(before)
    row["device_counts"] = counted(row.get("device_counts"), context.device_id, delta, context.now_ms)
    if delta > 0:
        last = day_of(row.get("last_activity_on"))
        row["last_activity_on"] = (today if last is None or _is_ahead(context, last) else max(today, last)).isoformat()
    if session is not None:
        row["last_session_id"] = session
        others = sorted({*row.get("counted_sessions", ()), session} - {session})
        row["counted_sessions"] = sorted([*others[1 - COUNTED_MAX :], session])
    row |= derived_values(candidate_of(UserProgress, row, before, context))
    row["best_value"] = max(row.get("best_value", 0), row["value"])
    row["streak_longest"] = max(row.get("streak_longest", 0), row["streak_current"])
    row["milestones"] = sorted({*row.get("milestones", ()), *_reached(metric, period, row["value"])})
    return {name: value for name, value in row.items() if name not in _FIXED}


def _has_day(context: RuleContext, metric: str, row: UserProgress | None, day: date) -> bool:
    """Is the day counted? One that was taken back leaves no streak, though a merge may have kept the later day.

    A day that a wrong clock left ahead comes back with every merge, which keeps the latest: then the week says it.
    """
    last = None if row is None else day_of(row.last_activity_on)
    if last is not None and _is_ahead(context, last):
        week = {"metric_code": metric, "period_key": period_key("week", day)}
        row = context.reader.get(UserProgress, progress_id(context, week))
    return row is not None and row.last_activity_on == day.isoformat() and row.streak_current > 0


def _is_ahead(context: RuleContext, day: date) -> bool:
    """Does it lie beyond tomorrow, where the user lives? A clock that ran ahead said so."""
    return day > day_after(local_day(context.now_ms, zone_of(context)))


def _activity_before(row: UserProgress, value: int, session_day: str | None, others: Sequence[str]) -> dict[str, Any]:
    """The last day and the streak as they were before the session counted, as far as the rows say; else they stay.

    `others`: the last days of other metrics in this period.
    """
    if value == 0:
        return {"last_activity_on": None, "streak_current": 0}
    last = day_of(row.last_activity_on)
    if last is None or row.metric_code not in ONCE_A_DAY or row.last_activity_on != session_day:
        return {}
    if row.streak_current > 1:
        return {"last_activity_on": day_before(last).isoformat(), "streak_current": row.streak_current - 1}
    return {"last_activity_on": max(others, default=None), "streak_current": 0}


def _day_of_session(tx: WriteTransaction, context: RuleContext) -> str | None:
    session_id = context.facts.get(SESSION_ID)
    session = None if session_id is None else tx.get(CoachingSession, session_id)
    return None if session is None else local_day(ms(session.created_at) or 0, zone_of(context)).isoformat()


def _reached(metric: str, period: str, value: int) -> list[str]:
    """The milestones of all time."""
    if period != "all":
        return []
    return [name for name in METRIC[metric]["milestones"] if int(name.rpartition(".")[2]) <= value]
