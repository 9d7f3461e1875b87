"""On which days something recurs: the part of RFC 5545's RRULE that is about whole days.

Read are FREQ (DAILY, WEEKLY, MONTHLY, YEARLY), INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY, BYMONTH, WKST, and BYSETPOS
of months and years. What is not read is refused, never passed over.

Rules of this room: pure, and the same on every device; no search goes further than DAYS_AHEAD_MAX.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeVar

from bmaddb import errors as e
from bmaddb.coaching.local_days import local_day
from bmaddb.schema.kinds import milliseconds

T = TypeVar("T")
DAYS_AHEAD_MAX: Final = 40 * 366
"""Nothing that recurs is looked for further ahead than forty years."""
EXAMPLE: Final = "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH"
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY: Final = re.compile(r"([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)")
_UNTIL: Final = re.compile(r"(\d{8})(T\d{6}(Z?))?")
_PARTS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})
_MONTHLY: Final = frozenset({"MONTHLY", "YEARLY"})
_Parts = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A rule that was read. `count`: how many times in all, the present one among them; `until`: the last day."""

    frequency: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    weekdays: tuple[tuple[int | None, int], ...] = ()
    """(which one of the month or year, day of the week from Monday 0); None is every one."""
    month_days: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def after(self, start: date) -> date | None:
        """The first day after `start`, which is one itself, on which it recurs; None when it does not any more."""
        if self.count is not None and self.count <= 1:
            return None
        last = min(DAYS_AHEAD_MAX, (date.max - start).days)
        for ahead in range(1, last + 1):
            day = start + timedelta(days=ahead)
            if self.until is not None and day > self.until:
                return None
            if self.falls_on(start, day):
                return day
        return None

    def falls_on(self, start: date, day: date) -> bool:
        """Does it recur on `day`, counted from `start`? COUNT and UNTIL are not asked."""
        if self.periods_between(start, day) % self.interval:
            return False
        if not self.fits(start, day):
            return False
        return not self.positions or self._has_position(start, day)

    def periods_between(self, start: date, day: date) -> int:
        """How many days, weeks, months or years lie between; negative for a day before."""
        if self.frequency == "DAILY":
            return (day - start).days
        if self.frequency == "WEEKLY":
            return (self._week_of(day) - self._week_of(start)).days // 7
        years = day.year - start.year
        return years if self.frequency == "YEARLY" else years * 12 + day.month - start.month

    def _week_of(self, day: date) -> date:
        """The first day of its week; of the very first week there is, its end counted back."""
        back = (day.weekday() - self.week_start) % 7
        return day - timedelta(days=back) if day.toordinal() > back else date.min

    def fits(self, start: date, day: date) -> bool:
        """Is it one of the days the rule names? INTERVAL and BYSETPOS are not asked either."""
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not {day.day, day.day - monthrange(day.year, day.month)[1] - 1} & {*self.month_days}:
            return False
        if self.weekdays:
            return any(self._is_weekday(day, which, weekday) for which, weekday in self.weekdays)
        return bool(self.month_days) or self._as_the_start(start, day)

    def _as_the_start(self, start: date, day: date) -> bool:
        """What a rule that names no days takes from its start."""
        if self.frequency == "WEEKLY":
            return day.weekday() == start.weekday()
        if self.frequency == "MONTHLY":
            return day.day == start.day
        if self.frequency == "YEARLY":
            return day.day == start.day and (bool(self.months) or day.month == start.month)
        return True

    def _is_weekday(self, day: date, which: int | None, weekday: int) -> bool:
        if day.weekday() != weekday:
            return False
        if which is None:
            return True
        first, last = self._span(day, whole_year=self.frequency == "YEARLY" and not self.months)
        return which in ((day - first).days // 7 + 1, -((last - day).days // 7) - 1)

    def _span(self, day: date, *, whole_year: bool) -> tuple[date, date]:
        if whole_year:
            return date(day.year, 1, 1), date(day.year, 12, 31)
        return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])

    def _has_position(self, start: date, day: date) -> bool:
        first, last = self._span(day, whole_year=self.frequency == "YEARLY")
        days = _days_between(self, start, first, last)
        place = days.index(day)
        return place + 1 in self.positions or place - len(days) in self.positions


@lru_cache(maxsize=8)
def _days_between(read: Recurrence, start: date, first: date, last: date) -> list[date]:
    """The days of a month or year the rule names; asked again for each of them."""
    every = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [day for day in every if read.fits(start, day)]


def flaw_in(rule: str) -> str | None:
    """Why `rule` cannot be read; None when it can."""
    try:
        read_recurrence(rule)
    except e.RecordInvalid as problem:
        return problem.message
    return None


@lru_cache(maxsize=256)
def read_recurrence(rule: str, zone: str = "UTC") -> Recurrence:
    """Read an RRULE, with its name before it or without; RecordInvalid says what is wrong with it.

    `zone`: the user's, for an UNTIL that is a moment: the day it falls on there is the last.
    """
    parts = _parts_of(rule)
    frequency = parts.get("FREQ", "")
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise _unread(rule, "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY")
    if "COUNT" in parts and "UNTIL" in parts:
        raise _unread(rule, "it has COUNT or UNTIL, not both")
    read = Recurrence(
        frequency=frequency,
        interval=_number(rule, parts.get("INTERVAL", "1"), 1, 1_000),
        count=_number(rule, parts["COUNT"], 1, 100_000) if "COUNT" in parts else None,
        until=_until(rule, parts["UNTIL"], zone) if "UNTIL" in parts else None,
        weekdays=_list(parts, "BYDAY", lambda item: _weekday(rule, item)),
        month_days=_list(parts, "BYMONTHDAY", lambda item: _number(rule, item, -31, 31)),
        months=_list(parts, "BYMONTH", lambda item: _number(rule, item, 1, 12)),
        positions=_list(parts, "BYSETPOS", lambda item: _number(rule, item, -366, 366)),
        week_start=_week_start(rule, parts.get("WKST", "MO")),
    )
    _check_together(rule, read)
    return read


def with_one_less(rule: str) -> str:
    """The rule of the next one: of a COUNT one has been; the rest stays as it is written."""
    return re.sub(r"(?i)\bCOUNT=(\+?\d+)", lambda found: f"COUNT={int(found[1]) - 1}", rule)


def _check_together(rule: str, read: Recurrence) -> None:
    monthly = read.frequency in _MONTHLY
    if any(which is not None for which, _ in read.weekdays) and not monthly:
        raise _unread(rule, "only months and years have a first or last weekday")
    if read.month_days and read.frequency == "WEEKLY":
        raise _unread(rule, "a week has no days of the month")
    if read.positions and not (monthly and (read.weekdays or read.month_days)):
        raise _unread(rule, "BYSETPOS chooses among the days of a month or year that BYDAY or BYMONTHDAY name")


def _parts_of(rule: str) -> _Parts:
    text = rule.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in text.rstrip(";").split(";"):
        name, _, value = part.partition("=")
        if name not in _PARTS:
            raise _unread(rule, f"{name or 'nothing'} is no part of it; {', '.join(sorted(_PARTS))} are")
        if name in parts or not value:
            raise _unread(rule, f"{name} stands in it once, with a value")
        parts[name] = value
    return parts


def _list(parts: _Parts, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(read(item) for item in parts[name].split(",")) if name in parts else ()


def _number(rule: str, text: str, least: int, most: int) -> int:
    number = int(text) if re.fullmatch(r"[+-]?\d{1,6}", text) else 0
    if not number or not least <= number <= most:
        raise _unread(rule, f"{text} is no number from {least} to {most}")
    return number


def _weekday(rule: str, text: str) -> tuple[int | None, int]:
    found = _DAY.fullmatch(text)
    if not found:
        raise _unread(rule, f"{text} is no day of the week")
    return (None if found[1] is None else int(found[1])), _WEEKDAYS.index(found[2])


def _week_start(rule: str, text: str) -> int:
    if text not in _WEEKDAYS:
        raise _unread(rule, f"{text} is no day of the week")
    return _WEEKDAYS.index(text)


def _until(rule: str, text: str, zone: str) -> date:
    found = _UNTIL.fullmatch(text)
    try:
        if found and found[3]:
            moment = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            return local_day(milliseconds(moment), zone)
        if found:
            return datetime.strptime(found[1], "%Y%m%d").date()
    except (ValueError, OverflowError):
        pass
    raise _unread(rule, f"UNTIL {text} is no day")


def _unread(rule: str, why: str) -> e.RecordInvalid:
    return e.RecordInvalid(f"the rule '{rule[:80]}' cannot be read: {why}", hint=f"as in {EXAMPLE}")
