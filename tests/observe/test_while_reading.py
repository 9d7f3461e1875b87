"""While a live query reads the file anew, writers go on, and what they commit meanwhile is in its state."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from queue import Queue
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.observe import Observers, Subscription, view_of
from bmaddb.device.observe.views import Pair, View
from bmaddb.device.observe.watch import PAIRS_MAX
from bmaddb.service import Database
from tests.observe.conftest import WAIT_S_MAX
from tests.store.shelf import Book


class Slow:
    """A view whose next reading stops when it has read, until it may go on."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.interest = view.interest
        self.has_read, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.fails = self.spoils = 0

    @property
    def short(self) -> bool:
        return self._view.short

    def read(self) -> Any:
        if self.fails:
            self.fails -= 1
            raise e.StoreError("the file cannot be read")
        found = self._view.read()
        self.has_read.set()
        assert self.go_on.wait(WAIT_S_MAX)
        return found

    def put(self, read: Any) -> None:
        if self.spoils:
            self.spoils -= 1
            raise e.RecordInvalid("Python cannot hold it")
        self._view.put(read)

    def hear(self, pairs: Sequence[Pair]) -> bool:
        return self._view.hear(pairs)

    def state(self) -> Any:
        return self._view.state()

    def made(self, state: Any) -> Any:
        return self._view.made(state)


def bulk(db: Database) -> None:
    """A change of which only the table is known: all is read again."""
    with db.store.apply() as connection, db.store.bulk("books"):
        connection.execute("update books set owned = 1 - owned")


@pytest.mark.parametrize("count", [1, 5, PAIRS_MAX + 1])
def test_what_is_committed_while_it_reads_is_not_lost(db: Database, count: int) -> None:
    observers = Observers(db.store)
    slow = Slow(view_of(db.query(Book).where(Book.state == "todo").order_by(Book.title).limit(4)))
    live: Subscription[list[Book]] = Subscription(observers, slow)
    live.wait(WAIT_S_MAX)
    bulk(db)
    slow.has_read.clear()
    slow.go_on.clear()
    states: Queue[list[str]] = Queue()

    def consume() -> None:
        for books in live:
            states.put([book.title for book in books])

    with db.write() as tx:
        tx.insert(Book, title="first")
    consumer = threading.Thread(target=consume)
    consumer.start()
    assert slow.has_read.wait(WAIT_S_MAX)
    for number in range(count):  # nobody waits for the reader, or this would never end
        with db.write() as tx:
            tx.insert(Book, title=f"{number:05}")
    slow.go_on.set()
    wanted = [book.title for book in db.query(Book).order_by(Book.title).limit(4).all()]
    while states.get(timeout=WAIT_S_MAX) != wanted:
        pass
    live.close()
    consumer.join(WAIT_S_MAX)
    observers.close()


def test_a_reading_that_fails_is_tried_again(db: Database) -> None:
    observers = Observers(db.store)
    slow = Slow(view_of(db.query(Book).order_by(Book.id)))
    live: Subscription[list[Book]] = Subscription(observers, slow)
    assert live.wait(WAIT_S_MAX) == []
    slow.fails = 1
    with db.write() as tx:
        tx.insert(Book, title="a")
    bulk(db)
    with pytest.raises(e.StoreError, match="cannot be read"):
        live.wait(WAIT_S_MAX)
    assert len(live.wait(WAIT_S_MAX)) == 1
    observers.close()


def test_what_cannot_be_taken_is_read_again(db: Database) -> None:
    observers = Observers(db.store)
    slow = Slow(view_of(db.query(Book).order_by(Book.id)))
    live: Subscription[list[Book]] = Subscription(observers, slow)
    assert live.wait(WAIT_S_MAX) == []
    slow.spoils = 2
    with db.write() as tx:
        tx.insert(Book, title="a")
    bulk(db)
    for _ in range(2):
        with pytest.raises(e.RecordInvalid, match="cannot hold"):
            live.wait(WAIT_S_MAX)
    assert len(live.wait(WAIT_S_MAX)) == 1
    observers.close()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python reads as deep as SQLite does")
def test_a_row_that_cannot_be_placed_is_an_error_until_it_can(db: Database) -> None:
    deep = "[" * 990 + "]" * 990  # SQLite takes it, and Python does not
    by_size = db.query(Book).order_by(Book.extra.path("size", as_=int))
    with db.write() as tx:
        tx.insert(Book, id="b", title="small", extra={"size": 1})
    with db.observe(by_size) as live:
        assert [book.title for book in live.wait(WAIT_S_MAX)] == ["small"]
        with db.write() as tx:
            tx.execute("update books set title = 'deep', extra = ?", (deep,))
        for _ in range(2):
            with pytest.raises(e.RecordInvalid, match="deeper than Python reads"):
                live.wait(WAIT_S_MAX)
        with pytest.raises(e.RecordInvalid, match="deeper than Python reads"):
            by_size.key_of(db.query(Book).one())
        with db.write() as tx:
            tx.update(Book, "b", extra=None)
        assert [book.title for book in live.wait(WAIT_S_MAX)] == ["deep"]


def test_a_callback_whose_reading_fails_is_called_later(db: Database) -> None:

    def wait(event: threading.Event, seconds: float) -> bool:
        return event.wait(0.01)

    observers = Observers(db.store, wait=wait)
    slow = Slow(view_of(db.query(Book).order_by(Book.id)))
    states: Queue[int] = Queue()
    live: Subscription[list[Book]] = Subscription(observers, slow, lambda books: states.put(len(books)))
    assert states.get(timeout=WAIT_S_MAX) == 0
    slow.fails = 2
    with db.store.apply() as connection, db.store.bulk("books"):
        connection.execute(
            "insert into books (id, user_id, created_at, updated_at, title, state, pages, owned, tags)"
            " values ('b', 'u', 1, 1, 't', 'todo', 0, 0, '[]')"
        )
    assert states.get(timeout=WAIT_S_MAX) == 1
    assert slow.fails == 0
    live.close()
    observers.close()


def test_a_first_reading_that_fails_leaves_nothing(db: Database) -> None:
    observers = Observers(db.store)
    slow = Slow(view_of(db.query(Book)))
    slow.fails = 1
    with pytest.raises(e.StoreError, match="cannot be read"):
        Subscription(observers, slow)
    assert len(observers) == 0
    assert db.store.feed.tables == frozenset()
    observers.close()
