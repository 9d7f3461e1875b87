"""The monitor on a real file: what it sees, what it tells, and that nothing of it is left when it is off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.modules.tasks_productivity import Goal, Task
from bmaddb.monitor import MonitorLimits, OperationFigures, ShapeFigures
from bmaddb.monitor.monitor import FAILED_SYNCS, Monitor
from bmaddb.signals import OperationEnded, Signal, SlowOperation, SlowQuery, SyncEnded, ThresholdCrossed, UpkeepEnded
from bmaddb.testing import ManualClock

USER = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def db(tmp_path: Path, clock: ManualClock) -> Iterator[bmaddb.Database]:
    with bmaddb.open(tmp_path / "a.db", user=USER, clock=clock) as opened:
        yield opened


def shape(db: bmaddb.Database, part: str) -> ShapeFigures:
    [found] = [one for one in db.monitor.report().shapes if part in one.shape]
    return found


def operation(db: bmaddb.Database, name: str) -> OperationFigures:
    [found] = [one for one in db.monitor.report().operations if one.name == name]
    return found


def heard(db: bmaddb.Database, kind: type[Signal]) -> list[Signal]:
    found: list[Signal] = []
    db.signals.listen(kind, found.append)
    return found


def test_reads_and_writes_are_counted_with_their_rows(db: bmaddb.Database) -> None:
    db.monitor.start()
    with db.write() as tx:
        goal = tx.insert(Goal, title="Slapen")
        for number in range(3):
            tx.insert(Task, title=f"geheim {number}", goal_id=goal.id)
    assert len(db.query(Task).where(Task.title != "geheim 1").all()) == 2
    assert len(db.query(Task).where(Task.title != "anders").all()) == 3
    read = shape(db, 'where "tasks"."title"')
    assert (read.calls, read.rows, read.counted) == (2, 5, 2)
    assert read.full_scan_steps > 0
    assert read.page_hits > 0
    assert read.memory_bytes_max > 0
    assert db.monitor.report().commits == {"local": 1}
    assert "geheim" not in repr(db.monitor.report())


def test_sorts_and_scans_are_sqlites_own(db: bmaddb.Database) -> None:
    with db.write() as tx:
        for number in range(10):
            tx.insert(Task, title=str(number))
    db.monitor.start()
    for _ in range(2):
        db.sql("select title from tasks order by title")
    figures = shape(db, "select title from tasks")
    assert figures.sorts == figures.measured
    assert figures.full_scan_steps == 9 * figures.measured


def test_what_is_written_in_raw_words_is_kept_without_its_values(db: bmaddb.Database) -> None:
    db.monitor.start()
    for _ in range(2):
        db.sql("select id from tasks where title = 'heel geheim' and created_at > 17")
    assert shape(db, "select id").shape == "select id from tasks where title = ? and created_at > ?"
    assert "geheim" not in repr(db.monitor.report())


def test_off_it_sees_nothing_and_what_it_saw_can_be_read(db: bmaddb.Database) -> None:
    db.monitor.start()
    db.monitor.start()
    db.query(Task).all()
    calls = sum(one.calls for one in db.monitor.report().shapes)
    db.monitor.stop()
    db.monitor.stop()
    db.query(Task).all()
    report = db.monitor.report()
    assert not report.recording
    assert sum(one.calls for one in report.shapes) == calls > 0
    with db.read() as connection:
        assert connection.exec_trace is None
    db.monitor.start()
    assert db.monitor.report().shapes == ()


def test_readers_of_every_thread_are_seen_those_of_before_too(db: bmaddb.Database) -> None:
    ready, go, done = threading.Event(), threading.Event(), threading.Event()

    def read() -> None:
        db.query(Goal).all()
        ready.set()
        go.wait(30)
        db.query(Goal).all()
        done.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert ready.wait(30)
    db.monitor.start()
    go.set()
    assert done.wait(30)
    reader.join()
    assert sum(one.calls for one in db.monitor.report().shapes) == 1


def test_a_slow_statement_is_told_once_from_a_thread_of_its_own(db: bmaddb.Database, clock: ManualClock) -> None:
    told = heard(db, SlowQuery)
    on: list[str] = []
    db.signals.listen(SlowQuery, lambda _: on.append(threading.current_thread().name))
    db.monitor.start()
    with db.write() as tx:
        tx.insert(Task, title="a")
    with db.read() as connection:
        for wait_ms in (1, 150, 200):
            for _ in connection.execute("select id from tasks where title = 'geheim' or 1"):
                clock.advance(wait_ms)
    db.monitor.settle()
    [slow] = told
    assert slow == SlowQuery(
        shape="select id from tasks where title = ? or ?",
        duration_us=150_000,
        threshold_us=100_000,
        full_scan_steps=0,
        sorts=0,
    )
    assert on == ["bmaddb-monitor"]
    assert db.monitor.alarms() == ["slow statement: select id from tasks where title = ? or ?"]


def test_a_listener_may_read_and_stop_the_monitor(db: bmaddb.Database) -> None:
    seen = threading.Event()

    def look(_: SlowOperation) -> None:
        db.query(Task).all()
        db.monitor.stop()
        seen.set()

    db.signals.listen(SlowOperation, look)
    db.monitor.start()
    db.signals.emit(OperationEnded(id="1", type="move", ok=True, duration_us=1_000_001))
    assert seen.wait(30)
    assert not db.monitor.recording


def test_operations_are_timed_by_name(db: bmaddb.Database, clock: ManualClock) -> None:
    def fail() -> None:
        with db.monitor.operation("weekly review"):
            clock.advance(2_000)
            raise e.StoreError

    told = heard(db, SlowOperation)
    db.monitor.start()
    with db.monitor.operation("weekly review"):
        clock.advance(20)
    with pytest.raises(e.StoreError):
        fail()
    db.signals.emit(OperationEnded(id="1", type="move goal", ok=False, duration_us=70))
    db.signals.emit(UpkeepEnded(ended="below", rows=1, bytes_before=2, bytes_after=1, duration_ms=3.0))
    review = operation(db, "weekly review")
    assert (review.count, review.failed, review.max_us, review.slow) == (2, 1, 2_000_000, True)
    assert operation(db, "operation move goal").failed == 1
    assert operation(db, "clean-up").max_us == 3_000
    db.monitor.settle()
    assert told == [SlowOperation(name="weekly review", duration_us=2_000_000, threshold_us=1_000_000)]


def test_syncs_that_fail_in_a_row_raise_an_alarm_and_a_good_one_ends_it(db: bmaddb.Database) -> None:
    told = heard(db, ThresholdCrossed)
    db.monitor.start()
    for result in ("failed", "offline", "failed", "failed"):
        db.signals.emit(SyncEnded(result=result, error_code=None, duration_ms=5.0))
    assert db.monitor.alarms() == [FAILED_SYNCS]
    db.signals.emit(SyncEnded(result="ok", error_code=None, duration_ms=5.0))
    assert db.monitor.alarms() == []
    db.monitor.settle()
    assert told == [
        ThresholdCrossed(measure=FAILED_SYNCS, value=3, limit=3, raised=True),
        ThresholdCrossed(measure=FAILED_SYNCS, value=0, limit=0, raised=False),
    ]
    sync = operation(db, "sync")
    assert (sync.count, sync.failed) == (5, 3)


def test_a_failing_statement_and_a_rollback_are_no_trouble(db: bmaddb.Database) -> None:
    db.monitor.start()
    with db.write() as tx:
        task = tx.insert(Task, title="a")
    with pytest.raises(e.RecordInvalid), db.write() as tx:
        tx.insert(Task, id=task.id, title="b")
    with pytest.raises(e.QueryError):
        db.sql("select nothing from nowhere")
    assert db.query(Task).one() == task


def test_a_rekeyed_file_is_still_watched(db: bmaddb.Database) -> None:
    db.monitor.start()
    db.rekey(key=bytes(32))
    db.query(Goal).all()
    with db.write() as tx:
        tx.insert(Goal, title="a")
    shapes = " ".join(one.shape for one in db.monitor.report().shapes).lower()
    assert "insert into" in shapes
    assert "begin immediate" in shapes


def test_searches_run_statements_of_their_own_inside(db: bmaddb.Database) -> None:
    db.monitor.start()
    with db.write() as tx:
        for number in range(60):
            tx.insert(Task, title=f"brief {number}")
    for _ in range(3):
        assert len(db.search(Task, "brief", limit=50)) == 50
    assert all(one.measured <= one.calls for one in db.monitor.report().shapes)
    assert "brief" not in repr(db.monitor.report())


def test_pages_are_counted_and_a_cold_cache_is_an_alarm(db: bmaddb.Database) -> None:
    monitor = Monitor(db.store, db.signals, db.store.clock, MonitorLimits(cache_pages_min=1, cache_share_min=0.999))
    told = heard(db, ThresholdCrossed)
    monitor.start()
    db.query(Task).all()
    monitor.stop()
    assert [signal.measure for signal in told if isinstance(signal, ThresholdCrossed)] == ["pages found in memory"]
