"""When something recurs: the days a well-kept library gives, for every rule that is read; and what is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.coaching.recurrence import flaw_in, read_recurrence, with_one_less

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_days = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True)
_months = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)
_month_days = st.lists(st.integers(-31, 31).filter(bool), min_size=1, max_size=3, unique=True)
_nth = st.tuples(st.integers(-5, 5).filter(bool), st.sampled_from(WEEKDAYS)).map(lambda pair: f"{pair[0]:+d}{pair[1]}")
_which = st.lists(_nth, min_size=1, max_size=2, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Any rule that is read and has no end."""
    frequency = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts: dict[str, Any] = {
        "FREQ": frequency,
        "INTERVAL": draw(st.integers(1, 4)),
        "WKST": draw(st.sampled_from(WEEKDAYS)),
    }
    if draw(st.booleans()):
        parts["BYMONTH"] = draw(_months)
    named: str = draw(st.sampled_from(("nothing", "BYDAY", "BYMONTHDAY", "both", "which")))
    if named in ("BYDAY", "both"):
        parts["BYDAY"] = draw(_days)
    if named in ("BYMONTHDAY", "both") and frequency != "WEEKLY":
        parts["BYMONTHDAY"] = draw(_month_days)
    if frequency in ("MONTHLY", "YEARLY"):
        if named == "which":
            parts["BYDAY"] = draw(_which)
        chosen: bool = draw(st.booleans())
        if chosen and parts.keys() & {"BYDAY", "BYMONTHDAY"}:
            parts["BYSETPOS"] = draw(st.sampled_from(([1], [-1], [2], [1, -1], [-2, 3])))
    shown = {name: ",".join(map(str, value)) if isinstance(value, list) else value for name, value in parts.items()}
    return ";".join(f"{name}={value}" for name, value in shown.items())


@settings(deadline=None, max_examples=60)  # the library looks for days that never come up to the year 9999
@given(rule=rules(), start=st.dates(date(2023, 1, 1), date(2029, 12, 31)), end=st.none() | st.integers(0, 900))
def test_the_next_day_is_the_one_the_library_gives(rule: str, start: date, end: int | None) -> None:
    last = start + timedelta(days=15 * 366)  # within it every rule of these recurs or never does
    until = last if end is None else start + timedelta(days=end)
    bounded = f"{rule};UNTIL={until:%Y%m%d}"
    oracle = rrulestr(bounded, dtstart=datetime(start.year, start.month, start.day))
    wanted = next((day.date() for day in islice(oracle, 50) if day.date() > start), None)
    assert read_recurrence(bounded).after(start) == wanted


@pytest.mark.parametrize(
    ("rule", "start", "wanted"),
    [
        ("FREQ=DAILY", "2026-12-31", "2027-01-01"),
        ("RRULE:FREQ=DAILY;INTERVAL=3", "2026-11-29", "2026-12-02"),
        ("freq=weekly;byday=mo,we", "2026-11-30", "2026-12-02"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "2026-12-02", "2026-12-14"),
        ("FREQ=MONTHLY", "2026-01-31", "2026-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", "2026-02-28"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-11-27", "2026-12-25"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-11-30", "2026-12-31"),
        ("FREQ=YEARLY", "2024-02-29", "2028-02-29"),
        ("FREQ=DAILY;UNTIL=20261129", "2026-11-29", None),
        ("FREQ=DAILY;UNTIL=20261130", "2026-11-29", "2026-11-30"),
        ("FREQ=DAILY;COUNT=1", "2026-11-29", None),
        ("FREQ=DAILY;COUNT=2", "2026-11-29", "2026-11-30"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "2026-11-29", None),
        ("FREQ=DAILY", "9999-12-31", None),
        ("FREQ=WEEKLY;WKST=SU", "0001-01-01", "0001-01-08"),
    ],
)
def test_days_that_are_easily_wrong(rule: str, start: str, wanted: str | None) -> None:
    found = read_recurrence(rule).after(date.fromisoformat(start))
    assert (None if found is None else found.isoformat()) == wanted


def test_an_end_that_is_a_moment_is_a_day_where_the_user_is() -> None:
    rule = "FREQ=DAILY;UNTIL=20261130T230000Z"
    assert read_recurrence(rule, "Europe/Amsterdam").until == date(2026, 12, 1)
    assert read_recurrence(rule, "UTC").until == date(2026, 11, 30)


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "every day",
        "FREQ=HOURLY",
        "INTERVAL=2",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;INTERVAL=",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;COUNT=2;UNTIL=20261130",
        "FREQ=DAILY;UNTIL=20261340",
        "FREQ=DAILY;UNTIL=tomorrow",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYMONTHDAY=1",
        "FREQ=WEEKLY;WKST=1",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYWEEKNO=1",
        "FREQ=MONTHLY;BYSETPOS=1",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=1",
        "DTSTART:20261129\nRRULE:FREQ=DAILY",
    ],
)
def test_what_is_not_read_is_refused(rule: str) -> None:
    assert flaw_in(rule) is not None
    with pytest.raises(e.RecordInvalid, match="cannot be read") as refused:
        read_recurrence(rule)
    assert refused.value.hint is not None


def test_of_a_count_one_is_used_up() -> None:
    assert with_one_less("FREQ=DAILY;COUNT=3") == with_one_less("FREQ=DAILY;COUNT=+3") == "FREQ=DAILY;COUNT=2"
    assert with_one_less("FREQ=DAILY;INTERVAL=3") == "FREQ=DAILY;INTERVAL=3"
