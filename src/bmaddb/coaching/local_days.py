"""Days and periods as a user lives them: in the user's own time zone, as text."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from bmaddb.coaching.candidate import moment

ZONE_ELSE: Final = "Europe/Amsterdam"
_PERIODS: Final = {
    "all": re.compile(r"all"),
    "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])"),
    "week": re.compile(r"\d{4}-W(0[1-9]|[1-4]\d|5[0-3])"),
    "day": re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"),
    "year": re.compile(r"\d{4}"),
    "none": re.compile(r"all"),
}


@cache
def zones() -> frozenset[str]:
    """The IANA names this device knows."""
    return frozenset(available_timezones())


def local_day(at_ms: int, zone: Any) -> date:
    """The day of `at_ms` in `zone`; of an unknown zone, in Amsterdam's."""
    return moment(at_ms).astimezone(_known(zone)).date()


def days_later(at: datetime, days: int, zone: Any) -> datetime:
    """So many days after `at`, at the same time of the day in `zone`, also over the change to summer time."""
    return (at.astimezone(_known(zone)) + timedelta(days=days)).astimezone(UTC)


def period_key(period: str, day: date) -> str:
    """The key of the `period` (all, year, month, week, day, none) that `day` lies in."""
    if period == "month":
        return f"{day:%Y-%m}"
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    if period == "year":
        return f"{day:%Y}"
    return day.isoformat() if period == "day" else "all"


def fits_period(key: Any, periods: list[str]) -> bool:
    """Is `key` a key of one of the `periods`?"""
    return isinstance(key, str) and any(_PERIODS[period].fullmatch(key) for period in periods)


def day_of(text: Any) -> date | None:
    """The day that `text` (YYYY-MM-DD) says; None for what says none."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def day_after(day: date) -> date:
    """The day after."""
    return day + timedelta(days=1)


def day_before(day: date) -> date:
    """The day before."""
    return day - timedelta(days=1)


def _known(zone: Any) -> ZoneInfo:
    return ZoneInfo(zone if zone in zones() else ZONE_ELSE)
