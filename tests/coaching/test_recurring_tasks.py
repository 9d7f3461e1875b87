"""A task that recurs is followed by its next occurrence: the same row on every device, and only one of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.operations.recurring import occurrence_id
from bmaddb.coaching.tallies import give_way
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.modules.extensions import ExtensionRecord
from bmaddb.modules.tasks_productivity import Task, UserProgress
from bmaddb.testing import ManualClock
from tests.coaching.acts import all_hold, done, onboarding, rules, run
from tests.coaching.ground import open_store

DAY_MS = 86_400_000


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Another device of the same user, which has not met the first one."""
    made = open_store(tmp_path / "other.db", seed=2)
    Outbox(made)
    done(made, ops.user_onboarding(onboarding()))
    yield made
    made.close()


def write_task(store: Store, **columns: Any) -> Task:
    with store.write() as tx:
        return tx.insert(Task, **{"id": "plants", "title": "Water the plants", "rrule": "FREQ=WEEKLY", **columns})


def days_pass(store: Store, days: float) -> None:
    clock = store.clock
    assert isinstance(clock, ManualClock)
    clock.advance(round(days * DAY_MS))


def open_tasks(store: Store) -> list[Task]:
    return store.query(Task).where(Task.state == "todo").order_by(Task.due_on, Task.id).all()


def complete(store: Store, task_id: str = "plants") -> Task | None:
    """Complete it; the answer is the one open task that is left, if any."""
    done(store, ops.complete_task(task_id))
    left = open_tasks(store)
    assert len(left) <= 1
    return left[0] if left else None


def test_a_series_goes_on_from_its_due_day(ada: Store) -> None:
    write_task(ada, due_on="2026-11-27", notes="also the ferns", priority=2, tag_ids=["home"], estimate_min=5)
    second = complete(ada)
    assert second is not None
    assert (second.id, second.series_id) == (occurrence_id("plants", "2026-12-04"), "plants")
    assert (second.due_on, second.state, second.completed_at) == ("2026-12-04", "todo", None)
    assert (second.title, second.notes, second.priority) == ("Water the plants", "also the ferns", 2)
    assert (second.tag_ids, second.estimate_min, second.rrule) == (["home"], 5, "FREQ=WEEKLY")
    third = complete(ada, second.id)
    assert third is not None
    assert (third.id, third.due_on, third.series_id) == (occurrence_id("plants", "2026-12-11"), "2026-12-11", "plants")
    all_hold(ada)


def test_two_devices_make_the_same_row(ada: Store, other: Store) -> None:
    for store in (ada, other):
        write_task(store, due_on="2026-11-27")
    days_pass(other, 3)
    one, two = complete(ada), complete(other)
    assert one is not None
    assert two is not None
    same = [name for name in Task.__table__.by_name if name not in ("created_at", "updated_at")]
    assert [getattr(one, name) for name in same] == [getattr(two, name) for name in same]


@pytest.mark.parametrize("columns", [{"recur_anchor": "completion", "due_on": "2026-10-01"}, {}])
def test_a_series_goes_on_from_when_it_was_done(ada: Store, other: Store, columns: dict[str, Any]) -> None:
    for store in (ada, other):
        write_task(store, rrule="FREQ=DAILY;INTERVAL=3", **columns)
    days_pass(other, 1)
    one, two = complete(ada), complete(other)
    assert one is not None
    assert two is not None
    assert (one.due_on, two.due_on) == ("2026-12-02", "2026-12-03")
    assert one.id == two.id, "the day differs, and is merged; the row is one"
    assert complete(ada, one.id) is not None
    all_hold(ada)


@pytest.mark.parametrize("rrule", ["FREQ=WEEKLY;COUNT=2", "FREQ=WEEKLY;COUNT=+2", "FREQ=WEEKLY;UNTIL=20261204"])
def test_a_series_ends(ada: Store, rrule: str) -> None:
    write_task(ada, rrule=rrule, due_on="2026-11-27")
    second = complete(ada)
    assert second is not None
    assert complete(ada, second.id) is None


@pytest.mark.parametrize(("count", "left"), [(2, []), (4, ["FREQ=WEEKLY;COUNT=2"])])
def test_what_is_passed_over_is_counted_too(ada: Store, count: int, left: list[str]) -> None:
    write_task(ada, rrule=f"FREQ=WEEKLY;COUNT={count}", due_on="2026-11-27")
    second = complete(ada)
    assert second is not None
    with ada.write() as tx:
        tx.update(Task, second.id, state="cancelled")
    done(ada, ops.reopen_task("plants"))
    complete(ada)
    assert [task.rrule for task in open_tasks(ada)] == left


def test_a_task_without_a_rule_is_done_once(ada: Store) -> None:
    write_task(ada, rrule=None, due_on="2026-11-27")
    assert complete(ada) is None
    assert ada.query(Task).count() == 1


def test_done_again_after_it_was_reopened_it_has_the_same_next_one(ada: Store) -> None:
    write_task(ada, due_on="2026-11-27")
    second = complete(ada)
    assert second is not None
    done(ada, ops.reopen_task("plants"))
    assert [task.id for task in open_tasks(ada)] == ["plants", second.id]
    assert complete(ada) == second
    done(ada, ops.complete_task(second.id))
    done(ada, ops.reopen_task("plants"))
    done(ada, ops.complete_task("plants"))
    assert [task.due_on for task in open_tasks(ada)] == ["2026-12-11"], "what is done is passed over, once"
    all_hold(ada)


def after_one_put_forward(store: Store) -> Task:
    """The second is done on the day of the first; what follows it."""
    second = complete(store)
    assert second is not None
    with store.write() as tx:
        tx.update(second, due_on="2026-11-27")
    third = complete(store, second.id)
    assert third is not None
    return third


def test_one_that_was_put_forward_does_not_follow_itself(ada: Store) -> None:
    write_task(ada, due_on="2026-11-27")
    third = after_one_put_forward(ada)
    assert third.due_on == "2026-12-11"


def test_one_that_was_put_forward_uses_up_one_of_a_count(ada: Store) -> None:
    """It passes over its own day, which is no other one."""
    write_task(ada, rrule="FREQ=WEEKLY;COUNT=3", due_on="2026-11-27")
    third = after_one_put_forward(ada)
    assert (third.due_on, third.rrule) == ("2026-12-11", "FREQ=WEEKLY;COUNT=1")


def test_times_stay_at_their_hour_over_summer_time(ada: Store) -> None:
    at = datetime(2026, 3, 28, 8, 30, tzinfo=UTC)  # half past nine in Amsterdam
    write_task(ada, rrule="FREQ=DAILY", due_at=at, start_at=at.replace(hour=7))
    second = complete(ada)
    assert second is not None
    assert (second.due_on, second.id) == (None, occurrence_id("plants", "2026-03-29"))
    assert second.due_at == datetime(2026, 3, 29, 7, 30, tzinfo=UTC)
    assert second.start_at == datetime(2026, 3, 29, 6, 30, tzinfo=UTC)


def test_a_rule_that_cannot_be_read_is_said(ada: Store) -> None:
    write_task(ada, rrule="FREQ=HOURLY", due_on="2026-11-27")
    result = run(ada, ops.complete_task("plants"))
    assert rules(result) == {"RRULE"}
    assert result.failure is not None
    assert result.failure.violations[0].column == "rrule"
    assert ada.query(Task).one().state == "todo"


# -- who counted it --------------------------------------------------------------------------------------------


def counted(store: Store) -> dict[str, int]:
    rows = store.query(UserProgress).where(UserProgress.metric_code == "tasks_done").all()
    return {row.period_key: row.value for row in rows}


def test_a_task_is_taken_back_from_the_month_it_was_counted_in(ada: Store) -> None:
    write_task(ada, rrule=None)
    done(ada, ops.complete_task("plants"))
    assert counted(ada) == {"all": 1, "2026-11": 1, "2026-W48": 1}
    days_pass(ada, 9)
    done(ada, ops.reopen_task("plants"))
    assert counted(ada) == {"all": 0, "2026-11": 0, "2026-W48": 0}
    days_pass(ada, 30)
    done(ada, ops.complete_task("plants"))
    assert counted(ada) == {"all": 1, "2026-11": 0, "2026-W48": 0, "2027-01": 1, "2027-W01": 1}
    assert ada.query(ExtensionRecord).one().data == {ada.device_id: [1, "2027-01-07"]}
    all_hold(ada)


def test_one_done_before_there_were_notes_is_taken_back_today(ada: Store) -> None:
    write_task(ada, rrule=None)
    done(ada, ops.complete_task("plants"))
    with ada.write() as tx:
        tx.delete(ada.query(ExtensionRecord).one())
    done(ada, ops.reopen_task("plants"))
    assert counted(ada)["all"] == 0
    assert ada.query(ExtensionRecord).all() == []


@pytest.mark.parametrize(
    ("state", "counts", "changes"),
    [
        ("done", {"a": 1}, {"a": 0}),
        ("done", {"a": 1, "b": 1}, {"a": 0, "b": -1}),
        ("done", {"a": 1, "b": 1, "c": 1}, {"a": 0, "b": -1, "c": -1}),
        ("todo", {"a": 1, "b": -1}, {"a": 0, "b": 0}),
        ("todo", {"a": 0, "b": -1}, {"a": 0, "b": 1}),
        ("done", {"a": 0, "b": 0}, {"a": 0, "b": 0}),
        ("todo", {"a": 1}, {"a": -1}),
        ("done", {"a": 1, "b": 1, "c": -1}, {"a": 0, "b": 0, "c": 0}),
    ],
)
def test_the_device_with_the_greatest_id_gives_way(state: str, counts: dict[str, int], changes: dict[str, int]) -> None:
    data = {name: [count, "2026-11-29"] for name, count in counts.items()}
    assert {name: give_way(state == "done", data, name) for name in data} == changes
