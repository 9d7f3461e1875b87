"""How often in a row a habit was kept: what its logs say, by its own rule of recurrence.

Rules of this room: no clock is asked, so the same logs give the same streak on every device and on every day; a streak
that was broken stands as it was until the habit is logged again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from bmaddb import errors as e
from bmaddb.coaching.recurrence import Recurrence, read_recurrence

GAP_DAYS_MAX: Final = 3_000
"""The day before in a rule is not looked for further back; two leap days lie eight years apart around 2100."""
PERIOD_DAYS_MAX: Final = 10_000
"""Nor a day of the period before."""


class Run(NamedTuple):
    """How many times in a row, and the days of which one was missed: done, it would have made the run longer."""

    length: int
    missed: Sequence[date] = ()


def streak_of(rule: str, start: date, done: Collection[date]) -> int | None:
    """How many times in a row it was done, up to the last time; None when the rule cannot be read.

    `start`: the day the rule counts from. A rule that names its days wants each of them, and a day beside them neither
    helps nor harms; FREQ=WEEKLY, MONTHLY or YEARLY alone wants one day, whichever, in each week, month or year
    that has a day in the rule's BYMONTH.
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
    """A week, month or year that has no day in the months of the rule is passed over."""
    kept: dict[int, date] = {}
    for day in sorted(done, reverse=True):
        if _is_in_months(recurrence, day):
            kept[_period(recurrence, start, day)] = day
    period, streak, day = max(kept, default=0), 0, start
    while period in kept:
        streak, day = streak + 1, kept[period]
        period = _period_before(recurrence, start, day)
    return Run(streak, _days_of(recurrence, start, period, day) if streak else ())


def _period_before(recurrence: Recurrence, start: date, day: date) -> int:
    this = _period(recurrence, start, day)
    if recurrence.months:
        for before in _days_back(day, PERIOD_DAYS_MAX):
            if _is_in_months(recurrence, before) and _period(recurrence, start, before) < this:
                return _period(recurrence, start, before)
    return this - 1


def _days_of(recurrence: Recurrence, start: date, period: int, day: date) -> list[date]:
    """The days of a period that lies before `day`."""
    days = []
    for before in _days_back(day, PERIOD_DAYS_MAX):
        found = _period(recurrence, start, before)
        if found < period:
            break
        if found == period and _is_in_months(recurrence, before):
            days.append(before)
    return days


def _is_in_months(recurrence: Recurrence, day: date) -> bool:
    return not recurrence.months or day.month in recurrence.months


def _days_back(day: date, days_max: int) -> Iterator[date]:
    for back in range(1, min(days_max, day.toordinal() - 1) + 1):
        yield day - timedelta(days=back)


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
    for before in _days_back(day, GAP_DAYS_MAX):
        if recurrence.falls_on(start, before):
            return before
    return None
