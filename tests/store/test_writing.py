"""Insert, update, delete, get: what is filled in, what is kept, what is refused and how the refusal reads."""

# ruff: noqa: PT012, RUF043 -- a write is a block, and a dot in a pattern is near enough

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.schema import Record, UserRecord
from bmaddb.schema.natural_keys import natural_id
from bmaddb.testing import ManualClock
from tests.store.conftest import Witness
from tests.store.shelf import (
    OTHER_USER,
    USER,
    Author,
    Book,
    Diary,
    Draft,
    Genre,
    Invoice,
    Ledger,
    Loan,
    Shelf,
)

EVIL = "Robert'); DROP TABLE books;-- \" ` [x] ? :a @b $c % _ \\ \n 😀"


def test_an_insert_fills_the_envelope_and_the_defaults(store: Store, clock: ManualClock) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="De avonden")
    assert uuid.UUID(book.id).version == 7
    assert (book.user_id, book.server_seq) == (USER, None)
    assert book.created_at == book.updated_at == datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    assert (book.state, book.pages, book.owned, book.tags, book.extra) == ("todo", 0, False, [], None)
    assert store.get(Book, book.id) == book


def test_every_kind_of_value_comes_back_as_it_went_in(store: Store) -> None:
    moment = datetime(2026, 3, 1, 12, 30, 15, 250_000, UTC)
    with store.write() as tx:
        book = tx.insert(
            Book,
            title=EVIL,
            pages=2**63 - 1,
            price=3,
            owned=True,
            tags=["é", {"b": 1, "a": None}],
            read_at=moment,
            cover=b"\0\xff",
        )
    read = store.get(Book, book.id)
    assert read is not None
    assert read == book
    assert (read.title, read.pages, read.price, read.owned) == (EVIL, 2**63 - 1, 3.0, True)
    assert (read.tags, read.read_at, read.cover) == (["é", {"a": None, "b": 1}], moment, b"\0\xff")


@pytest.mark.parametrize("value", [date(2026, 3, 1), time(7, 30), datetime(2026, 3, 1, tzinfo=UTC)])
def test_a_day_for_a_text_is_told_how_it_becomes_one(store: Store, value: Any) -> None:
    with store.write() as tx, pytest.raises(e.RecordInvalid, match="books.title: expected text") as refused:
        tx.insert(Book, title=value)
    assert refused.value.hint == "give its text: .isoformat()"
    with pytest.raises(e.QueryError, match="books.title: expected text") as unasked:
        store.query(Book).where(Book.title == value).all()
    assert unasked.value.hint == refused.value.hint


def test_a_record_for_an_id_is_told_that_it_has_one(store: Store) -> None:
    with store.write() as tx:
        author: Any = tx.insert(Author, name="a")
        calls: list[Callable[[], object]] = [
            lambda: tx.insert(Book, title="b", author_id=author),
            lambda: tx.insert_many(Book, [{"title": "b", "author_id": author}]),
            lambda: tx.update(Author, author, name="c"),
            lambda: tx.delete(Author, author),
            lambda: store.get(Author, author),
            lambda: store.query(Book).where(Book.author_id == author).all(),
            lambda: store.query(Book).where(Book.author_id.in_([author])).all(),
        ]
        for call in calls:
            with pytest.raises((e.RecordInvalid, e.QueryError)) as refused:
                call()
            assert refused.value.hint == "give its id (.id)"


def test_a_json_default_is_nobodys_own_object(store: Store) -> None:
    with store.write() as tx:
        first, second = tx.insert(Book, title="a"), tx.insert(Book, title="b")
    first.tags.append("mine")
    assert first.tags == second.tags == []


def test_an_update_writes_only_what_differs(store: Store, witness: Witness, clock: ManualClock) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a", pages=3, tags=["x"])
    clock.advance(10)
    with store.write() as tx:
        same = tx.update(book, title="a", pages=3, tags=["x"])
    assert same == book
    assert len(witness.drafts) == 1
    with store.write() as tx:
        changed = tx.update(Book, book.id, pages=4, title="a")
    assert (changed.pages, changed.updated_at - book.updated_at) == (4, timedelta(milliseconds=10))
    assert store.get(Book, book.id) == changed
    assert book.pages == 3


def test_an_update_starts_from_the_row_in_the_file_not_from_the_record(store: Store) -> None:
    with store.write() as tx:
        old = tx.insert(Book, title="a", pages=1)
        tx.update(old, pages=2)
        assert tx.update(old, title="b").pages == 2
        assert tx.update(old, pages=1).pages == 1


def test_updated_at_never_goes_back_with_the_clock(store: Store, clock: ManualClock) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        clock.set_wall(clock.now_ms() - 60_000)
        assert tx.update(book, title="b").updated_at == book.updated_at


def test_deleting_says_whether_there_was_a_row(store: Store) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        assert tx.delete(book) is True
        assert tx.delete(Book, book.id) is False
        assert tx.get(Book, book.id) is None


def test_a_missing_row_cannot_be_updated(store: Store) -> None:
    with store.write() as tx, pytest.raises(e.RecordNotFound, match="books has no row 'nope'"):
        tx.update(Book, "nope", title="a")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "books.title is required"),
        ({"title": None}, "books.title may not be null"),
        ({"title": 5}, "books.title: expected text, got int"),
        ({"title": "a\0b"}, r"books.title: text may not hold U\+0000"),
        ({"title": "\ud800"}, "books.title: text holds an unpaired surrogate"),
        ({"title": "a", "state": "lost"}, "books.state: 'lost' is not one of its values"),
        ({"title": "a", "pages": True}, "books.pages: expected a whole number, got bool"),
        ({"title": "a", "pages": 2**63}, "books.pages: the whole number does not fit 64 bits"),
        ({"title": "a", "pages": -1}, "books.pages breaks a check: pages >= 0"),
        ({"title": "a", "price": float("nan")}, "books.price: the number must be finite"),
        ({"title": "a", "price": 10**400}, "books.price: the number must be finite"),
        ({"title": "a", "owned": 1}, "books.owned: expected True or False"),
        ({"title": "a", "read_at": datetime(2026, 1, 1)}, "books.read_at: a moment needs a time zone"),
        ({"title": "a", "tags": {1, 2}}, "books.tags: not a JSON value"),
        ({"title": "a", "cover": "text"}, "books.cover: expected bytes, got str"),
        ({"title": "a", "id": "with space"}, "books.id: 'with space' is not an id"),
        ({"title": "a", "id": ""}, "books.id: '' is not an id"),
        ({"title": "a", "id": "x" * 65}, "books.id: .* is not an id"),
        ({"title": "a", "user_id": OTHER_USER}, "books.user_id: the file belongs to another user"),
        ({"titel": "a"}, "books has no column 'titel'"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(store: Store, values: dict[str, Any], message: str) -> None:
    with pytest.raises(e.RecordInvalid, match=message), store.write() as tx:
        tx.insert(Book, **values)
    with pytest.raises(e.RecordInvalid, match=message), store.write() as tx:
        tx.insert_many(Book, [{"title": "ok"}, values])
    assert store.query(Book).count() == 0


def test_a_misspelt_column_gets_a_hint(store: Store) -> None:
    with store.write() as tx, pytest.raises(e.RecordInvalid) as refused:
        tx.insert(Book, titel="a")
    assert refused.value.hint == "did you mean 'title'?"


@pytest.mark.parametrize("column", ["rating", "server_seq"])
def test_the_servers_columns_are_refused(store: Store, column: str) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        for write in (
            lambda: tx.insert(Book, title="b", **{column: 3}),
            lambda: tx.update(book, **{column: 3}),
            lambda: tx.insert_many(Book, [{"title": "b", column: 3}]),
        ):
            with pytest.raises(e.ReadOnlyTable, match=f"a device may not set books.{column}"):
                write()


@pytest.mark.parametrize(("column", "value"), [("id", "other"), ("isbn", "2")])
def test_what_is_set_at_insert_stays(store: Store, column: str, value: str) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a", isbn="1")
        with pytest.raises(e.RecordInvalid, match=f"books.{column} is set at insert and never changes"):
            tx.update(book, **{column: value})
        assert tx.update(book, **{column: getattr(book, column)}) == book


@pytest.mark.parametrize("record", [Genre, Invoice, Ledger])
def test_tables_of_others_are_read_only(store: Store, record: type[Record]) -> None:
    with store.write() as tx:
        for write in (
            lambda: tx.insert(record, id="x"),
            lambda: tx.insert_many(record, [{"id": "x"}]),
            lambda: tx.delete(record, "x"),
            lambda: tx.update(record, "x", id="y"),
        ):
            with pytest.raises(e.ReadOnlyTable):
                write()


def test_rows_that_stay_can_be_changed_but_not_deleted(store: Store) -> None:
    with store.write() as tx:
        line = tx.update(tx.insert(Diary, line="a"), line="b")
        with pytest.raises(e.ReadOnlyTable, match="rows of diary are never deleted"):
            tx.delete(line)


def test_a_record_of_another_catalog_is_refused(store: Store) -> None:
    from bmaddb.modules.tasks_productivity import Task

    for read in (lambda: store.get(Task, "x"), lambda: store.query(Task).all()):
        with pytest.raises(e.SchemaError, match="no module of this store declares tasks") as refused:
            read()
        assert "catalog_with(" in str(refused.value.hint)
    with store.write() as tx, pytest.raises(e.SchemaError):
        tx.insert(Task, title="a")


def test_where_a_class_belongs_a_record_or_a_name_is_refused_with_words(store: Store) -> None:
    with store.write() as tx:
        author = tx.insert(Author, name="a")
        wrongly: Any = tx
        with pytest.raises(e.SchemaError, match="Author is wanted here, the class; this is a record of it"):
            wrongly.insert(author)
        with pytest.raises(e.SchemaError, match="Author is wanted here, the class; this is a record of it"):
            wrongly.insert_many(author, [{"name": "b"}])
    loosely: Any = store
    for given in ("authors", str, UserRecord):
        with pytest.raises(e.SchemaError, match="a record class is wanted here, not"):
            loosely.query(given)


def test_a_natural_key_makes_the_id(store: Store) -> None:
    wanted = natural_id(Shelf.__table__, {"user_id": USER, "name": "Café"})
    with store.write() as tx:
        shelf = tx.insert(Shelf, name="Café")
        assert shelf.id == wanted
        assert tx.update(shelf, name="Elsewhere").id == wanted
        tx.insert(Shelf, name="Again", id=natural_id(Shelf.__table__, {"user_id": USER, "name": "again"}))
        with pytest.raises(e.RecordInvalid, match="shelves.id follows from user_id, name"):
            tx.insert(Shelf, name="Other", id=shelf.id)
        with pytest.raises(e.RecordInvalid, match=r"shelves.id is taken"):
            tx.insert(Shelf, name="CAFE\u0301")
    with store.write() as tx:
        tx.insert_many(Shelf, [{"name": "Left"}, {"name": "Right", "order": 2}])
    assert {shelf.id for shelf in store.query(Shelf).all()} >= {
        natural_id(Shelf.__table__, {"user_id": USER, "name": name}) for name in ("left", "right")
    }


def test_a_local_row_needs_no_user_and_its_uniques_hold(store: Store) -> None:
    with store.write() as tx:
        draft = tx.insert(Draft, body="a", slot=1)
        with pytest.raises(e.RecordInvalid, match="drafts.slot is taken"):
            tx.insert(Draft, body="b", slot=1)
        assert tx.get(Draft, draft.id) == draft


def test_many_rows_are_the_same_as_one_by_one(store: Store, clock: ManualClock) -> None:
    rows: list[dict[str, Any]] = [
        {"title": f"é {index}", "pages": index, "tags": [index], "owned": index % 2 == 0, "price": index / 2}
        for index in range(2_500)
    ]
    rows[7] = {"title": "sparse", "id": "chosen", "read_at": datetime(2026, 1, 1, tzinfo=UTC)}
    with store.write() as tx:
        assert tx.insert_many(Book, iter(rows)) == len(rows)
    books = store.query(Book).order_by(Book.pages, Book.title).all()
    assert len(books) == len(rows)
    assert (books[0].id, books[0].title, books[0].pages) == ("chosen", "sparse", 0)
    assert {(book.user_id, book.created_at_raw) for book in books} == {(USER, clock.now_ms())}  # type: ignore[attr-defined]
    last = books[-1]
    assert (last.pages, last.tags, last.owned, last.price) == (2_499, [2_499], False, 1_249.5)
    with store.write() as tx:
        single = tx.insert(Book, **rows[-1])
    wanted = {name: getattr(single, name) for name in ("title", "pages", "tags", "owned", "price", "state", "extra")}
    assert wanted == {name: getattr(last, name) for name in wanted}


def test_ids_of_one_bulk_ascend_in_the_order_given(store: Store) -> None:
    with store.write() as tx:
        tx.insert_many(Book, [{"title": f"{index:03}"} for index in range(200)])
    by_id = store.query(Book).order_by(Book.id).rows(Book.title)
    assert by_id == sorted(by_id)


def test_a_bulk_is_all_or_nothing_even_when_the_error_is_caught(store: Store) -> None:
    rows: list[dict[str, Any]] = [{"title": str(index)} for index in range(1_500)]
    with store.write() as tx:
        kept = tx.insert(Book, title="kept")
        for bad in ({"title": None}, {"title": "x", "pages": -1}, {"title": "x", "id": kept.id}):
            with pytest.raises(e.RecordInvalid):
                tx.insert_many(Book, [*rows, bad])
    assert store.query(Book).ids() == [kept.id]


def test_a_bulk_error_names_the_row(store: Store) -> None:
    with (
        store.write() as tx,
        pytest.raises(e.RecordInvalid, match="row 2: books.title: expected text, got int"),
    ):
        tx.insert_many(Book, [{"title": "a"}, {"title": "b"}, {"title": 3}])


def test_an_empty_bulk_is_fine(store: Store, witness: Witness) -> None:
    with store.write() as tx:
        assert tx.insert_many(Book, []) == 0
    assert witness.facts == []


def test_a_reference_must_lead_somewhere_by_the_end(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Book, title="a", id="book", author_id="author", genre_id="not here yet")
        tx.insert(Author, name="b", id="author")
    with (
        pytest.raises(e.RecordInvalid, match="books.author_id names a row of authors that is not there"),
        store.write() as tx,
    ):
        tx.insert(Book, title="b", author_id="nobody")
    with (
        pytest.raises(e.RecordInvalid, match="loans.book_id names a row of books that is not there"),
        store.write() as tx,
    ):
        tx.insert(Loan, book_id="book")
        tx.delete(Book, "book")
    assert store.query(Book).ids() == ["book"]
    assert store.query(Loan).count() == 0
