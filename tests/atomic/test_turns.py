"""The queue in front of the writer: turns lane by lane, a limit, deadlines, and who calls off is not waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

import bmaddb
from bmaddb import errors as e
from bmaddb.clock import SystemClock
from bmaddb.device.atomic import (
    Action,
    BatchResult,
    Bounds,
    Cancellation,
    Operation,
    OperationResult,
    OuterStep,
    Rollback,
    Status,
    Step,
)
from bmaddb.device.atomic.bounds import Watch
from bmaddb.device.atomic.turns import WAITING_MAX, Turns, _Ticket
from bmaddb.device.store import writer
from bmaddb.signals import Committed, EntryQueued
from bmaddb.testing import ManualClock
from tests.atomic.acts import author, names, open_db
from tests.store.shelf import Author

WAIT_S_MAX = 30


class Watched(Turns):
    """Says when somebody has queued up."""

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        super().__init__(waiting_max)
        self.queued = threading.Event()

    def _queue_up(self, lane: str) -> _Ticket | None:
        ticket = super()._queue_up(lane)
        self.queued.set()
        return ticket


class Waiter(threading.Thread):
    """Waits for a turn, notes that it had it, and hands it on."""

    def __init__(self, turns: Turns, name: str, order: list[str], bounds: Bounds) -> None:
        super().__init__(name=name, daemon=True)
        self._turns, self._order, self._bounds = turns, order, bounds
        self.error: e.BmadError | None = None

    def run(self) -> None:
        try:
            with self._turns.turn(Watch(SystemClock(), self._bounds)):
                self._order.append(self.name)
        except e.BmadError as error:
            self.error = error


@contextmanager
def held(turns: Turns) -> Iterator[None]:
    with turns.turn(Watch(SystemClock(), Bounds())):
        yield


def queued(turns: Watched, name: str, order: list[str], bounds: Bounds | None = None) -> Waiter:
    """A waiter that stands in the queue now."""
    turns.queued.clear()
    waiter = Waiter(turns, name, order, bounds or Bounds(lane=name[0]))
    waiter.start()
    assert turns.queued.wait(WAIT_S_MAX)
    return waiter


def test_lanes_take_turns_and_a_lane_keeps_its_order() -> None:
    turns, order = Watched(), list[str]()
    with held(turns):
        waiters = [queued(turns, name, order) for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1")]
        assert turns.waiting == 7
    for waiter in waiters:
        waiter.join(WAIT_S_MAX)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]
    assert turns.waiting == 0


def test_who_is_over_the_limit_hears_so_at_once() -> None:
    turns, order = Watched(waiting_max=2), list[str]()
    with held(turns):
        waiters = [queued(turns, name, order) for name in ("a1", "a2")]
        late = Waiter(turns, "a3", order, Bounds())
        late.start()
        late.join(WAIT_S_MAX)
        assert isinstance(late.error, e.QueueFull)
    for waiter in waiters:
        waiter.join(WAIT_S_MAX)
    assert order == ["a1", "a2"]
    with held(turns):
        pass


def test_who_is_called_off_leaves_the_queue() -> None:
    turns, order, off = Watched(), list[str](), Cancellation()
    with held(turns):
        gone = queued(turns, "a1", order, Bounds(lane="a", cancellation=off))
        stays = queued(turns, "a2", order)
        off.cancel()
        gone.join(WAIT_S_MAX)
        assert isinstance(gone.error, e.OperationCancelled)
        assert turns.waiting == 1
    stays.join(WAIT_S_MAX)
    assert order == ["a2"]


def test_who_has_no_time_left_leaves_the_queue() -> None:
    turns, order = Watched(), list[str]()
    with held(turns):
        late = queued(turns, "a1", order, Bounds(within_ms=20))
        late.join(WAIT_S_MAX)
        assert isinstance(late.error, e.DeadlinePassed)
        assert turns.waiting == 0
    assert order == []
    with held(turns):
        pass


def test_the_turn_is_handed_on_when_its_holder_fails() -> None:
    turns, order = Watched(), list[str]()
    waiters: list[Waiter] = []

    def fail() -> None:
        with held(turns):
            waiters.append(queued(turns, "a1", order))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    waiters[0].join(WAIT_S_MAX)
    assert order == ["a1"]


def test_threads_that_execute_at_once_all_get_their_turn(db: bmaddb.Database) -> None:
    results: list[OperationResult] = []

    def work(lane: str) -> None:
        for number in range(20):
            step = Step("author", "authors", Action.INSERT, {"name": f"{lane}{number:02}"})
            results.append(db.execute(Operation("add", (step,)), bounds=Bounds(lane=lane)))

    threads = [threading.Thread(target=work, args=(lane,)) for lane in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S_MAX)
    assert len(results) == 80
    assert all(result.ok for result in results)
    assert names(db) == sorted(f"{lane}{number:02}" for lane in "abcd" for number in range(20))


def test_one_operation_in_two_processes_at_once_has_one_effect(db: bmaddb.Database) -> None:
    with open_db(Path(db.store.path)) as other:
        for number in range(10):
            operation = Operation("once", (Step("author", "authors", Action.INSERT, {"name": f"{number}"}),))
            start, results = threading.Barrier(2), list[OperationResult]()

            def work(
                one: bmaddb.Database, operation: Operation, start: threading.Barrier, to: list[OperationResult]
            ) -> None:
                start.wait(WAIT_S_MAX)
                to.append(one.execute(operation))

            threads = [threading.Thread(target=work, args=(one, operation, start, results)) for one in (db, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(WAIT_S_MAX)
            assert [result.ok for result in results] == [True, True]
            assert sorted(result.repeated for result in results) == [False, True]
    assert names(db) == sorted(f"{number}" for number in range(10))


@pytest.mark.parametrize("called_off", [True, False])
def test_bounds_hold_while_another_thread_is_inside_a_write(
    db: bmaddb.Database, clock: ManualClock, called_off: bool
) -> None:
    off, results = Cancellation(), list[OperationResult]()
    bounds = Bounds(cancellation=off, within_ms=20)
    operation = Operation("add", (author(),))
    waiter = threading.Thread(target=lambda: results.append(db.execute(operation, bounds=bounds)), daemon=True)
    with db.write() as tx:
        tx.insert(Author, name="written meanwhile")
        waiter.start()
        if called_off:
            off.cancel()
        while waiter.is_alive():
            clock.advance(0 if called_off else 20)
            waiter.join(0.01)
    assert results[0].failure is not None
    assert isinstance(results[0].failure.error, e.OperationCancelled if called_off else e.DeadlinePassed)
    assert names(db) == ["written meanwhile"]
    assert db.execute(operation).ok


def test_a_batch_is_called_off_while_another_thread_is_inside_a_write(db: bmaddb.Database) -> None:
    off, results = Cancellation(), list[BatchResult]()
    batch = [Operation("add", (author(row_id=f"a{number}"),)) for number in range(3)]
    waiter = threading.Thread(
        target=lambda: results.append(db.execute_batch(batch, bounds=Bounds(cancellation=off))), daemon=True
    )
    with db.write():
        waiter.start()
        off.cancel()
        waiter.join(WAIT_S_MAX)
        assert not waiter.is_alive()
    assert results[0].fatal is not None
    assert isinstance(results[0].fatal.error, e.OperationCancelled)
    assert names(db) == []


@pytest.mark.parametrize("told", [Committed, EntryQueued])
def test_who_is_told_of_an_operation_may_run_another_in_that_moment(
    db: bmaddb.Database, told: type[Committed | EntryQueued]
) -> None:
    results: list[OperationResult] = []

    def on_told(_: Committed | EntryQueued) -> None:
        stop()
        results.append(db.execute(Operation("second", (author("Annie", "a2"),))))
        saga = (author("Renate", "a3"), OuterStep("outside", lambda _: None, lambda _: None))
        results.append(db.execute(Operation("third", saga, strategy=Rollback.COMPENSATE)))

    stop = db.signals.listen(told, on_told)
    first = threading.Thread(
        target=lambda: results.append(db.execute(Operation("first", (author(),)))), daemon=True, name="first"
    )
    first.start()
    first.join(WAIT_S_MAX)
    assert [(result.type, result.ok) for result in results] == [("second", True), ("third", True), ("first", True)]
    assert names(db) == ["Annie", "Hella", "Renate"]
    assert db.execute(Operation("after", (author("Ida", "a4"),))).ok


def test_who_does_not_get_to_run_hears_how_its_id_stands(db: bmaddb.Database) -> None:
    done, new, off = Operation("add", (author(),)), Operation("add", (author(row_id="a2"),)), Cancellation()
    assert db.execute(done).ok
    off.cancel()
    bounds = Bounds(cancellation=off)
    again = db.execute(done, bounds=bounds)
    assert (again.ok, again.repeated, again.ids("author")) == (True, True, ("a1",))
    never = db.execute(new, bounds=bounds)
    assert (never.status, never.failure and never.failure.code) == (Status.ROLLED_BACK, "B-806")
    batch = db.execute_batch([done, new], bounds=bounds)
    assert batch.fatal is not None
    assert [(result.ok, result.repeated) for result in batch.results] == [(True, True), (False, False)]


def test_in_a_write_that_does_not_begin_too(db: bmaddb.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    done, new = Operation("add", (author(),)), Operation("add", (author(row_id="a2"),))
    assert db.execute(done).ok
    monkeypatch.setattr(writer, "BUSY_WAIT_MS_MAX", 0)
    with closing(apsw.Connection(db.store.path)) as other:
        other.execute("begin immediate")
        results = [db.execute(done), db.execute(new), *db.execute_batch([done, new]).results]
    assert [(result.ok, result.failure and result.failure.code) for result in results] == [
        (True, None),
        (False, "B-301"),
    ] * 2


def test_bounds_hold_while_another_process_writes(db: bmaddb.Database, clock: ManualClock) -> None:
    off, results = Cancellation(), list[OperationResult]()

    def work() -> None:
        results.append(db.execute(Operation("add", (author(),)), bounds=Bounds(cancellation=off)))
        results.append(db.execute(Operation("add", (author(),)), bounds=Bounds(within_ms=100)))

    assert db.execute(Operation("before", (author(row_id="a2"),))).ok
    waiter = threading.Thread(target=work, daemon=True)
    with closing(apsw.Connection(db.store.path)) as other:
        other.execute("begin immediate")
        waiter.start()
        off.cancel()
        while waiter.is_alive():
            clock.advance(100 if results else 0)
            waiter.join(0.01)
        other.execute("rollback")
    assert [result.failure and result.failure.code for result in results] == ["B-806", "B-805"]
    assert db.execute(Operation("add", (author(),))).ok
