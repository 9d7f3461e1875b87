"""How states reach who waits for them: at once, in order, the newest, from any thread; and nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

import bmaddb.aio
from bmaddb import errors as e
from bmaddb.device.observe import Observers, Subscription, view_of
from bmaddb.device.query import avg_of, count_of, sum_of
from bmaddb.modules.sync_status import OutboxOperation
from bmaddb.modules.tasks_productivity import Task
from bmaddb.service import Database
from bmaddb.testing import ManualClock
from tests.observe.conftest import WAIT_S_MAX, open_database
from tests.store.shelf import USER, Author, Book

ROOT = Path(__file__).resolve().parents[2]
OTHER = """
import sys, bmaddb
from tests.observe.conftest import open_database
from tests.store.shelf import Book
from pathlib import Path
with open_database(Path(sys.argv[1]), seed=7) as db:
    for line in sys.stdin:
        with db.write() as tx:
            tx.insert(Book, title=line.strip())
        print("done", flush=True)
"""


def add(db: Database, title: str, **values: Any) -> Book:
    with db.write() as tx:
        return tx.insert(Book, title=title, **values)


def titles(books: list[Book]) -> list[str]:
    return [book.title for book in books]


def test_a_slow_consumer_gets_the_newest_and_no_write_waits_for_it(db: Database) -> None:
    with db.observe(db.query(Book)) as live:
        assert live.wait(WAIT_S_MAX) == []
        for number in range(50):
            add(db, str(number))
        assert len(live.wait(WAIT_S_MAX)) == 50
        with pytest.raises(e.Unchanged):
            live.wait(0)


def test_what_did_not_change_stays_the_same_object(db: Database) -> None:
    first = add(db, "a")
    with db.observe(db.query(Book)) as live:
        before = live.wait(WAIT_S_MAX)
        add(db, "b")
        after = live.wait(WAIT_S_MAX)
        assert after[0] is before[0]
        assert after[0] == first
        assert before == [first]


def test_other_columns_do_not_wake_who_chose_some(db: Database) -> None:
    book = add(db, "a")
    with db.observe(db.query(Book).select(Book.title)) as live:
        assert live.wait(WAIT_S_MAX) == [("a",)]
        with db.write() as tx:
            tx.update(book, pages=9)
        with pytest.raises(e.Unchanged):
            live.wait(0)


def test_a_callback_gets_every_state_in_order_when_it_keeps_up(db: Database) -> None:
    said: Queue[int] = Queue()
    with db.observe(db.query(Book), count_of(), callback=said.put):
        for number in range(20):
            assert said.get(timeout=WAIT_S_MAX) == number
            add(db, str(number))
        assert said.get(timeout=WAIT_S_MAX) == 20


def test_a_callback_that_fails_is_called_with_the_next(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    said: Queue[int] = Queue()

    def fail(count: int) -> None:
        said.put(count)
        raise RuntimeError("mine")

    with db.observe(db.query(Book), count_of(), callback=fail):
        assert said.get(timeout=WAIT_S_MAX) == 0
        add(db, "a")
        assert said.get(timeout=WAIT_S_MAX) == 1
    assert "a callback of a live query failed" in caplog.text


def test_calls_on_an_executor_do_not_overlap(db: Database) -> None:
    inside = threading.Semaphore(1)
    said: Queue[int] = Queue()
    overlapped: list[int] = []

    def call(count: int) -> None:
        if not inside.acquire(blocking=False):
            overlapped.append(count)
        said.put(count)
        inside.release()

    with ThreadPoolExecutor(4) as threads, db.observe(db.query(Book), count_of(), callback=call, executor=threads):
        for number in range(30):
            add(db, str(number))
        seen = [said.get(timeout=WAIT_S_MAX)]
        while seen[-1] != 30:
            seen.append(said.get(timeout=WAIT_S_MAX))
        assert seen == sorted(set(seen))
    assert not overlapped


def test_a_callback_may_write_and_observe(db: Database) -> None:
    said: Queue[Any] = Queue()

    def answer(books: list[Book]) -> None:
        if len(books) == 1:
            add(db, "answer")
        with db.observe(db.query(Book), count_of()) as inner:
            said.put((titles(books), inner.wait(WAIT_S_MAX)))

    with db.observe(db.query(Book), callback=answer):
        assert said.get(timeout=WAIT_S_MAX) == ([], 0)
        add(db, "question")
        while said.get(timeout=WAIT_S_MAX) != (["question", "answer"], 2):
            pass


def test_writers_of_many_threads_and_a_sum_that_is_never_wrong(db: Database) -> None:
    """Each write moves pages from one row to another: the sum of a state of one commit is always the same."""
    for number in range(4):
        add(db, str(number), id=f"b{number}", pages=25)
    sums: set[Any] = set()

    def move(seed: int) -> None:
        for turn in range(15):
            with db.write() as tx:
                tx.execute("update books set pages = pages - 1 where id = ?", (f"b{(seed + turn) % 4}",))
                tx.execute("update books set pages = pages + 1 where id = ?", (f"b{(seed + turn + 1) % 4}",))

    with db.observe(db.query(Book)) as live, db.observe(db.query(Book), sum_of(Book.pages)) as total:
        writers = [threading.Thread(target=move, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            try:
                sums.add(sum(book.pages for book in live.wait(0.01)))
                sums.add(total.wait(0))
            except e.Unchanged:
                pass
        assert sums <= {100}
        for writer in writers:
            writer.join()
        try:
            books = live.wait(0)
        except e.Unchanged:
            books = db.query(Book).order_by(Book.id).all()
        assert books == db.query(Book).order_by(Book.id).all()


def test_a_mean_is_known_where_the_sum_is_not(db: Database) -> None:
    large = 2**62
    with db.observe(db.query(Book), avg_of(Book.pages)) as live:
        assert live.wait(WAIT_S_MAX) is None
        for count in range(1, 5):
            add(db, str(count), pages=large + 2**20 * count)
            assert live.wait(WAIT_S_MAX) == db.query(Book).avg(Book.pages)
        for book in db.query(Book).order_by(Book.id).all():
            with db.write() as tx:
                tx.delete(book)
            assert live.wait(WAIT_S_MAX) == db.query(Book).avg(Book.pages)
    with pytest.raises(e.QueryError, match="reads every row"):
        db.observe(db.query(Book).having(count_of() > 99), count_of())


def test_who_waits_goes_on_when_it_is_closed(db: Database) -> None:
    live = db.observe(db.query(Book))
    waiting: Queue[Any] = Queue()

    def consume() -> None:
        for books in live:
            waiting.put(books)
        waiting.put("over")

    thread = threading.Thread(target=consume)
    thread.start()
    assert waiting.get(timeout=WAIT_S_MAX) == []
    live.close()
    assert waiting.get(timeout=WAIT_S_MAX) == "over"
    thread.join()
    assert live.closed
    with pytest.raises(e.StoreError, match="closed"):
        live.wait(0)


def test_closing_the_database_ends_all(path: Path) -> None:
    db = open_database(path)
    live = db.observe(db.query(Book))
    called = db.observe(db.query(Book), callback=lambda _: None)
    db.close()
    assert live.closed
    assert called.closed
    assert list(live) == []
    with pytest.raises(e.StoreError):
        db.observe(db.query(Book))


def test_another_process_is_noticed(db: Database, path: Path) -> None:
    pipe = subprocess.PIPE
    arguments = [sys.executable, "-c", OTHER, str(path)]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with db.observe(db.query(Book)) as live:
            assert live.wait(WAIT_S_MAX) == []
            process.stdin.write("theirs\n")
            process.stdin.flush()
            assert titles(live.wait(WAIT_S_MAX)) == ["theirs"]
            process.stdout.readline()
            process.stdin.write("again\n")
            process.stdin.flush()
            process.stdout.readline()
            add(db, "mine")
            assert sorted(titles(live.wait(WAIT_S_MAX))) == ["again", "mine", "theirs"]
        process.stdin.close()
        assert process.wait(WAIT_S_MAX) == 0


def test_rekey_loses_no_observer(db: Database) -> None:
    add(db, "a")
    with db.observe(db.query(Book).limit(5)) as live:
        assert len(live.wait(WAIT_S_MAX)) == 1
        db.rekey(passphrase="a passphrase of some length")
        add(db, "b")
        assert len(live.wait(WAIT_S_MAX)) == 2
        db.rekey(plain=True)
        with db.write() as tx:
            tx.execute("delete from books")
        assert live.wait(WAIT_S_MAX) == []


def test_nothing_stays_of_ten_thousand_that_came_and_went(db: Database) -> None:
    add(db, "a")
    query = db.query(Book).where(Book.state == "todo").order_by(Book.pages).limit(3)
    observers = Observers(db.store)
    kept: Subscription[Any] = Subscription(observers, view_of(query))
    refs = []
    for number in range(10_000):
        subscription: Subscription[Any] = Subscription(observers, view_of(query))
        if number % 2:
            subscription.close()
        if number % 1_000 == 0:
            refs.append(weakref.ref(subscription))
    del subscription
    gc.collect()
    assert len(observers) == 1
    assert not [ref for ref in refs if ref() is not None]
    kept.close()
    assert len(observers) == 0
    assert db.store.feed.tables == frozenset()
    assert not observers.dropped
    observers.close()


def test_a_dropped_callback_says_so(db: Database) -> None:
    live = db.observe(db.query(Book), callback=lambda _: None)
    watch = weakref.ref(live)
    with pytest.warns(ResourceWarning, match="keep it, or close it"):
        del live
    assert watch() is None


def test_the_thread_ends_with_the_last(db: Database) -> None:
    asked, go = threading.Semaphore(0), threading.Event()

    def wait(event: threading.Event, seconds: float) -> bool:
        asked.release()
        return event.wait(WAIT_S_MAX)

    observers = Observers(db.store, wait=wait)
    live: Subscription[Any] = Subscription(observers, view_of(db.query(Book)))
    assert asked.acquire(timeout=WAIT_S_MAX)
    thread = observers._thread
    assert thread is not None
    live.close()
    observers.put(go.set)
    assert go.wait(WAIT_S_MAX)
    thread.join(WAIT_S_MAX)
    assert not thread.is_alive()
    again: Subscription[Any] = Subscription(observers, view_of(db.query(Book)))
    assert again.wait(WAIT_S_MAX) == []
    observers.close()


def test_what_cannot_be_observed_is_refused(db: Database, tmp_path: Path) -> None:
    with pytest.raises(e.QueryError, match="name the row"):
        db.observe(Book, None)  # type: ignore[call-overload]
    with pytest.raises(e.QueryError, match="aggregate"):
        db.observe(db.query(Book), "b1")  # type: ignore[call-overload]
    with pytest.raises(e.QueryError, match="limit"):
        db.observe(db.query(Book).limit(2), count_of())
    with pytest.raises(e.QueryError, match="parameters"):
        db.observe(db.query(Book).where(Book.title == bmaddb.schema.param("title")))
    with pytest.raises(e.SchemaError):
        db.observe(Task, "t")
    with open_database(tmp_path / "other.db") as other, pytest.raises(e.QueryError, match="of this database"):
        db.observe(other.query(Book))
    with db.write(), pytest.raises(e.StoreError, match="inside a write"):
        db.observe(db.query(Book))
    with db.observe(db.query(Author)) as live:
        with db.read(), pytest.raises(e.StoreError, match="snapshot"):
            live.wait(0)
        assert live.wait(WAIT_S_MAX) == []
    with db.observe(db.query(Author), callback=lambda _: None) as called, pytest.raises(e.StoreError, match="callback"):
        called.wait(0)


def test_without_live_queries_no_commit_is_told(db: Database) -> None:
    with db.observe(db.query(Author)) as live:
        live.wait(WAIT_S_MAX)
    told: list[Any] = []
    db.store.feed.follower = told.append
    add(db, "a")
    assert told == []


def test_async_for_gets_the_states(path: Path) -> None:
    async def consume() -> list[int]:
        seen = []
        async with await bmaddb.aio.open(path, user=USER) as db:
            live = await db.observe(db.query(Task), count_of())
            async for count in live:
                seen.append(count)
                if count == 3:
                    live.close()
                else:
                    await db.write(lambda tx: tx.insert(Task, title="t"))
        return seen

    assert asyncio.run(consume()) == [0, 1, 2, 3]


def test_an_async_consumer_that_gives_up_leaves_no_bell(path: Path) -> None:
    async def consume() -> None:
        async with await bmaddb.aio.open(path, user=USER) as db:
            live = await db.observe(db.query(Task), count_of())
            assert await anext(live) == 0
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(anext(live), 0.01)
            assert not live._watch._bells
            await db.write(lambda tx: tx.insert(Task, title="t"))
            assert await anext(live) == 1

    asyncio.run(consume())


class Telling(ThreadPoolExecutor):
    """One thread, which says when it begins something."""

    def __init__(self) -> None:
        super().__init__(1)
        self.begun = threading.Semaphore(0)

    def submit(self, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        def told() -> Any:
            self.begun.release()
            return work(*args, **kwargs)

        return super().submit(told)


def test_a_state_whose_consumer_gave_up_comes_to_the_next(path: Path) -> None:
    async def consume() -> None:
        async with await bmaddb.aio.open(path, user=USER) as db:
            with Telling() as threads:
                live = await db.observe(db.query(Task), count_of(), executor=threads)
                assert await anext(live) == 0
                assert threads.begun.acquire()
                await db.write(lambda tx: tx.insert(Task, title="t"))
                with live._watch._taking:
                    given_up = asyncio.ensure_future(anext(live))
                    assert await asyncio.to_thread(threads.begun.acquire, timeout=WAIT_S_MAX)
                    given_up.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await given_up
                assert await asyncio.wait_for(anext(live), WAIT_S_MAX) == 1

    asyncio.run(consume())


def test_a_callback_that_takes_long_holds_up_no_other_and_no_looking(db: Database, path: Path) -> None:
    begun, go = threading.Event(), threading.Event()
    said: Queue[int] = Queue()

    def slow(_: int) -> None:
        begun.set()
        assert go.wait(WAIT_S_MAX)

    with db.observe(db.query(Book), count_of(), callback=slow), open_database(path, seed=7) as other:
        assert begun.wait(WAIT_S_MAX)
        with db.observe(db.query(Book), count_of(), callback=said.put):
            assert said.get(timeout=WAIT_S_MAX) == 0
            add(db, "ours")
            assert said.get(timeout=WAIT_S_MAX) == 1
            add(other, "of another connection")
            assert said.get(timeout=WAIT_S_MAX) == 2
        go.set()


def test_what_changes_nothing_does_not_make_a_wait_longer(db: Database) -> None:
    clock = db.store.clock
    assert isinstance(clock, ManualClock)
    taken = threading.Semaphore(0)
    view = view_of(db.query(Book).where(Book.title == "never"))

    class Counted:
        """The same view; says when its state was taken."""

        def __getattr__(self, name: str) -> Any:
            return getattr(view, name)

        def read(self) -> Any:
            taken.release()
            return view.read()

    live: Subscription[list[Book]] = Subscription(Observers(db.store), Counted())
    assert live.wait(WAIT_S_MAX) == []
    assert taken.acquire(timeout=WAIT_S_MAX)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(live.wait, 3600.0)
        for _ in range(100):  # an hour is over after a few, counted from whenever the waiting began
            clock.advance(1_500_000)
            with db.store.apply() as connection, db.store.bulk("books"):
                connection.execute("update books set owned = 1 - owned")
            if waiting.done() or not taken.acquire(timeout=1):
                break
        with pytest.raises(e.Unchanged):
            waiting.result(timeout=WAIT_S_MAX)
    live.close()


def test_the_outbox_is_followed_though_nobody_looks_at_its_inserts(db: Database) -> None:
    with db.observe(db.query(OutboxOperation).where(OutboxOperation.status == "queued")) as waiting:
        assert waiting.wait(WAIT_S_MAX) == []
        add(db, "one")
        assert [entry.position for entry in waiting.wait(WAIT_S_MAX)] == [1]
        with db.write() as tx:
            tx.execute("update books set title = 'two'")
        assert [entry.position for entry in waiting.wait(WAIT_S_MAX)] == [1, 2]
