"""R1 to R8, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.progress import ProgressValidator
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.tasks_productivity import UserProgress
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import OTHER_DEVICE, progress_row

SESSION = {"session_id": "done"}


def stored(device_id: str = OTHER_DEVICE, **columns: Any) -> Any:
    return lambda tx: tx.insert(UserProgress, **progress_row(device_id, **columns))


def counted(count: int, **columns: Any) -> Any:
    """A change by which this device has counted `count`, beside the one of the other."""

    def make_row(store: Store, tx: WriteTransaction) -> dict[str, Any]:
        counts = {OTHER_DEVICE: [1, "s"], store.device_id: [count, "s"]}
        return {"device_counts": counts, "value": count + 1, "best_value": max(1, count + 1), **columns}

    return make_row


CASES = (
    Case(
        rule="R1",
        column="period_key",
        good=Look(change={"period_key": "2026-W48"}),
        bad=Look(change={"period_key": "2026-11-29"}),
    ),
    Case(rule="R2", column="id", good=Look(), bad=Look(change={"id": "mine"})),
    Case(
        rule="R3",
        column="device_counts",
        good=Look(row=counted(1), before=stored()),
        bad=Look(row=counted(2), before=stored()),
    ),
    Case(rule="R4", column="value", good=Look(), bad=Look(change={"value": 2})),
    Case(
        rule="R5",
        column="level",
        good=Look(before=stored(level=1), change={"level": 2}),
        bad=Look(before=stored(level=2), change={"level": 1}),
    ),
    Case(
        rule="R6",
        column="last_activity_on",
        good=Look(change={"last_activity_on": "2026-11-30"}),
        bad=Look(change={"last_activity_on": "2026-12-01"}),
    ),
    Case(
        rule="R7",
        column="counted_sessions",
        good=Look(
            row=counted(1, last_session_id="done", counted_sessions=["done"]),
            before=stored(),
            facts=SESSION,
        ),
        bad=Look(row=counted(1), before=stored(counted_sessions=["done"]), facts=SESSION),
    ),
    Case(
        rule="R8",
        column="milestones",
        good=Look(change={"milestones": ["sessions_completed.1"]}),
        bad=Look(change={"milestones": ["sessions_completed.2"]}),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return progress_row(store.device_id)


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, ProgressValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, ProgressValidator, make, case)


ACTIVE = {"metric_code": "active_days"}
MORE = (
    ("R1", "metric_code", Look(change={"metric_code": "steps"})),
    ("R3", "device_counts", Look(before=stored(), change={"device_counts": {OTHER_DEVICE: [2, "s"]}, "value": 2})),
    ("R3", "device_counts", Look(before=stored(**ACTIVE), row=counted(-1))),
    ("R3", "device_counts", Look(before=stored(value=0, device_counts={}), row=lambda store, tx: taken(store))),
    ("R4", "best_value", Look(change={"best_value": 0})),
    ("R5", "streak_longest", Look(change={"streak_longest": 0})),
    ("R5", "streak_current", Look(before=stored(), change={"last_activity_on": "2026-11-30", "streak_longest": 2})),
    ("R7", "last_session_id", Look(row=counted(1, counted_sessions=["done"]), before=stored(), facts=SESSION)),
    ("R8", "milestones", Look(before=stored(milestones=["sessions_completed.1"]), change={"milestones": []})),
)


def taken(store: Store) -> dict[str, Any]:
    return {"device_counts": {store.device_id: [-1, "s"]}, "value": -1}


@pytest.mark.parametrize(("rule", "column", "look"), MORE, ids=[f"{rule}-{column}" for rule, column, _ in MORE])
def test_more_that_is_rejected(shared_store: Store, rule: str, column: str, look: Look) -> None:
    check_rejects(shared_store, ProgressValidator, make, Case(rule=rule, column=column, good=Look(), bad=look))


def test_a_day_after_a_day_makes_a_streak(shared_store: Store) -> None:
    change = {"last_activity_on": "2026-11-30", "streak_current": 2, "streak_longest": 2}
    look = Look(before=stored(), change=change)
    check_accepts(shared_store, ProgressValidator, make, Case(rule="R5", good=look, bad=look))
