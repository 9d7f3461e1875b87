"""Stamps: order of text is order of time, one device never repeats itself, nobody can live in the future."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.protocol import stamps
from bmaddb.protocol.stamps import NO_STAMP, STAMP_AHEAD_MS_MAX, STAMP_REFUSED_MS_MAX, Stamps

HERE = Stamps("0190a000-0000-7000-8000-0000000000aa")
THERE = Stamps("0190a000-0000-7000-8000-0000000000bb")
NOW = 1_800_000_000_000


def test_a_stamp_is_thirty_characters_with_time_counter_and_node() -> None:
    assert HERE.next(NOW, NO_STAMP) == f"{NOW:012x}-0000-0000000000aa"
    assert len(HERE.next(NOW, NO_STAMP)) == 30


@given(st.lists(st.integers(NOW, NOW + STAMP_REFUSED_MS_MAX), min_size=2))
def test_stamps_rise_whatever_the_wall_clock_does_within_a_day(walls: list[int]) -> None:
    last, made = NO_STAMP, []
    for wall in walls:
        last = HERE.next(wall, last)
        made.append(last)
    assert made == sorted(set(made))


def test_a_clock_that_was_wrong_by_more_than_a_day_is_not_followed_once_it_is_right() -> None:
    wrong = HERE.next(NOW + STAMP_REFUSED_MS_MAX + 1, NO_STAMP)
    assert HERE.next(NOW, wrong) == f"{NOW:012x}-0000-0000000000aa"


def test_a_full_counter_borrows_a_millisecond() -> None:
    full = f"{NOW:012x}-ffff-0000000000aa"
    assert HERE.next(NOW, full) == f"{NOW + 1:012x}-0000-0000000000aa"


def test_what_is_written_after_seeing_a_stamp_is_later() -> None:
    seen = THERE.next(NOW + 1000, NO_STAMP)
    last = HERE.observe(NOW, NO_STAMP, seen)
    assert HERE.next(NOW, last) > seen


@pytest.mark.parametrize("ahead_ms", [STAMP_AHEAD_MS_MAX + 1, STAMP_AHEAD_MS_MAX * 1000])
def test_a_stamp_from_the_future_is_not_adopted_and_counts_as_now(ahead_ms: int) -> None:
    future = THERE.next(NOW + ahead_ms, NO_STAMP)
    assert HERE.observe(NOW, NO_STAMP, future) == NO_STAMP
    assert stamps.milliseconds(stamps.trusted(future, NOW)) == NOW
    assert HERE.next(NOW + 1, NO_STAMP) > stamps.trusted(future, NOW)


def test_a_stamp_within_the_bound_stays_what_it_is() -> None:
    near = THERE.next(NOW + STAMP_AHEAD_MS_MAX, NO_STAMP)
    assert stamps.trusted(near, NOW) == near
    assert HERE.observe(NOW, NO_STAMP, near) == near


AHEAD = STAMP_AHEAD_MS_MAX + 1
SIDES = [
    # (mine ahead by, theirs ahead by, is mine newer?), in milliseconds
    (0, -1, True),
    (-1, 0, False),
    (-(10**9), -1, False),
    (-1, AHEAD, False),
    (AHEAD, -1, True),
    (1, AHEAD, True),
    (AHEAD, 1, False),
    (AHEAD + 1, AHEAD, True),
    (AHEAD, AHEAD + 1, False),
    (STAMP_AHEAD_MS_MAX, AHEAD * 1000, True),
]


@pytest.mark.parametrize(("mine", "theirs", "newer"), SIDES)
def test_a_clock_that_is_wrong_wins_over_the_past_and_never_over_the_future(
    mine: int, theirs: int, newer: bool
) -> None:
    """Whichever side it is on: a stamp from too far ahead is one of just now."""
    one, other = HERE.next(NOW + mine, NO_STAMP), THERE.next(NOW + theirs, NO_STAMP)
    left, right = stamps.comparable(one, other, NOW)
    assert (left > right) is newer
    assert stamps.comparable(other, one, NOW) == (right, left)


def test_no_stamp_is_older_than_any() -> None:
    assert stamps.comparable(NO_STAMP, HERE.next(NOW, NO_STAMP), NOW)[0] == NO_STAMP
    assert stamps.comparable(HERE.next(NOW + AHEAD, NO_STAMP), "x", NOW)[1] == NO_STAMP


@pytest.mark.parametrize("text", ["x", "0" * 30, "ZZZZZZZZZZZZ-0000-0000000000aa", NO_STAMP])
def test_text_that_is_no_stamp_is_neither_adopted_nor_trusted(text: str) -> None:
    assert HERE.observe(NOW, NO_STAMP, text) == NO_STAMP
    assert stamps.trusted(text, NOW) == NO_STAMP


def test_our_own_last_stamp_must_be_one() -> None:
    with pytest.raises(e.LocalProtocolError):
        HERE.next(NOW, "yesterday")
