"""Our changesets beside those of SQLite's own session extension, over random transactions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bmaddb import errors as e
from bmaddb.device.store import CommitDraft, Store
from bmaddb.schema import sqlite_ddl
from tests.store.conftest import open_store
from tests.store.shelf import USER, Book, library

IDS = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.sampled_from(["", "x", "é" * 70, "long " * 4_000])
REALS = st.sampled_from([None, 0.0, 2.0, -1.5e300])
BLOBS = st.sampled_from([None, b"", b"\0" * 200])
PAGES = st.sampled_from([0, 1, 2**62])
AUTHORS = st.sampled_from([None, "a", "b"])
BOOK = (
    "insert into books (id, user_id, created_at, updated_at, title, price, cover, pages, author_id)"
    f" values (?, '{USER}', 1, 1, ?, ?, ?, ?, ?)"
)
AUTHOR = f"insert into authors (id, user_id, created_at, updated_at, name) values (?, '{USER}', 1, 1, ?)"
STEPS = st.one_of(
    st.tuples(st.just(BOOK), st.tuples(IDS, TEXTS, REALS, BLOBS, PAGES, AUTHORS)),
    st.tuples(
        st.just(BOOK.replace("insert", "insert or replace")),
        st.tuples(IDS, TEXTS, REALS, BLOBS, PAGES, AUTHORS),
    ),
    st.tuples(st.just(AUTHOR), st.tuples(IDS, TEXTS)),
    st.tuples(
        st.just("update books set title = ?, price = ?, cover = ? where id = ?"),
        st.tuples(TEXTS, REALS, BLOBS, IDS),
    ),
    st.tuples(st.just("update books set pages = pages - ? where id <> ?"), st.tuples(PAGES, IDS)),
    st.tuples(st.just("delete from books where id = ?"), st.tuples(IDS)),
    st.tuples(st.just("delete from authors where id = ?"), st.tuples(IDS)),
    st.just(("delete from books", ())),
    st.just(("savepoint", ())),
    st.just(("release", ())),
    st.just(("rollback", ())),
    st.just(("many", ())),
    st.just(("one", ())),
    st.just(("delete from books where id like 'm%' or id like 'o%'", ())),
)


class Twins:
    """The same statements in a store, and on a bare connection with a session of SQLite's."""

    def __init__(self, folder: Path) -> None:
        self.store = open_store(folder / "ours.db")
        self.bare = apsw.Connection(str(folder / "bare.db"))
        self.bare.pragma("foreign_keys", True)
        self.bare.execute(sqlite_ddl.create_all(library()))
        self.drafts: list[CommitDraft] = []
        self.store.before_commit.append(self.drafts.append)
        self.numbers = count()

    def run(self, script: list[tuple[str, tuple[Any, ...]]]) -> tuple[object, object]:
        """Both sides' changes of one transaction that runs `script`; a refused one has none."""
        self.drafts.clear()
        self.bare.execute("begin immediate")
        session = apsw.Session(self.bare, "main")
        session.attach()
        try:
            with self.store.write():
                self._steps(iter(script), outermost=True)
                theirs = told(session.changeset())
        except e.RecordInvalid:
            with pytest.raises(apsw.ConstraintError):
                self.bare.execute("commit")
            theirs = {}
            self.bare.execute("rollback")
        else:
            self.bare.execute("commit")
        finally:
            session.close()
        return told(self.drafts[0].changeset) if self.drafts and theirs else {}, theirs

    def _steps(self, script: Iterator[tuple[str, tuple[Any, ...]]], *, outermost: bool = False) -> None:
        for sql, arguments in script:
            if sql == "savepoint":
                self._nested(script)
            elif sql in ("release", "rollback"):
                if not outermost:
                    raise Leave(sql)
            elif sql == "many":
                self._typed(60)
            elif sql == "one":
                self._typed(1)
            else:
                self._both(sql, arguments)

    def _nested(self, script: Iterator[tuple[str, tuple[Any, ...]]]) -> None:
        self.bare.execute("savepoint s")
        try:
            with self.store.write():
                try:
                    self._steps(script)
                except Leave as leave:
                    if leave.how == "rollback":
                        raise
        except Leave:
            self.bare.execute("rollback to s")
        self.bare.execute("release s")

    def _typed(self, count: int) -> None:
        ids = [f"{'o' if count == 1 else 'm'}{next(self.numbers)}" for _ in range(count)]
        with self.store.write() as tx:
            if count == 1:
                tx.insert(Book, id=ids[0], title="many")
            else:
                tx.insert_many(Book, [{"id": row_id, "title": "many"} for row_id in ids])
        at = self.store.clock.now_ms()
        columns = "id, user_id, created_at, updated_at, title"
        rows = [(row_id, self.store.user, at, at, "many") for row_id in ids]
        self.bare.executemany(f"insert into books ({columns}) values (?, ?, ?, ?, ?)", rows)

    def _both(self, sql: str, arguments: tuple[Any, ...]) -> None:
        try:
            self.bare.execute(sql, arguments)
        except apsw.ConstraintError:
            with self.store.write() as tx, pytest.raises(e.RecordInvalid):
                tx.execute(sql, arguments)
        else:
            with self.store.write() as tx:
                tx.execute(sql, arguments)

    def close(self) -> None:
        self.store.close()
        self.bare.close()


class Leave(Exception):
    """The innermost savepoint ends."""

    def __init__(self, how: str) -> None:
        self.how = how


def told(changeset: bytes) -> dict[tuple[str, object], tuple[str, object, object]]:
    """(table, id) -> what happened to the row, which is said once."""
    found: dict[tuple[str, object], tuple[str, object, object]] = {}
    for change in apsw.Changeset.iter(changeset):
        old, new = change.old and tuple(change.old), change.new and tuple(change.new)
        key = (change.name, (new if change.op == "INSERT" else old or ("",))[0])  # type: ignore[index]
        assert key not in found
        found[key] = (change.op, old, new)
    return found


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    made = Twins(tmp_path_factory.mktemp("twins"))
    yield made
    made.close()


@settings(
    max_examples=1500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(STEPS, max_size=14))
def test_our_changesets_are_those_of_the_session_extension(
    twins: Twins, script: list[tuple[str, tuple[Any, ...]]]
) -> None:
    ours, theirs = twins.run(script)
    assert ours == theirs


def test_a_changeset_of_ours_can_be_inverted_and_applied(store: Store, twins: Twins) -> None:
    drafts: list[CommitDraft] = []
    store.before_commit.append(drafts.append)
    with store.write() as tx:
        tx.insert(Book, id="a", title="t" * 20_000, price=1.5)
    with store.write() as tx:
        tx.update(Book, "a", title="u", price=None)
    with store.write() as tx:
        tx.delete(Book, "a")
    before = store.sql("select * from books")
    for draft in reversed(drafts):
        with store.apply() as connection:
            apsw.Changeset.apply(apsw.Changeset.invert(draft.changeset), connection)
    assert store.sql("select * from books") == before
