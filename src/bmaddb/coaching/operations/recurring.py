"""What follows a task that recurs: its next occurrence, the same row whichever device makes it.

Rules of this room: the id follows from the series and the day (`occurrence_id`), and so do its first values; whoever
completes the task a second time finds the next one there and leaves it alone.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any, Final

from bmaddb.coaching.candidate import RuleSet, ms
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.local_days import day_of, days_later, local_day
from bmaddb.coaching.recurrence import read_recurrence, with_one_less
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema.natural_keys import NAMESPACE, SEPARATOR

NEXT_OCCURRENCE: Final = "next_occurrence"
PASSED_OVER_MAX: Final = 400
"""So many days whose task is done already are passed over; after that the series is taken to have ended."""
_COPIED: Final = ("title", "notes", "goal_id", "parent_task_id", "priority", "estimate_min", "recur_anchor", "tag_ids")


def next_step(task_id: str) -> Step:
    """Make the next occurrence of a task that was just done; nothing when it does not recur, or not any more."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        task = context.reader.get(Task, task_id)
        if task is None or task.rrule is None:
            return []
        row = _next_row(context, task, task.rrule)
        return [] if row is None else [row]

    return Step(NEXT_OCCURRENCE, "tasks", Action.INSERT, rows, (RuleSet(Task, GENERAL),))


def occurrence_id(series_id: str, key: str) -> str:
    """The id of the occurrence of a series: uuid5 of "tasks", the series and the day, as natural keys are written.

    `key`: its due day, YYYY-MM-DD. Of a task that recurs so long after it was done, which is another day on each device
    that does it, `after` and the id of the one before.
    """
    return str(uuid.uuid5(NAMESPACE, SEPARATOR.join(("tasks", series_id, key))))


def series_of(task: Task) -> str:
    """The series: what the row says, or the first task of it."""
    return task.series_id or task.id


def _next_row(context: RuleContext, task: Task, rule: str) -> dict[str, Any] | None:
    zone = zone_of(context)
    due_ms = ms(task.due_at)
    due = day_of(task.due_on) or (None if due_ms is None else local_day(due_ms, zone))
    if due is None or task.recur_anchor == "completion":
        row_id = occurrence_id(series_of(task), f"after{SEPARATOR}{task.id}")
        day = read_recurrence(rule, zone).after(local_day(context.now_ms, zone))
        if day is None or context.reader.get(Task, row_id) is not None:
            return None
    else:
        found = _free_day(context, task, rule, due)
        if found is None:
            return None
        day, row_id, rule = found
    copied = {name: getattr(task, name) for name in _COPIED}
    planned = {"rrule": with_one_less(rule), "series_id": series_of(task), "source": task.source}
    return {"id": row_id, **copied, **planned, **_times(task, due, day, zone)}


def _free_day(context: RuleContext, task: Task, rule: str, due: date) -> tuple[date, str, str] | None:
    """The next day whose task is neither this one, put off, nor done, and the rule that leads to it, which of a COUNT
    has what was done on the way no more; None when it is there and open."""
    zone = zone_of(context)
    day: date | None = due
    for _ in range(PASSED_OVER_MAX):
        day = read_recurrence(rule, zone).after(day) if day is not None else None
        if day is None:
            return None
        row_id = occurrence_id(series_of(task), day.isoformat())
        there = context.reader.get(Task, row_id)
        if there is None:
            return day, row_id, rule
        if there.state not in ("done", "cancelled"):
            return None
        rule = rule if there.id == task.id else with_one_less(rule)
    return None


def _times(task: Task, due: date | None, day: date, zone: str) -> dict[str, Any]:
    """Its times move by as many days as it does, and stay at the same time of the user's day."""
    if due is None:
        return {"due_on": day.isoformat()}
    days = (day - due).days
    return {
        "due_on": None if task.due_on is None else day.isoformat(),
        "due_at": None if task.due_at is None else days_later(task.due_at, days, zone),
        "start_at": None if task.start_at is None else days_later(task.start_at, days, zone),
    }
