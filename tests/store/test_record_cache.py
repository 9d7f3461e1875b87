"""What was read stays in memory, and is never given out when it is no longer true."""

# ruff: noqa: PT012 -- a write is a block

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.store import Passphrase, Store
from bmaddb.device.store.record_cache import READS_BEFORE, RecordCache
from bmaddb.entropy import SeededEntropy
from bmaddb.schema import raw
from bmaddb.testing import ManualClock
from tests.store.conftest import open_store
from tests.store.shelf import USER, Author, Book, Draft, library

ROOT = Path(__file__).resolve().parents[2]


def warmed(store: Store) -> Store:
    """So many reads that it holds what it reads."""
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        for number in range(10):
            tx.insert(Book, id=f"b{number}", title="t", author_id="a", pages=number)
        tx.insert(Draft, id="d", body="first")
    for _ in range(READS_BEFORE + 2):
        store.get(Book, "b0")
    assert store.get(Book, "b0") is store.get(Book, "b0")
    return store


def todo(store: Store) -> list[Book]:
    return store.query(Book).where(Book.state == "todo").order_by(Book.id).all()


def test_a_record_that_did_not_change_is_the_same_object(store: Store) -> None:
    warmed(store)
    book = store.get(Book, "b1")
    with store.write() as tx:
        tx.update(Book, "b2", title="other")
    assert store.get(Book, "b1") is book
    with store.write() as tx:
        tx.update(Book, "b1", title="new")
    changed = store.get(Book, "b1")
    assert changed is not None
    assert changed.title == "new"


def test_a_list_holds_the_records_that_get_gives(store: Store) -> None:
    warmed(store)
    todo(store)
    listed = todo(store)
    again = todo(store)
    assert listed == again
    assert listed is not again
    assert all(one is other for one, other in zip(listed, again, strict=True))
    assert store.get(Book, "b3") is again[3]
    listed.clear()
    assert len(todo(store)) == 10


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_list_is_of_one_state_though_somebody_commits_while_it_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, elsewhere: bool
) -> None:
    """The commit comes after the look whether anything changed, and before the file is read."""
    warmed(store)
    todo(store)
    for number in range(10):
        store.get(Book, f"b{number}")
    reading, after_commit = RecordCache.reading, RecordCache.after_commit
    committed, read, writers = threading.Event(), threading.Event(), list[threading.Thread]()

    def change(writes: Store) -> None:
        with writes.write() as tx:
            tx.update(Book, "b1", title="new")
            tx.update(Book, "b2", state="done")
        committed.set()

    def late(cache: RecordCache) -> int:
        changes = reading(cache)
        if not writers:
            writers.append(threading.Thread(target=change, args=(other if elsewhere else store,)))
            writers[0].start()
            assert committed.wait(30)
        return changes

    def told_late(cache: RecordCache, rows: Collection[tuple[str, str]], tables: frozenset[str]) -> None:
        committed.set()
        assert read.wait(30)
        after_commit(cache, rows, tables)

    with open_store(Path(store.path), seed=2) as other:
        monkeypatch.setattr(RecordCache, "reading", late)
        if not elsewhere:
            monkeypatch.setattr(RecordCache, "after_commit", told_late)
        found = todo(store)
        read.set()
        writers[0].join()
    assert [book.id for book in found if book.title == "new"] == ["b1"]
    assert "b2" not in [book.id for book in found]
    assert todo(store) == found


def test_what_is_expected_is_held_from_the_first_read_on(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        tx.insert(Book, id="b1", title="t", author_id="a", pages=1)
    assert store.get(Book, "b1") is not store.get(Book, "b1"), "nothing is held yet, or the test proves nothing"
    query = store.query(Book).where(Book.state == "todo").order_by(Book.id)
    store.expect([query])
    assert query.all()[0] is query.all()[0] is store.get(Book, "b1")
    with store.write() as tx:
        tx.update(Book, "b1", title="new")
        store.expect([query])
        assert query.all()[0].title == "new"
    assert query.all()[0].title == "new"


@pytest.mark.parametrize(
    "change",
    [
        lambda tx: tx.update(Book, "b1", title="x"),
        lambda tx: tx.execute("update books set title = 'x' where id = 'b1'"),
        lambda tx: tx.delete(Book, "b1"),
        lambda tx: tx.delete(Author, "a"),
        lambda tx: tx.insert_many(Book, [{"title": "x"}] * 60),
        lambda tx: (tx.insert_many(Book, [{"title": "x"}] * 60), tx.execute("update books set title = 'y'")),
        lambda tx: (tx.delete(Book, "b1"), tx.insert(Book, id="b1", title="again")),
        lambda tx: tx.update(Draft, "d", body="second"),
    ],
)
def test_what_is_written_is_read(store: Store, change: Callable[[object], object]) -> None:
    warmed(store)

    def read() -> object:
        return [store.get(Book, f"b{number}") for number in range(10)], todo(store), store.get(Draft, "d")

    for _ in range(3):
        read()
    with store.write() as tx:
        change(tx)
    with open_store(Path(store.path)) as other:
        truth = (
            [other.get(Book, f"b{number}") for number in range(10)],
            todo(other),
            other.get(Draft, "d"),
        )
    assert read() == truth
    assert read() == truth


def test_bytes_of_every_kind_may_stand_in_raw_sql(store: Store) -> None:
    warmed(store)
    cover = b"\0a"
    with store.write() as tx:
        tx.update(Book, "b4", cover=cover)
    for bits in (cover, bytearray(cover), memoryview(cover)):
        for _ in range(3):
            assert store.query(Book).where(raw("cover = ?", bits)).ids() == ["b4"]
            assert [book.id for book in store.query(Book).where(raw("cover = ?", bits)).all()] == ["b4"]


def test_rows_from_elsewhere_are_read(store: Store) -> None:
    warmed(store)
    todo(store), todo(store)
    with store.apply() as connection:
        connection.execute("update books set title = 'server' where id = 'b1'")
    assert store.get(Book, "b1").title == "server"  # type: ignore[union-attr]
    with store.apply() as connection, store.bulk("books"):
        connection.execute("delete from books")
    assert store.get(Book, "b1") is None
    assert todo(store) == []


def test_what_nobody_is_told_of_is_read_all_the_same(store: Store) -> None:
    warmed(store)
    book, draft = store.get(Book, "b0"), store.get(Draft, "d")
    assert store.get(Draft, "d") is draft
    with store.maintain("drafts") as connection:
        connection.execute("update drafts set body = 'second'")
    assert store.get(Draft, "d").body == "second"  # type: ignore[union-attr]
    assert store.get(Book, "b0") is book


def test_a_write_that_was_undone_changes_nothing(store: Store) -> None:
    warmed(store)
    with pytest.raises(RuntimeError), store.write() as tx:
        tx.update(Book, "b0", title="undone")
        assert tx.get(Book, "b0").title == "undone"  # type: ignore[union-attr]
        assert store.get(Book, "b0").title == "undone"  # type: ignore[union-attr]
        raise RuntimeError
    assert store.get(Book, "b0").title == "t"  # type: ignore[union-attr]


def test_a_snapshot_sees_its_own_state_and_leaves_none_behind(store: Store) -> None:
    warmed(store)
    with store.read() as connection:
        connection.execute("select count(*) from books").fetchone()
        done = threading.Thread(target=lambda: _update(store, "b0", "later"))
        done.start()
        done.join()
        assert store.get(Book, "b0").title == "t"  # type: ignore[union-attr]
    assert store.get(Book, "b0").title == "later"  # type: ignore[union-attr]


def _update(store: Store, row_id: str, title: str) -> None:
    with store.write() as tx:
        tx.update(Book, row_id, title=title)


@pytest.mark.parametrize("key", [None, bytes(range(32))], ids=["plain", "encrypted"])
def test_what_another_process_writes_is_read_at_once(tmp_path: Path, key: bytes | None) -> None:
    path = tmp_path / "f.db"
    store = Store(
        path, library(), clock=ManualClock(), entropy=SeededEntropy(1), user=USER, durability="normal", key=key
    )
    with store:
        warmed(store)
        script = (
            "import sys; from bmaddb.device.store import Store; from bmaddb.clock import SystemClock\n"
            "from bmaddb.entropy import SystemEntropy; from tests.store.shelf import *\n"
            "key = bytes.fromhex(sys.argv[2]) or None\n"
            "store = Store(sys.argv[1], library(), clock=SystemClock(), entropy=SystemEntropy(), user=USER, key=key)\n"
            "for line in sys.stdin:\n"
            "    with store.write() as tx: tx.update(Book, 'b0', title=line.strip())\n"
            "    print('done', flush=True)\n"
        )
        arguments = [sys.executable, "-c", script, str(path), (key or b"").hex()]
        pipe = subprocess.PIPE
        with subprocess.Popen(arguments, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for turn in range(20):
                assert store.get(Book, "b0") is store.get(Book, "b0")
                todo(store), todo(store)
                process.stdin.write(f"turn {turn}\n")
                process.stdin.flush()
                assert process.stdout.readline() == "done\n"
                assert store.get(Book, "b0").title == f"turn {turn}"  # type: ignore[union-attr]
                assert todo(store)[0].title == f"turn {turn}"
                if turn % 2:
                    _update(store, "b1", f"mine {turn}")
                    assert store.get(Book, "b0").title == f"turn {turn}"  # type: ignore[union-attr]
            process.stdin.close()
            assert process.wait(30) == 0


def test_rekey_begins_anew(store: Store) -> None:
    warmed(store)
    store.rekey(Passphrase("a passphrase of some length"))
    assert store.get(Book, "b0").title == "t"  # type: ignore[union-attr]
    _update(store, "b0", "after")
    for _ in range(READS_BEFORE + 3):
        assert store.get(Book, "b0").title == "after"  # type: ignore[union-attr]
    assert store.get(Book, "b0") is store.get(Book, "b0")
    store.rekey(None)
    assert store.get(Book, "b0").title == "after"  # type: ignore[union-attr]


def test_a_closed_store_gives_nothing(store: Store) -> None:
    warmed(store)
    store.close()
    with pytest.raises(e.StoreError, match="closed"):
        store.get(Book, "b0")


def test_a_query_that_outlives_its_store_reads_no_memory_that_is_gone(path: Path) -> None:
    store = open_store(path)
    query = warmed(store).query(Book).where(Book.state == "todo").order_by(Book.id)
    before = query.all()
    del store
    gc.collect()
    found: list[list[Book]] = []
    thread = threading.Thread(target=lambda: found.append(query.all()))
    thread.start()
    thread.join()
    assert found == [before]


def test_without_a_cache_each_read_goes_to_the_file(path: Path) -> None:
    with Store(
        path, library(), clock=ManualClock(), entropy=SeededEntropy(1), user=USER, durability="normal", cache_bytes=0
    ) as store:
        _insert(store, 1)
        for _ in range(2 * READS_BEFORE):
            assert store.get(Book, "x0") is not store.get(Book, "x0")


def test_no_more_is_held_than_was_said(path: Path) -> None:
    bytes_max = 50_000
    with Store(
        path,
        library(),
        clock=ManualClock(),
        entropy=SeededEntropy(1),
        user=USER,
        durability="normal",
        cache_bytes=bytes_max,
    ) as store:
        _insert(store, 300)
        for _ in range(3):
            for number in range(300):
                store.get(Book, f"x{number}")
                for end in range(2):
                    store.query(Book).where(Book.pages <= number - end).order_by(Book.id).limit(20).all()
                assert store._cache.size_bytes <= bytes_max + 30_000
        assert store._cache.size_bytes > bytes_max / 4


def test_a_list_holds_no_row_that_is_not_counted(path: Path) -> None:
    bytes_max, text_chars = 200_000, 1_000
    with Store(
        path,
        library(),
        clock=ManualClock(),
        entropy=SeededEntropy(1),
        user=USER,
        durability="normal",
        cache_bytes=bytes_max,
    ) as store:
        with store.write() as tx:
            tx.insert_many(Book, [{"id": f"b{n:04}", "title": "t" * text_chars, "pages": n} for n in range(1_000)])
        for _ in range(2 * READS_BEFORE):
            store.get(Book, "b0000")
        lists = [store.query(Book).where(Book.pages >= 40 * n).order_by(Book.id).limit(40) for n in range(25)]
        for last in range(len(lists)):
            for query in [*lists[: last + 1]] * 2:  # what was read before is asked for again, and stays
                assert len(query.all()) == 40
            assert _held_chars(store._cache) <= bytes_max
        for _ in range(3):
            assert len(store.query(Book).order_by(Book.id).limit(900).all()) == 900
        assert _held_chars(store._cache) <= bytes_max
        for _ in range(3):
            again = lists[0].all()
        assert lists[0].all()[7] is again[7] is store.get(Book, "b0007")


def _held_chars(cache: RecordCache) -> int:
    """Of all titles that are held, by whatever way."""
    held: dict[int, int] = {}
    for generation in (cache._young, cache._old):
        records = [*generation.records.get(Book, {}).values()]
        for row in [*records, *(row for _, rows in generation.lists.values() for row in rows)]:
            held[id(row)] = len(getattr(row, "title"))  # noqa: B009
    return sum(held.values())


def _insert(store: Store, count: int) -> None:
    with store.write() as tx:
        tx.insert_many(Book, [{"id": f"x{number}", "title": "t" * 100, "pages": number} for number in range(count)])


@pytest.mark.parametrize("between", [False, True], ids=["alone", "another commits at once"])
def test_a_commit_of_another_right_after_ours_is_seen(store: Store, between: bool) -> None:
    """Nobody can commit between our begin and our commit, but before we look again somebody can."""
    with store.write() as tx:
        book = tx.insert(Book, id="b", title="t")
    ours = apsw.Connection(store.path)
    cache = RecordCache(1_000_000)
    cache.begin(ours)
    cache.keep(book, cache.reading())
    assert cache.record(Book, "b") is book
    cache.before_commit()
    ours.execute("update authors set name = 'x'")
    ours.execute("insert into drafts (id, body) values ('d', 'ours')")
    assert cache.reading() < 0
    assert cache.record(Book, "b") is None
    if between:
        _update(store, "b", "theirs")
    cache.after_commit((), frozenset({"drafts"}))
    assert cache.record(Book, "b") is (None if between else book)
    cache.end()
    ours.close()


def test_where_there_is_no_index_of_the_log_nothing_is_held() -> None:
    cache = RecordCache(1_000_000)
    memory = apsw.Connection(":memory:")
    cache.begin(memory)
    assert not cache.on
    assert not cache.wanted


class Race:
    """Writers count rows up, and say so when that is durable; a read that begins afterwards must find it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.stale: list[tuple[int, int, int]] = []
        self.ended = threading.Event()
        self._told = [0] * 5
        self._lock = threading.Lock()

    def write(self, store: Store, rows: list[int]) -> None:
        for row in rows:
            with store.write() as tx:
                tx.execute("update books set pages = pages + 1 where id = ?", (f"b{row}",))
                pages = pages_of(tx.get(Book, f"b{row}"))
            with self._lock:
                self._told[row] = max(self._told[row], pages)

    def read(self) -> None:
        while not self.ended.is_set():
            before = self._told.copy()
            for row, book in enumerate(self.store.query(Book).order_by(Book.id).all()):
                self._compare(row, book, before[row])
            for row in range(5):
                told = self._told[row]
                self._compare(row, self.store.get(Book, f"b{row}"), told)

    def _compare(self, row: int, book: Book | None, told: int) -> None:
        if pages_of(book) < told:
            self.stale.append((row, pages_of(book), told))


def pages_of(book: Book | None) -> int:
    return -1 if book is None else book.pages


rows_of_a_writer = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=st.lists(rows_of_a_writer, min_size=2, max_size=3), elsewhere=st.booleans())
def test_nobody_reads_less_than_what_was_committed(
    tmp_path_factory: pytest.TempPathFactory, plan: list[list[int]], elsewhere: bool
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    with open_store(folder / "f.db") as store, open_store(folder / "f.db", seed=2) as other:
        with store.write() as tx:
            tx.insert_many(Book, [{"id": f"b{number}", "title": "t"} for number in range(5)])
        for _ in range(READS_BEFORE + 2):
            store.get(Book, "b0")
        race = Race(store)
        readers = [threading.Thread(target=race.read) for _ in range(2)]
        writers = [
            threading.Thread(target=race.write, args=(other if elsewhere and turn == 0 else store, rows))
            for turn, rows in enumerate(plan)
        ]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        race.ended.set()
        for thread in readers:
            thread.join()
        assert not race.stale
        counted = [book.pages for book in store.query(Book).order_by(Book.id).all()]
        assert counted == [sum(rows.count(row) for rows in plan) for row in range(5)]
