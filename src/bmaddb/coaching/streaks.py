"""How often in a row a habit was kept: what its logs say, by its own rule of recurrence.

Rules of this room: no clock is asked, so the same logs give the same streak on every device and on every day; a streak
that was broken stands as it was until the habit is logged again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from bmaddb import errors as e
from bmaddb.coaching.recurrence import Recurrence, read_recurrence

PERIOD_DAYS_MAX: Final = 4_000
"""Of a period that was missed no day is looked for further back."""
GAP_DAYS_MAX: Final = 400
"""The day before in a rule is not looked for further back."""


class Run(NamedTuple):
    """How many times in a row, and the days of which one was missed: done, it would have made the run longer."""

    length: int
    missed: Sequence[date] = ()


def streak_of(rule: str, start: date, done: Collection[date]) -> int | None:
    """How many times in a row it was done, up to the last time; None when the rule cannot be read.

    `start`: the day the rule counts from. A rule that names its days wants each of them, and a day beside them neither
    helps nor harms; FREQ=WEEKLY, MONTHLY or YEARLY alone wants one day, whichever, in each week, month or year.
    """
    run = run_of(rule, start, done)
    return None if run is None else run.length


def run_of(rule: str, start: date, done: Collection[date]) -> Run | None:
    """The streak as `streak_of` counts it, and where it ends; None when the rule cannot be read."""
    try:
        recurrence = read_recurrence(rule)
    except e.RecordInvalid:
        return None
    if recurrence.frequency != "DAILY" and not recurrence.weekdays and not recurrence.month_days:
        return _run_of_periods(recurrence, start, done)
    return _run_of_days(recurrence, start, frozenset(done))


def _run_of_periods(recurrence: Recurrence, start: date, done: Collection[date]) -> Run:
    kept: dict[int, date] = {}
    for day in sorted(done, reverse=True):
        kept[_period(recurrence, start, day)] = day
    last, streak = max(kept, default=0), 0
    while last - streak in kept:
        streak += 1
    return Run(streak, _days_of_period_before(recurrence, start, kept[last - streak + 1]) if streak else ())


def _days_of_period_before(recurrence: Recurrence, start: date, day: date) -> list[date]:
    wanted = _period(recurrence, start, day) - 1
    days = []
    for back in range(1, min(PERIOD_DAYS_MAX, day.toordinal() - 1) + 1):
        before = day - timedelta(days=back)
        period = _period(recurrence, start, before)
        if period < wanted:
            break
        if period == wanted:
            days.append(before)
    return days


def _period(recurrence: Recurrence, start: date, day: date) -> int:
    return recurrence.periods_between(start, day) // recurrence.interval


def _run_of_days(recurrence: Recurrence, start: date, done: frozenset[date]) -> Run:
    due = [day for day in done if recurrence.falls_on(start, day)]
    day = max(due, default=None)
    streak = 0
    while day is not None and day in done:
        streak += 1
        day = _day_before(recurrence, start, day)
    return Run(streak, () if day is None else (day,))


def _day_before(recurrence: Recurrence, start: date, day: date) -> date | None:
    for back in range(1, min(GAP_DAYS_MAX, day.toordinal() - 1) + 1):
        before = day - timedelta(days=back)
        if recurrence.falls_on(start, before):
            return before
    return None
