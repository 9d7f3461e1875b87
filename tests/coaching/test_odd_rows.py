"""A row that cannot be reconciled costs only itself: the others are, the sync goes well, and the log says it once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bmaddb.coaching import operations as ops
from bmaddb.coaching.alone import ROW_ERRORS
from bmaddb.coaching.derived import score_pct
from bmaddb.coaching.reconciling import reconcile
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.sync.arrivals import Arrived
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.levensgebieden import LifeAreaAssessment, LifeAreaScore, UserLifeArea
from bmaddb.modules.tasks_productivity import Task, UserProgress
from bmaddb.modules.user_management import MbtiProfile, UserPreferences
from bmaddb.schema.natural_keys import natural_id
from bmaddb.service.reacting import Reconciling
from tests.coaching.acts import done
from tests.coaching.ground import at, consent, profile_row, progress_row, session_row
from tests.coaching.test_two_devices import act, two_devices
from tests.support.server import RunningServer
from tests.sync.devices import World, world_of

Odd = Callable[[WriteTransaction], Any]
LAST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
MANY = 2**62
NUMBERS = itertools.count()


def last_type(tx: WriteTransaction) -> None:
    """Nothing comes after it, and none is agreed to any more."""
    consent(tx, "personality_profiling", "withdrawn", acted_at=at(hours=-1))
    tx.insert(MbtiProfile, id=f"odd{next(NUMBERS)}", **profile_row(assessed_at=LAST))


def too_many(tx: WriteTransaction) -> None:
    """Two devices that counted more, together, than a column holds."""
    counts = {"d": [MANY, "a"], "e": [MANY, "a"]}
    tx.insert(UserProgress, **progress_row("d", period_key="2000-01", device_counts=counts))


def session(device_seconds: Any) -> Odd:
    def insert(tx: WriteTransaction) -> None:
        running = session_row(txn_id="e", status="in_progress", device_seconds=device_seconds)
        tx.insert(CoachingSession, id="odd", **running)

    return insert


def listed_channels(tx: WriteTransaction) -> None:
    tx.update(tx.query(UserPreferences).one(), notification_channels=["push"])


ODD: dict[str, tuple[Odd, str | None]] = {
    "a type at the end of time": (last_type, None),
    "more than a column holds": (too_many, "user_progress/"),
    "channels that are a list": (listed_channels, None),
    "seconds that are a list": (session([["x"]]), None),
    "seconds that are no entries": (session({"a": [], "b": 5, "c": [1]}), None),
}


def spoil_settings(store: Store) -> None:
    with store.apply() as connection:
        connection.execute("update user_preferences set quiet_hours_end = '07:00'")


@pytest.mark.parametrize("name", ODD)
def test_the_others_are_reconciled_and_it_is_told_of_once(
    ada: Store, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    insert, told = ODD[name]
    with ada.write() as tx:
        insert(tx)
    for _ in range(2):
        spoil_settings(ada)
        assert reconcile(ada) > 0
        assert ada.query(UserPreferences).one().quiet_hours_end is None
    assert reconcile(ada) == 0
    said = [record.getMessage() for record in caplog.records if record.name == "bmaddb.coaching"]
    assert [text.startswith(told or "") for text in said] == ([] if told is None else [True])


def test_a_task_that_cannot_be_taken_back_is_left_whole(ada: Store) -> None:
    """What is written for one row is written wholly or not at all."""
    with ada.write() as tx:
        task = tx.insert(Task, title="x")
    done(ada, ops.complete_task(task.id))
    with ada.write() as tx:
        tx.update(Task, task.id, state="todo", completed_at=None)
        row_id = natural_id(
            UserProgress.__table__, {"user_id": ada.user, "metric_code": "tasks_done", "period_key": "all"}
        )
        tx.update(UserProgress, row_id, device_counts={"d": [MANY, "a"], "e": [MANY, "a"], ada.device_id: [1, "a"]})
    before = ada.sql("select id, data from extension_records"), ada.query(UserProgress).order_by(UserProgress.id).all()
    spoil_settings(ada)
    assert reconcile(ada) == 1
    assert before == (
        ada.sql("select id, data from extension_records"),
        ada.query(UserProgress).order_by(UserProgress.id).all(),
    )


@pytest.mark.parametrize(("raw", "pct"), [(0.0, 0), (-1e308, 0), (11.0, 100), (1e308, 100), (5.5, 50)])
def test_a_score_off_its_scale_is_the_end_of_the_scale(ada: Store, raw: float, pct: float) -> None:
    with ada.write() as tx:
        area = tx.insert(UserLifeArea, code="own")
        wheel = {"kind": "quick", "preset_code": "8", "scoring_version": 1, "state": "submitted"}
        assessment = tx.insert(LifeAreaAssessment, taken_at=at(hours=1), **wheel)
        place = {"assessment_id": assessment.id, "user_life_area_id": area.id}
        score = tx.insert(LifeAreaScore, **place, raw_score=raw, score_pct=1.0)
    assert score_pct(raw, 1) == pct
    assert reconcile(ada) > 0
    stored, chosen = ada.get(LifeAreaScore, score.id), ada.get(UserLifeArea, area.id)
    assert stored is not None
    assert chosen is not None
    assert stored.score_pct == chosen.current_score == pct
    assert reconcile(ada) == 0


class Stumbling(Reconciling):
    """A reaction with a mistake in it."""

    error: Exception = ValueError("a mistake")

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        raise self.error


@pytest.fixture
def world(tmp_path: Path, server: RunningServer) -> Iterator[World]:
    with world_of(tmp_path, server) as made:
        yield made


@pytest.mark.parametrize("error", ROW_ERRORS)
def test_no_reaction_ends_a_sync(world: World, error: type[Exception]) -> None:
    stumbling = Stumbling()
    stumbling.error = error("a mistake")
    world.reactions = (stumbling,)
    first, _ = two_devices(world)
    assert first.sync().ok


def test_an_odd_row_of_another_device_does_not_end_a_sync(world: World) -> None:
    world.reactions = (Reconciling(),)
    first, second = two_devices(world)
    for device, mood in ((first, 3), (second, 4)):
        act(device, "check_in", mood)
    for insert in (last_type, session({"a": [], "b": 5}), too_many):
        with first.store.write() as tx:
            insert(tx)
    world.settle(first, second)
    rows = second.store.query(UserProgress).where(UserProgress.metric_code == "checkins").all()
    assert {row.value for row in rows} == {2}
    assert {row.source for row in second.store.query(MbtiProfile).all()} == {"declined"}
