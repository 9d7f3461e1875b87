"""An older device at a newer server (S17): what it does not know stays as it is, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bmaddb import errors as e
from bmaddb.schema import DeleteRule, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, Migration
from bmaddb.server.run import install_schema
from tests.support.postgres import Database
from tests.support.server import serve
from tests.sync.test_upgrades import Shelf, catalog_of


class Old:
    """Version 14."""

    class Book(UserRecord, table="books", delete=DeleteRule.EDIT_WINS):
        """A book."""

        title = text(default="")
        state = text(default="new", enum=("new", "read"))

    catalog = catalog_of(14, Book)


class New:
    """Version 15: a column more, and a state more."""

    class Book(UserRecord, table="books", delete=DeleteRule.EDIT_WINS):
        """A book."""

        title = text(default="")
        state = text(default="new", enum=("new", "read", "lent"))
        pages = integer(default=0)

    catalog = catalog_of(15, Book)


ROAD = (Migration(15, (AddColumn("books", "pages", integer(default=0)),)),)


@pytest.fixture
def shelf(pg18: Database, tmp_path: Path) -> Iterator[Shelf]:
    install_schema(pg18.conninfo, Old.catalog)
    install_schema(pg18.conninfo, New.catalog, ROAD)
    pg18.run(
        "alter table bmad.books drop constraint state_enum; "
        "alter table bmad.books add constraint state_enum check (state in ('new', 'read', 'lent'))"
    )
    with serve(pg18) as server:
        shelf = Shelf(tmp_path, server)
        shelf.roads[id(New.catalog)] = ROAD
        yield shelf


def test_its_edits_merges_and_remakes_leave_alone_what_it_does_not_know(shelf: Shelf) -> None:
    with shelf.open("new.db", New.catalog) as new, shelf.open("old.db", Old.catalog) as old:
        with new.write() as tx:
            edited, met, again = (tx.insert(New.Book, title=title, pages=100) for title in ("a", "b", "c"))
        assert new.sync().ok
        assert old.sync().ok
        with old.write() as tx:
            tx.update(Old.Book, edited.id, title="a, edited")
        with old.write() as tx:
            tx.delete(Old.Book, again.id)
            tx.insert(Old.Book, id=again.id, title="c, again")
        with new.write() as tx:
            tx.update(met, title="b, new", pages=200)
        assert new.sync().ok
        shelf.clock.advance(1_000)
        with old.write() as tx:
            tx.update(Old.Book, met.id, title="b, old and later")
        assert old.sync().ok
        assert new.sync().ok
        found = {row.title: row.pages for row in new.query(New.Book).all()}
        assert found == {"a, edited": 100, "b, old and later": 200, "c, again": 100}
    with shelf.open("old.db", New.catalog) as late:
        assert late.sync().ok
        assert {row.title: row.pages for row in late.query(New.Book).all()} == found


def test_a_state_it_does_not_know_arrives_and_is_merged_beside(shelf: Shelf) -> None:
    with shelf.open("new.db", New.catalog) as new, shelf.open("old.db", Old.catalog) as old:
        with old.write() as tx:
            waiting, quiet = tx.insert(Old.Book, title="a"), tx.insert(Old.Book, title="q")
        assert old.sync().ok
        assert new.sync().ok
        with old.write() as tx:
            tx.update(waiting, title="b")
        with new.write() as tx:
            for book in (waiting, quiet):
                tx.update(New.Book, book.id, state="lent")
            tx.insert(New.Book, title="lent at once", state="lent")
        assert new.sync().ok
        report = old.sync()
        assert report.ok, report
        with old.write() as tx:
            tx.update(quiet, title="r")
        assert old.sync().ok
        assert new.sync().ok
        wanted = {("b", "lent"), ("r", "lent"), ("lent at once", "lent")}
        assert {(row.title, row.state) for row in new.query(New.Book).all()} == wanted
        assert {(row.title, row.state) for row in old.query(Old.Book).all()} == wanted
        with pytest.raises(e.RecordInvalid), old.write() as tx:
            tx.update(waiting, state="lent")
