"""How a statement is run, as facts."""

from __future__ import annotations

from bmaddb.device.query import count_of
from bmaddb.device.query.explain import explained
from bmaddb.device.store import Store
from bmaddb.schema import children, param
from tests.store.shelf import Author, Book, Loan


def test_an_index_is_named_with_what_is_looked_up(shelf: Store) -> None:
    found = shelf.query(Book).where(Book.state == "todo", Book.pages > 1).explain()
    (access,) = found.accesses
    assert (access.table, access.index, access.by) == ("books", "ix_books__state__pages", "state=? AND pages>?")
    assert not access.full_scan
    assert (found.full_scans, found.sorts, found.indexes) == ((), (), ("ix_books__state__pages",))
    assert str(found) == "SEARCH books USING INDEX ix_books__state__pages (state=? AND pages>?)"
    assert found.sql.startswith("select")


def test_full_scans_and_sorts_are_seen(shelf: Store) -> None:
    found = shelf.query(Book).where(Book.price > 1).order_by(Book.title).explain()
    assert found.full_scans == ("books",)
    assert found.sorts == ("ORDER BY",)
    grouped = shelf.query(Book).group_by(Book.title).select(Book.title, count_of()).explain()
    assert grouped.sorts == ("GROUP BY",)
    by_index = shelf.query(Book).order_by(Book.state, Book.title).explain()
    assert by_index.sorts == ("LAST TERM OF ORDER BY",)
    covering = shelf.query(Book).where(Book.state == "todo").select(Book.pages).explain()
    assert covering.accesses[0].covering


def test_inner_queries_and_other_tables_are_seen(shelf: Store) -> None:
    found = shelf.query(Author).where(children(Book.author_id).count(children(Loan.book_id).exists()) > 1).explain()
    assert {access.table for access in found.accesses} == {"authors", "books", "loans"}
    assert found.full_scans == ("authors",), "children are found by the index of their foreign key"
    assert "\n  " in str(found)
    of_itself = shelf.query(Loan).where(Loan.renewal_of.where(Loan.to_whom == "a")).explain()
    assert {access.table for access in of_itself.accesses} == {"loans"}
    listed = shelf.query(Book).where(Book.id.in_(param("ids"))).explain()
    assert {access.table for access in listed.accesses} == {"books", "json_each"}


def test_words_of_sqlite_that_are_rare() -> None:
    rows = [
        (2, 0, 0, "SCAN a USING COVERING INDEX ix_a"),
        (5, 0, 0, "SEARCH b USING AUTOMATIC PARTIAL COVERING INDEX (x=?) LEFT-JOIN"),
        (7, 5, 0, "SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"),
        (9, 0, 0, "USE TEMP B-TREE FOR DISTINCT"),
        (11, 0, 0, "MULTI-INDEX OR"),
    ]
    found = explained("", rows)
    assert [(x.table, x.index, x.by, x.full_scan, x.covering) for x in found.accesses] == [
        ("a", "ix_a", "", True, True),
        ("b", "(automatic)", "x=?", False, True),
        ("c", None, "rowid=?", False, False),
    ]
    assert found.sorts == ("DISTINCT",)
    assert found.lines[2] == "  SEARCH c USING INTEGER PRIMARY KEY (rowid=?)"
