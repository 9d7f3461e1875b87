"""Shapes hold no values, histograms are within an eighth, alarms do not flutter, and everything is bounded."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.monitor.alarms import Alarm, Calm
from bmaddb.monitor.histogram import VALUE_US_MAX, Histogram
from bmaddb.monitor.limits import MonitorLimits
from bmaddb.monitor.operations import Operations
from bmaddb.monitor.shapes import COUNT, ROWS, TIME, Shapes
from bmaddb.monitor.texts import SHAPE_CHARS_MAX, shape_of


@dataclass(frozen=True)
class Took:
    """A measured run."""

    duration_us: int
    rows: int | None = None
    changes: int = 0
    full_scan_steps: int = 0
    sorts: int = 0
    automatic_indexes: int = 0
    machine_steps: int = 0
    memory_bytes: int = 0
    page_hits: int = 0
    page_misses: int = 0


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("select * from t where a = 'geheim' and b = 12", "select * from t where a = ? and b = ?"),
        ("select 'it''s' -- my secret\n , x'00ff', 1.5e-3, 0x1F", "select ?, …"),
        ("select /* 'secret */ \"odd 'name\" from t1", 'select "odd \'name" from t1'),
        ("select * from t\n  where id in (?, ?, ?)  limit 20;", "select * from t where id in (?, …) limit ?"),
        ("select ?1, :name, @who, $x", "select ?, …"),
        ("insert into t values (?, ?), (?, ?), (?, ?)", "insert into t values (?, …), …"),
        ("select [a 1], `b 2` from t_2 where c3=4", "select [a 1], `b 2` from t_2 where c3=?"),
        ("select 'never closed", "select ?"),
        ('select "a", "b", "t"."c", "d", "e", "f" from "t"', 'select "a", … 5 more from "t"'),
    ],
)
def test_a_shape_is_the_text_without_values(text: str, shape: str) -> None:
    assert shape_of(text) == shape


@given(st.text(), st.integers(0), st.floats(0, allow_nan=False, allow_infinity=False))
def test_no_value_is_in_a_shape(value: str, number: int, real: float) -> None:
    quoted = value.replace("'", "''")
    assert shape_of(f"select a from t where b = '{quoted}' and c={number} or d > {real!r}") == (
        "select a from t where b = ? and c=? or d > ?"
    )


def test_a_shape_has_an_end() -> None:
    assert len(shape_of("select " + ", ".join(f"column_{i}" for i in range(1000)))) == SHAPE_CHARS_MAX


@given(st.lists(st.integers(-5, 2 * VALUE_US_MAX), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_is_at_most_an_eighth_too_high(values: list[int], share: float) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    kept = sorted(min(max(value, 0), VALUE_US_MAX) for value in values)
    exact = next(value for place, value in enumerate(kept, 1) if place >= share * len(kept))
    assert exact <= histogram.quantile_us(share) <= exact * 9 / 8
    assert (histogram.count, histogram.total_us, histogram.max_us) == (len(kept), sum(kept), kept[-1])


def test_an_empty_histogram_says_nothing() -> None:
    assert (Histogram().quantile_us(0.5), Histogram().mean_us) == (0, 0.0)


def test_one_slow_run_is_told_once_until_calm() -> None:
    calm = Calm(100, 3)
    values = (100, 101, 150, 40, 40, 60, 40, 40)
    told = [(calm.disturbed(value), calm.raised) for value in values]
    assert told == [(False, False), (True, True), *[(False, True)] * 6], "60 is not below half: it began anew"
    assert [(calm.disturbed(value), calm.raised) for value in (40, 101)] == [(False, False), (True, True)]


def test_an_alarm_is_silent_between_its_two_limits() -> None:
    high = Alarm("waiting", raise_at=3, clear_at=0)
    assert [high.look(value) for value in (2, 3, 5, 1, 3, 0, 0, 3)] == [
        False,
        True,
        False,
        False,
        False,
        True,
        False,
        True,
    ]
    low = Alarm("share", raise_at=0.8, clear_at=0.9)
    assert [low.look(value) for value in (0.85, 0.8, 0.85, 0.9, 0.85)] == [False, True, False, True, False]


def test_a_new_shape_is_measured_in_full_then_now_and_then() -> None:
    shapes = Shapes(MonitorLimits(measured_first=2, sample_every=4))
    depths = []
    for _ in range(8):
        depths.append(shapes.begin("select 1"))
        if depths[-1]:
            shapes.ended("select 1", Took(10, rows=1))
    assert depths == [ROWS, ROWS, COUNT, ROWS, COUNT, COUNT, COUNT, ROWS]
    [[figures], other] = shapes.figures()
    assert (figures.calls, figures.measured, figures.rows, other) == (8, 4, 4, None)
    assert figures.time_us == 80


def test_a_slow_shape_is_timed_at_every_run() -> None:
    shapes = Shapes(MonitorLimits(measured_first=1, sample_every=100, always_time_us=1_000))
    shapes.begin("select 1")
    shapes.ended("select 1", Took(1_000))
    assert shapes.begin("select 1") == TIME


def test_shapes_beyond_the_limit_are_summed() -> None:
    shapes = Shapes(MonitorLimits(shapes_max=2, texts_max=3))
    for name in "abcdea":
        shapes.begin(f"select {name}")
        shapes.ended(f"select {name}", Took(1))
    [kept, other] = shapes.figures()
    assert {figures.shape: figures.calls for figures in kept} == {"select a": 2, "select b": 1}
    assert other is not None
    assert (other.shape, other.calls) == ("other", 3)


def test_operations_beyond_the_limit_are_summed() -> None:
    operations = Operations(MonitorLimits(operations_max=2))
    for name in "abcd":
        operations.add(name, 10, ok=name != "d")
    assert [(one.name, one.count, one.failed) for one in operations.figures()] == [
        ("a", 1, 0),
        ("b", 1, 0),
        ("other", 2, 1),
    ]
