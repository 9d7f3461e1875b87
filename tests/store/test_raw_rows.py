"""What raw statements insert or replace is held to the rules of the typed door, and undone when it breaks one."""

# ruff: noqa: RUF043 -- a dot in a pattern is near enough

from __future__ import annotations

from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.store import CommitDraft, Store
from tests.store.shelf import OTHER_USER, USER, Author, Book, Diary, Draft

ENVELOPE = "id, user_id, created_at, updated_at, server_seq"
BOOK = f"insert into books ({ENVELOPE}, title, isbn, rating) values (?, ?, 0, 0, ?, 't', ?, ?)"
REPLACE_BOOK = BOOK.replace("insert", "replace", 1)


def seen_by_the_server(store: Store, record: type[Any], row_id: str, version: int = 7) -> None:
    with store.apply("remote") as connection:
        connection.execute(f"update {record.__table__.name} set server_seq = ? where id = ?", (version, row_id))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("b", OTHER_USER, None, None, None), "belongs to another user"),
        (("b", USER, 9, None, None), "may not set books.server_seq"),
        (("b", USER, None, None, 5), "may not set books.rating"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_an_insert_the_typed_door_would_refuse_is_undone(
    store: Store, values: tuple[Any, ...], said: str, many: bool
) -> None:
    heard: list[CommitDraft] = []
    store.before_commit.append(heard.append)

    def attempt() -> None:
        with store.write() as tx:
            if many:
                tx.insert_many(Author, [{"name": "n"}] * 60)
            tx.insert(Author, name="goes along")
            tx.execute(BOOK, values)

    for _ in range(2):  # judged the first time, remembered the second
        with pytest.raises((e.RecordInvalid, e.ReadOnlyTable), match=said):
            attempt()
    assert store.sql("select count(*) from books") == [(0,)]
    assert store.sql("select count(*) from authors") == [(0,)], "a transaction stands or falls as one"
    assert heard == []


def test_an_insert_that_breaks_no_rule_stands(store: Store) -> None:
    with store.write() as tx:
        tx.execute(BOOK, ("b", USER, None, "isbn", None))
    assert store.sql("select isbn from books") == [("isbn",)]


@pytest.mark.parametrize("verb", ["insert or replace", "replace"])
def test_a_replace_changes_nothing_that_never_changes(store: Store, verb: str) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="t", isbn="first")
    seen_by_the_server(store, Book, book.id)
    with pytest.raises(e.RecordInvalid, match="books.isbn is set at insert"), store.write() as tx:
        tx.execute(BOOK.replace("insert", verb, 1), (book.id, USER, None, "second", None))
    with pytest.raises(e.ReadOnlyTable, match="may not change books.server_seq"), store.write() as tx:
        tx.execute(REPLACE_BOOK, (book.id, USER, 9, "first", None))
    with pytest.raises(e.RecordInvalid, match="never changes"), store.write() as tx:
        tx.execute(REPLACE_BOOK, (book.id, OTHER_USER, 7, "first", None))
    assert store.sql("select isbn, server_seq, user_id from books") == [("first", 7, USER)]


def test_a_replace_does_not_delete_where_nobody_may(store: Store) -> None:
    with store.write() as tx:
        line = tx.insert(Diary, line="first")
    seen_by_the_server(store, Diary, line.id)
    text = f"insert or replace into diary ({ENVELOPE}, line) values (?, ?, ?, 0, ?, 'second')"
    created = store.sql("select created_at from diary")[0][0]
    with pytest.raises(e.ReadOnlyTable, match="never deleted"), store.write() as tx:
        tx.execute(text, (line.id, USER, created, None))
    assert store.sql("select line, server_seq from diary") == [("first", 7)]
    with store.write() as tx:
        tx.execute("update or replace diary set line = 'x' where id = ?", (line.id,))
    assert store.sql("select line from diary") == [("x",)]


def test_tables_that_do_not_travel_may_be_replaced(store: Store) -> None:
    with store.write() as tx:
        draft = tx.insert(Draft, body="one", slot=1)
        tx.execute("replace into drafts (id, body, slot) values ('other', 'two', 1)")
    assert store.sql("select id, body from drafts") == [("other", "two")]
    assert store.get(Draft, draft.id) is None


def test_what_one_transaction_inserted_says_nothing_of_the_next(store: Store) -> None:
    with pytest.raises(e.RecordInvalid), store.write() as tx:
        tx.execute(BOOK, ("b", OTHER_USER, None, None, None))
    with store.write() as tx:
        book = tx.insert(Book, title="t", isbn="one")
    with store.write() as tx:  # as the typed door always could
        tx.delete(book)
        tx.insert(Book, id=book.id, title="t", isbn="two")
    assert store.sql("select isbn from books") == [("two",)]
