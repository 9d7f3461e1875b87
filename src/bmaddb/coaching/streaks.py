"""How often in a row a habit was kept: what its logs say, by its own rule of recurrence.

Rules of this room: no clock is asked, so the same logs give the same streak on every device and on every day; a streak
that was broken stands as it was until the habit is logged again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Final

from bmaddb import errors as e
from bmaddb.coaching.recurrence import Recurrence, read_recurrence

GAP_DAYS_MAX: Final = 400
"""The day before in a rule is not looked for further back."""


def streak_of(rule: str, start: date, done: Collection[date]) -> int | None:
    """How many times in a row it was done, up to the last time; None when the rule cannot be read.

    `start`: the day the rule counts from. A rule that names its days wants each of them, and a day beside them neither
    helps nor harms; FREQ=WEEKLY, MONTHLY or YEARLY alone wants one day, whichever, in each week, month or year.
    """
    try:
        recurrence = read_recurrence(rule)
    except e.RecordInvalid:
        return None
    if recurrence.frequency != "DAILY" and not recurrence.weekdays and not recurrence.month_days:
        return _run_of_periods(recurrence, start, done)
    return _run_of_days(recurrence, start, frozenset(done))


def _run_of_periods(recurrence: Recurrence, start: date, done: Collection[date]) -> int:
    kept = {recurrence.periods_between(start, day) // recurrence.interval for day in done}
    streak = 0
    while kept and max(kept) - streak in kept:
        streak += 1
    return streak


def _run_of_days(recurrence: Recurrence, start: date, done: frozenset[date]) -> int:
    due = [day for day in done if recurrence.falls_on(start, day)]
    day = max(due, default=None)
    streak = 0
    while day is not None and day in done:
        streak += 1
        day = _day_before(recurrence, start, day)
    return streak


def _day_before(recurrence: Recurrence, start: date, day: date) -> date | None:
    for back in range(1, min(GAP_DAYS_MAX, day.toordinal() - 1) + 1):
        before = day - timedelta(days=back)
        if recurrence.falls_on(start, before):
            return before
    return None
