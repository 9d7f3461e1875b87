"""Raw SQL: what passes, what is refused, and that values stay values."""

# ruff: noqa: RUF043 -- a dot in a pattern is near enough

from __future__ import annotations

from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.store import Store
from tests.store.shelf import Author, Book, Diary, Loan

NOT_ROWS = [
    "pragma foreign_keys = off",
    "pragma journal_mode = delete",
    "attach ':memory:' as other",
    "detach main",
    "begin",
    "begin immediate",
    "commit",
    "/* hidden */ commit",
    "end",
    "rollback",
    "savepoint mine",
    "release bmad",
    "rollback to bmad",
    "create table mine (x)",
    "create temp table mine (x)",
    "create view mine as select 1",
    "create trigger mine after insert on books begin select 1; end",
    "drop table books",
    "drop index ix_books__state__pages",
    "alter table books add column x",
    "alter table books rename to x",
    "reindex",
    "analyze",
    "vacuum",
    "explain pragma foreign_keys = off",
    "delete from sqlite_schema",
]
NOT_YOURS = [
    "insert into genres (id, label) values ('x', 'y')",
    "with x as (select 'a' as id) update genres set label = '' where id in (select id from x)",
    "delete from genres",
    "replace into genres (id, label) values ('x', 'y')",
    "update invoices set total = 1",
    "insert into _bmad_meta values ('user_id', 'x')",
    "update _bmad_meta set value = 'x'",
    "delete from diary",
    "update books set server_seq = 1",
    "update books set rating = 1",
    "update books set user_id = 'x'",
    "update books set id = 'x'",
    "update books set isbn = 'x'",
    "insert into books (id, title) values ('b', 'y') on conflict (id) do update set isbn = 'x'",
    "insert into books (id, title) values ('x', 'y') on conflict (id) do update set server_seq = 9",
]


@pytest.mark.parametrize("sql", NOT_ROWS)
def test_only_rows_pass_the_writing_door(store: Store, sql: str) -> None:
    with store.write() as tx:
        tx.insert(Book, title="a")
        for _ in range(2):
            with pytest.raises((e.QueryError, e.ReadOnlyTable)):
                tx.execute(sql)
        tx.insert(Book, title="b")
    assert store.query(Book).count() == 2


@pytest.mark.parametrize("sql", NOT_YOURS)
def test_the_rules_of_tables_hold_in_raw_sql(store: Store, sql: str) -> None:
    with store.apply() as connection:
        connection.execute("insert into genres (id, label) values ('novel', 'x')")
    with store.write() as tx:
        tx.insert(Book, id="b", title="a")
        tx.insert(Diary, line="a")
        before = [tx.execute(f"select * from {name}") for name in ("genres", "books", "diary", "_bmad_meta")]
        for _ in range(2):
            with pytest.raises(e.ReadOnlyTable, match="a device may not|never deleted"):
                tx.execute(sql)
        assert before == [tx.execute(f"select * from {name}") for name in ("genres", "books", "diary", "_bmad_meta")]


def test_a_delete_may_take_a_reference_that_never_changes(store: Store) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        first = tx.insert(Loan, book_id=book.id)
        tx.insert(Loan, book_id=book.id, renewal_of=first.id)
        tx.execute("delete from loans where id = ?", (first.id,))
        with pytest.raises(e.ReadOnlyTable):
            tx.execute("update loans set renewal_of = null")
    assert [loan.renewal_of for loan in store.query(Loan).all()] == [None]


def test_an_engines_own_statement_does_not_open_the_door(store: Store) -> None:
    """The store deletes by id with this very text, from its statement cache."""
    text = 'delete from "diary" where "id" = ?'
    with store.apply() as connection:
        connection.execute(text, ("x",))
    with store.write() as tx, pytest.raises(e.ReadOnlyTable):
        tx.execute(text, ("x",))


def test_one_statement_at_a_time(store: Store) -> None:
    with store.write() as tx:
        for sql in ("select 1; delete from books", "delete from books; select 1", "select 1;;select 2"):
            tx.insert(Book, title="a")
            with pytest.raises(e.QueryError, match="one statement at a time"):
                tx.execute(sql)
        assert tx.execute("select count(*) from books;") == [(3,)]
        assert tx.execute("  \n select count(*) from books \n") == [(3,)]


def test_the_reading_door_only_reads(store: Store) -> None:
    def attempts() -> None:
        for sql in ("delete from books", "insert into books (id) values (1)", *NOT_ROWS, *NOT_YOURS):
            for _ in range(2):
                with pytest.raises((e.QueryError, e.ReadOnlyTable, e.StoreError)):
                    store.sql(sql)

    attempts()
    with store.write() as tx:
        tx.insert(Book, title="a")
        attempts()
        tx.execute("delete from books where title = 'nobody'")
        with pytest.raises(e.QueryError, match="this door only reads"):
            store.sql("delete from books where title = 'nobody'")
    assert store.sql("select title from books") == [("a",)]
    assert store.sql("select title from books where title = :title", {"title": "a"}) == [("a",)]
    assert ("title",) in store.sql("select name from pragma_table_info('books')")


@pytest.mark.parametrize(
    ("sql", "arguments"),
    [
        ("select nonsense", ()),
        ("selct 1", ()),
        ("", (1,)),
        ("select * from nowhere", ()),
        ('select "no such column" from books', ()),
        ("select ?", ()),
        ("select ?", (1, 2)),
        ("select ?", (object(),)),
        ("select ?", (2**64,)),
        ("select ?", ("\ud800",)),
        ("select abs(-9223372036854775808)", ()),
    ],
)
def test_nonsense_is_a_query_error(store: Store, sql: str, arguments: tuple[Any, ...]) -> None:
    for _ in range(2):
        with pytest.raises(e.QueryError):
            store.sql(sql, arguments)
        with store.write() as tx, pytest.raises(e.QueryError):
            tx.execute(sql, arguments)


def test_a_raw_write_must_fit_the_table(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        for sql, message in (
            ("update authors set name = null", "authors.name is required"),
            (
                "update authors set created_at = 'soon'",
                "cannot store TEXT value in INTEGER column authors.created_at",
            ),
            (
                "insert into authors (id, user_id, created_at, updated_at, name) values ('a b', 'u', 1, 1, 'n')",
                "check",
            ),
        ):
            with pytest.raises(e.RecordInvalid, match=message):
                tx.execute(sql)
    assert store.sql("select name from authors") == [("n",)]


def test_a_broken_check_names_the_table_that_was_written(store: Store) -> None:
    with store.write() as tx:
        tx.insert(Author, id="a", name="n")
        envelope = "id, user_id, created_at, updated_at"
        for sql, where in (
            ("update books set pages = -1", "books.pages"),
            (f"insert into loans ({envelope}, book_id) values ('', 'u', 1, 1, 'b')", "loans.id"),
        ):
            tx.insert(Book, title="a")
            for _ in range(2):
                with pytest.raises(e.RecordInvalid, match=f"{where} breaks a check"):
                    tx.execute(sql)


@pytest.mark.parametrize(
    ("column", "raw"), [("tags", "[1" + "0" * 5_000 + "]"), ("read_at", 2**63 - 1), ("read_at", -62_200_000_000_000)]
)
def test_what_python_cannot_hold_is_still_there_raw(store: Store, column: str, raw: Any) -> None:
    with store.write() as tx:
        book = tx.insert(Book, title="a")
        tx.execute(f"update books set {column} = ?", (raw,))
    found = store.get(Book, book.id)
    with pytest.raises(e.RecordInvalid) as caught:
        getattr(found, column)
    assert "<name>_raw" in (caught.value.hint or "")
    assert getattr(found, f"{column}_raw") == raw


@pytest.mark.parametrize(
    "evil", ["'; drop table books; --", '" or 1=1 --', "x' or 'a'='a", "\\'); delete from books;", "%"]
)
def test_values_stay_values_everywhere(store: Store, evil: str) -> None:
    with store.write() as tx:
        kept = tx.insert(Book, title="kept")
        book = tx.insert(Book, title=evil, tags=[evil], extra={evil: evil})
        tx.insert_many(Book, [{"title": evil}])
        tx.update(book, title=evil + evil)
        assert tx.get(Book, evil) is None
        assert tx.delete(Book, evil) is False
        assert tx.execute("select count(*) from books where title = ?", (evil,)) == [(1,)]
    found = store.query(Book).where(Book.title == evil).all()
    assert [book.title for book in found] == [evil]
    for condition in (
        Book.title.in_([evil] * 20),
        Book.title.contains(evil * 2),
        Book.title.between(evil * 2, evil * 2),
        Book.tags == [evil],
        Book.title.like(evil.replace("\\", "\\\\").replace("%", "\\%") + "%"),
    ):
        assert kept not in store.query(Book).where(condition).all()
        assert store.query(Book).where(condition).count() >= 1
    with store.write() as tx:
        tx.insert(Author, name=evil)
    assert store.query(Author).search(evil).count() == any(letter.isalnum() for letter in evil)
    store.meta_set(evil, evil)
    assert store.meta_get(evil) == evil
