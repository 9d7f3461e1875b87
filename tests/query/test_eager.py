"""Eager loading: what belongs together, in as many statements as there are relations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.query import Query, query_of
from bmaddb.device.store import Store
from tests.store.shelf import Author, Book, Genre, Loan


class Counting:
    """The store's runner, counting the statements that go through it."""

    def __init__(self, store: Store) -> None:
        self._runner: Any = store.query(Book)._runner
        self.search_text = None
        self.statements = 0

    def records(self, record: type[Any], text: str, arguments: tuple[Any, ...], plan: Any) -> list[Any]:
        self.statements += 1
        return list(self._runner.records(record, text, arguments, plan))

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self.statements += 1
        return list(self._runner.tuples(text, arguments))

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._runner.snapshot() as connection:
            yield connection

    def query(self, record: type[Any]) -> Query[Any]:
        return query_of(self, record)


def test_children_one_statement_however_many_parents(shelf: Store) -> None:
    db = Counting(shelf)
    books = db.query(Book).where(Book.pages < 3).order_by(Book.title, Book.id)
    families = db.query(Author).order_by(Author.id).with_children(Book.author_id, books).all()
    assert db.statements == 2
    assert [author.id for author, _ in families] == ["anna", "ben", "cleo"]
    for author, written in families:
        own = shelf.query(Book).where(Book.author_id == author.id, Book.pages < 3).order_by(Book.title, Book.id)
        assert written == own.all()
    assert sum(len(written) for _, written in families) > 10


def test_parents_and_children_to_any_depth(shelf: Store) -> None:
    db = Counting(shelf)
    loans = db.query(Loan).order_by(Loan.id).with_parent(Loan.renewal_of, db.query(Loan))
    query = (
        db.query(Book)
        .where(Book.id < "b07")
        .order_by(Book.id)
        .with_parent(Book.author_id, db.query(Author))
        .with_parent(Book.editor_id, db.query(Author).where(Author.name != "Anna"))
        .with_children(Loan.book_id, loans)
    )
    rows = query.all()
    assert db.statements == 4, "books, authors, editors, loans; no loan is a renewal"
    assert [book.id for book, *_ in rows] == [f"b0{n}" for n in range(7)]
    for book, author, editor, lent in rows:
        assert (author.id if author else None) == book.author_id
        assert editor is None, "narrowed away"
        assert [loan.book_id for loan, _ in lent] == [book.id] * len(lent)
        assert all(renewed is None for _, renewed in lent)
    assert sum(len(lent) for *_, lent in rows) == 6
    first = query.first()
    assert first is not None
    assert first[0].id == "b00"
    assert query.where(Book.id == "b01").one()[0].id == "b01"
    assert query.count() == 7


def test_many_to_many_over_a_link_table(store: Store) -> None:
    with store.apply("local") as connection:
        connection.execute("insert into genres (id, label) values ('novel', 'n'), ('poem', 'p'), ('play', 'q')")
    with store.write() as tx:
        for name in ("a", "b", "c"):
            tx.insert(Author, id=name, name=name)
    with store.apply("local") as connection:
        for number, (author, genre) in enumerate(
            (("a", "poem"), ("a", "novel"), ("a", "poem"), ("b", "play"), ("b", None))
        ):
            connection.execute(
                "insert into books (id, user_id, created_at, updated_at, title, author_id, genre_id)"
                " select ?, user_id, created_at, updated_at, '', ?, ? from authors limit 1",
                (f"b{number}", author, genre),
            )
    db = Counting(store)
    genres = db.query(Genre).order_by(Genre.label)
    rows = db.query(Author).order_by(Author.id).with_linked(Book.author_id, Book.genre_id, genres).all()
    assert [(author.id, [genre.id for genre in linked]) for author, linked in rows] == [
        ("a", ["novel", "poem"]),
        ("b", ["play"]),
        ("c", []),
    ]
    assert db.statements == 3


def test_nothing_is_asked_for_nobody(shelf: Store) -> None:
    db = Counting(shelf)
    nobody = db.query(Author).where(Author.name == "nobody")
    rows = nobody.with_children(Book.author_id, db.query(Book)).with_linked(
        Book.author_id, Book.genre_id, db.query(Genre)
    )
    assert rows.all() == []
    assert rows.first() is None
    assert db.statements == 2


def test_what_does_not_belong_together_is_refused(shelf: Store) -> None:
    authors, books = shelf.query(Author), shelf.query(Book)
    wrong: list[tuple[str, Any]] = [
        ("not of books", lambda: authors.with_children(Book.author_id, shelf.query(Loan))),
        ("not of authors", lambda: books.with_children(Book.author_id, books)),
        ("not of books", lambda: authors.with_parent(Book.author_id, authors)),
        ("refers to no table", lambda: authors.with_children(Book.title, books)),
        ("has no limit", lambda: authors.with_children(Book.author_id, books.limit(3))),
        ("not columns of one link table", lambda: authors.with_linked(Book.author_id, Loan.book_id, books)),
    ]
    for message, ask in wrong:
        with pytest.raises(e.QueryError) as refused:
            ask()
        assert message in refused.value.message


def test_all_levels_read_one_state(store: Store) -> None:
    """A write of another thread between two statements is not seen by the second."""
    import threading

    with store.write() as tx:
        tx.insert(Author, id="a", name="a")
        tx.insert(Book, id="one", title="", author_id="a")

    class Late(Counting):
        def records(self, record: type[Any], text: str, arguments: tuple[Any, ...], plan: Any) -> list[Any]:
            found = super().records(record, text, arguments, plan)
            if record is Author:
                writer = threading.Thread(target=_write_another, args=(store,))
                writer.start()
                writer.join()
            return found

    db = Late(store)
    ((_, books),) = db.query(Author).with_children(Book.author_id, db.query(Book)).all()
    assert [book.id for book in books] == ["one"]
    assert store.query(Book).count() == 2


def _write_another(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Book, id="two", title="", author_id="a")
