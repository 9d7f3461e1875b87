"""All or nothing: nesting, rollback, exceptions, hooks, threads."""

# ruff: noqa: PT012, RUF043 -- a write is a block, and a dot in a pattern is near enough

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.device.store import CommitDraft, CommitFact, Store
from bmaddb.signals import Committed
from tests.store.conftest import Witness, open_store
from tests.store.shelf import Author, Book
from tests.store.threads import in_thread, together


class Stop(Exception):
    """What a test raises."""


def titles(store: Store) -> list[str]:
    return sorted(row[0] for row in store.query(Book).rows(Book.title))


def test_an_exception_undoes_the_whole_write(store: Store, witness: Witness) -> None:
    with pytest.raises(Stop), store.write() as tx:
        tx.insert(Book, title="a")
        tx.insert_many(Book, [{"title": "b"}])
        raise Stop
    assert titles(store) == []
    assert (witness.drafts, witness.facts) == ([], [])
    with store.write() as tx:
        tx.insert(Book, title="c")
    assert titles(store) == ["c"]


def test_a_nested_write_is_undone_alone(store: Store, witness: Witness) -> None:
    with store.write() as outer:
        outer.insert(Book, title="outer")
        with pytest.raises(Stop), store.write() as inner:
            inner.insert(Book, title="inner")
            with store.write() as innermost:
                innermost.insert(Book, title="innermost")
            assert titles(store) == ["inner", "innermost", "outer"]
            raise Stop
        assert titles(store) == ["outer"]
        with outer.savepoint() as kept:
            kept.insert(Book, title="kept")
    assert titles(store) == ["kept", "outer"]
    assert [operation for _, operation, _ in witness.changes()] == ["INSERT", "INSERT"]


def test_a_nested_write_falls_with_the_outer_one(store: Store) -> None:
    with pytest.raises(Stop), store.write():
        with store.write() as inner:
            inner.insert(Book, title="inner")
        raise Stop
    assert titles(store) == []


def test_a_hundred_levels_are_enough_for_anybody(store: Store) -> None:
    def dig(levels: int) -> None:
        with store.write() as tx:
            tx.insert(Book, title=str(levels))
            dig(levels + 1)

    with pytest.raises(e.StoreError, match="nested deeper than 100"):
        dig(0)
    assert titles(store) == []


def test_a_refused_statement_leaves_the_rest_of_the_write_alone(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Book, title="a", id="a")
        with pytest.raises(e.RecordInvalid, match="books.id is taken"):
            tx.insert(Book, title="b", id="a")
        tx.insert(Book, title="c")
    assert titles(store) == ["a", "c"]


def test_a_transaction_ends_with_its_block(store: Store) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
    for use in (
        lambda: tx.insert(Book, title="b"),
        lambda: tx.update(book, title="b"),
        lambda: tx.delete(book),
        lambda: tx.get(Book, book.id),
        lambda: tx.query(Book),
        lambda: tx.execute("select 1"),
        lambda: tx.savepoint(),
    ):
        with pytest.raises(e.StoreError, match="the transaction is over"):
            use()


def test_a_nested_write_that_outlives_its_outer_one_has_ended_with_it(store: Store, witness: Witness) -> None:
    def authors() -> Iterator[None]:
        with store.write() as tx:
            for number in range(3):
                tx.insert(Author, id=f"a{number}", name="n")
                yield

    left_open = authors()
    with store.write():
        next(left_open)
    with store.write() as tx:
        tx.insert(Author, id="b", name="n")
        with pytest.raises(e.StoreError, match="the transaction is over"):
            next(left_open)
    assert witness.changes() == [("authors", "INSERT", "a0"), ("authors", "INSERT", "b")]
    assert store.query(Author).order_by(Author.id).ids() == ["a0", "b"]


def test_a_hook_that_raises_undoes_the_write(store: Store) -> None:
    def refuse(_: CommitDraft) -> None:
        raise Stop

    store.before_commit.append(refuse)
    with pytest.raises(Stop), store.write() as tx:
        tx.insert(Book, title="a")
    assert titles(store) == []
    store.before_commit.clear()
    with store.write() as tx:
        tx.insert(Book, title="b")
    assert titles(store) == ["b"]


def test_what_a_hook_writes_commits_or_falls_with_the_write(store: Store) -> None:
    def note(draft: CommitDraft) -> None:
        store.meta_set("noted", str(len(draft.changeset)), draft.connection)

    store.before_commit.append(note)
    with pytest.raises(e.RecordInvalid), store.write() as tx:
        tx.insert(Book, title="a", author_id="nobody")
    assert store.meta_get("noted") is None
    with store.write() as tx:
        tx.insert(Book, title="a")
    assert store.meta_get("noted") is not None


def test_a_listener_that_fails_does_not_make_the_commit_look_undone(
    store: Store, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: CommitFact) -> None:
        raise Stop

    store.after_commit.insert(0, fail)
    with store.write() as tx:
        tx.insert(Book, title="a")
    assert titles(store) == ["a"]
    assert witness.facts == [CommitFact(tables=frozenset({"books"}), origin="local", captured=True)]
    assert "an after_commit hook failed" in caplog.text


def test_listeners_are_told_after_the_commit_and_may_write(store: Store) -> None:
    seen: list[Committed] = []
    store.signals.listen(Committed, seen.append)

    def react(fact: CommitFact) -> None:
        if fact.tables == {"books"}:
            with store.write() as tx:
                tx.insert(Author, name="made by a listener")

    store.after_commit.append(react)
    with store.write() as tx:
        tx.insert(Book, title="a")
    assert store.query(Author).count() == 1
    assert sorted(fact.tables for fact in seen) == [{"authors"}, {"books"}]


def test_a_write_reads_its_own_writes_and_others_do_not(store: Store) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        assert store.get(Book, book.id) == book
        assert tx.query(Book).count() == store.query(Book).count() == 1
        with store.read() as connection:
            assert connection.execute("select count(*) from books").get == 1
        assert in_thread(lambda: titles(store)) == []
    assert in_thread(lambda: titles(store)) == ["a"]


def test_a_snapshot_stays_still(store: Store) -> None:
    with store.read():
        assert titles(store) == []
        in_thread(lambda: add(store, "a"))
        with store.read():
            assert titles(store) == []
        assert titles(store) == []
    assert titles(store) == ["a"]


def test_threads_write_one_after_the_other(store: Store) -> None:
    with store.write() as tx:
        counter = tx.insert(Book, title="counter")

    def count() -> None:
        for _ in range(50):
            with store.write() as tx:
                held = tx.get(Book, counter.id)
                assert held is not None
                tx.update(held, pages=held.pages + 1)

    together(count, count, count)
    held = store.get(Book, counter.id)
    assert held is not None
    assert held.pages == 150


def test_a_transaction_belongs_to_its_thread(store: Store) -> None:
    with store.write() as tx:

        def intrude() -> str:
            with pytest.raises(e.StoreError, match="belongs to the thread") as refused:
                tx.insert(Book, title="b")
            return refused.value.message

        assert in_thread(intrude)
        tx.insert(Book, title="a")
    assert titles(store) == ["a"]


def test_apply_is_not_captured_and_is_told_as_remote(store: Store, witness: Witness) -> None:
    with store.apply() as connection:
        connection.execute("insert into genres (id, label) values ('novel', 'x')")
    assert (witness.drafts, witness.facts) == (
        [],
        [CommitFact(tables=frozenset({"genres"}), origin="remote")],
    )
    with pytest.raises(Stop), store.apply() as connection:
        connection.execute("delete from genres")
        raise Stop
    assert store.sql("select count(*) from genres") == [(1,)]


def test_apply_checks_references_at_its_end(store: Store) -> None:
    with (
        pytest.raises(e.RecordInvalid, match="books.author_id names a row of authors"),
        store.apply() as connection,
    ):
        connection.execute(
            "insert into books (id, user_id, created_at, updated_at, title, author_id)"
            " values ('b', 'u', 1, 1, 't', 'nobody')"
        )
    assert store.query(Book).count() == 0


def test_apply_and_write_do_not_mix(store: Store) -> None:
    with store.write(), pytest.raises(e.StoreError, match="apply.. cannot run inside a write"), store.apply():
        pass
    with store.apply(), pytest.raises(e.StoreError, match="write.. cannot run inside apply"), store.write():
        pass
    add(store, "a")
    assert titles(store) == ["a"]


CROWD = """
import resource, sys, threading
from bmaddb import errors as e
import bmaddb
from bmaddb.modules.tasks_productivity import Task
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
db, said, all_here = bmaddb.open(sys.argv[1], cache_bytes=0), set(), threading.Barrier(150)
def read():
    try:
        db.get(Task, "none")
    except e.BmadError as error:
        said.add((error.code, error.transient, error.message.split(" ", 1)[1]))
    all_here.wait()
threads = [threading.Thread(target=read) for _ in range(150)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(said)
assert db.get(Task, "none") is None
"""


def test_more_threads_than_the_system_opens_files_for_are_told_so(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    command = [sys.executable, "-c", CROWD, str(tmp_path / "a.db")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "{('B-301', True, 'threads read this file, and the system opens it no more often')}\n"


def test_meta_falls_with_the_write_around_it(store: Store) -> None:
    store.meta_set("kept", "1")
    with pytest.raises(Stop), store.write():
        store.meta_set("kept", "2")
        assert store.meta_get("kept") == "2"
        raise Stop
    assert store.meta_get("kept") == "1"
    assert store.meta_get("absent") is None


def test_closing_waits_for_nobody_twice_and_says_so_afterwards(path: Path) -> None:
    store = open_store(path)
    add(store, "a")
    in_thread(lambda: titles(store))
    with store.write(), pytest.raises(e.StoreError, match="cannot be closed inside a write"):
        store.close()
    store.close()
    store.close()
    for use in (
        lambda: store.get(Book, "a"),
        lambda: titles(store),
        lambda: add(store, "b"),
        lambda: store.sql("select 1"),
        lambda: in_thread(lambda: titles(store)),
        lambda: store.meta_get("device_id"),
        lambda: store.read().__enter__(),
        lambda: store.backup(path.with_name("backup.db"), None),
    ):
        with pytest.raises(e.StoreError, match="the store is closed"):
            use()
    assert sorted(file.name for file in path.parent.iterdir()) == ["device.db"], "no WAL is left behind"


def add(store: Store, title: str) -> None:
    with store.write() as tx:
        tx.insert(Book, title=title)


def test_nothing_goes_on_after_a_statement_that_undoes_the_whole_transaction(store: Store, witness: Witness) -> None:
    def write() -> None:
        with store.write() as tx:
            tx.insert(Author, id="a", name="first")
            with pytest.raises(e.RecordInvalid):
                tx.execute(
                    "insert or rollback into authors (id, user_id, created_at, updated_at, name)"
                    " values ('a', 'u', 1, 1, 'x')"
                )
            with pytest.raises(e.StoreError, match="undone the whole transaction"):
                tx.insert(Author, name="second")

    with pytest.raises(e.StoreError, match="undone the whole transaction"):
        write()
    assert store.query(Author).all() == []
    assert (witness.drafts, witness.facts) == ([], [])
    with store.write() as tx:
        tx.insert(Author, name="third")
    assert len(witness.facts) == 1
