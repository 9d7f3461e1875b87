"""Schema versions that differ between device and server: nothing is lost, and nobody has to ask twice (S17)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import bmaddb
from bmaddb.device.sync import HttpTransport
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.steps import Result
from bmaddb.schema import Catalog, Module, Record, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, Migration, RenameColumn
from bmaddb.server.run import install_schema
from bmaddb.testing import LossyTransport, ManualClock
from bmaddb.testing.network import Fault
from tests.support.postgres import Database
from tests.support.server import USER, RunningServer, serve


def catalog_of(version: int, *records: type[Record]) -> Catalog:
    module = Module(name="reading", purpose="Books to read.", records=records)
    return catalog_with(module, include_defaults=False, version=version)


class Old:
    """Version 14."""

    class Book(UserRecord, table="books"):
        """A book."""

        title = text()

    catalog = catalog_of(14, Book)


class New:
    """Version 15: a column more, and a title is a label now."""

    class Book(UserRecord, table="books"):
        """A book."""

        label = text()
        pages = integer(default=0)

    catalog = catalog_of(15, Book)


class More:
    """Version 15, another way: only a column more."""

    class Book(UserRecord, table="books"):
        """A book."""

        title = text()
        pages = integer(default=0)

    catalog = catalog_of(15, Book)


class Own(UserRecord, table="own_things"):
    """Of a module that the server was not started with."""

    name = text()


ROAD_TO_MORE = (Migration(15, (AddColumn("books", "pages", integer(default=0)),)),)
ROAD = (Migration(15, (RenameColumn("books", "title", "label"), AddColumn("books", "pages", integer(default=0)))),)


class Shelf:
    """A server, and files that are opened under either version."""

    def __init__(self, folder: Path, server: RunningServer) -> None:
        self.server = server
        self.clock = ManualClock()
        self.network: LossyTransport | None = None
        self.roads = {id(New.catalog): ROAD, id(More.catalog): ROAD_TO_MORE}
        self._folder = folder

    def open(self, name: str, catalog: Catalog) -> bmaddb.Database:
        self.network = LossyTransport(HttpTransport(self.server.url, self.server.token(USER)))
        return bmaddb.open(
            self._folder / name,
            user=USER,
            catalog=catalog,
            migrations=self.roads.get(id(catalog), ()),
            transport=self.network,
            clock=self.clock,
        )

    def upgrade_server(self, catalog: Catalog = New.catalog, road: tuple[Migration, ...] = ROAD) -> None:
        install_schema(self.server.database.conninfo, catalog, road)


@pytest.fixture
def shelf(pg18: Database, tmp_path: Path) -> Iterator[Shelf]:
    install_schema(pg18.conninfo, Old.catalog)
    with serve(pg18) as server:
        yield Shelf(tmp_path, server)


def test_a_device_ahead_of_its_server_waits_and_then_goes_by_itself(shelf: Shelf) -> None:
    with shelf.open("ahead.db", New.catalog) as db:
        with db.write() as tx:
            book = tx.insert(New.Book, label="a", pages=3)
        with db.write() as tx:
            tx.update(book, label="b")
            tx.insert(New.Book, label="beside it")
        report = db.sync()
        assert (report.result, report.parked) == (Result.PARTIAL, 2)
        reason = db.outbox.parked()[0].reason
        assert reason is not None
        assert reason.code == "unknown_column"
        assert "older than this device" in reason.message
        assert reason.hint == "update the server; it is sent again by itself then"
        assert db.sync().requests == 1, "it is not sent again at once"
        shelf.clock.advance(60_000)
        assert db.sync().parked == 2, "nor has the server learned anything yet"
        shelf.upgrade_server()
        shelf.clock.advance(30_000)
        assert db.sync().parked == 2, "the second wait is twice as long"
        shelf.clock.advance(60_000)
        assert db.sync().ok
    with shelf.open("other.db", New.catalog) as other:
        assert other.sync().ok
        assert {(row.label, row.pages) for row in other.query(New.Book).all()} == {("b", 3), ("beside it", 0)}


def test_a_server_without_the_devices_catalog_is_told_how_it_gets_it(shelf: Shelf) -> None:
    own = catalog_of(14, Old.Book, Own)
    with shelf.open("own.db", own) as db:
        with db.write() as tx:
            tx.insert(Own, name="a")
        assert db.sync().parked == 1
        reason = db.outbox.parked()[0].reason
        assert reason is not None
        assert reason.code == "unknown_table"
        assert "does not know its catalog" in reason.message
        assert reason.hint == "update the server, or start it with --catalog; it is sent again by itself then"
        shelf.upgrade_server(own, ())
        shelf.clock.advance(60_000)
        assert db.sync().ok
        assert db.outbox.counts().parked == 0


def test_a_device_ahead_of_its_server_reads_old_names_as_todays(shelf: Shelf) -> None:
    with shelf.open("old.db", Old.catalog) as old, shelf.open("ahead.db", New.catalog) as ahead:
        with old.write() as tx:
            book = tx.insert(Old.Book, title="a")
        assert old.sync().ok
        assert ahead.sync().ok
        assert [(row.label, row.pages) for row in ahead.query(New.Book).all()] == [("a", 0)]
        with ahead.write() as tx:
            tx.update(New.Book, book.id, pages=3)
        assert ahead.sync().result is Result.PARTIAL, "the server has no name for pages yet"
        with old.write() as tx:
            tx.update(Old.Book, book.id, title="b")
        assert old.sync().ok
        assert not ahead.sync().failure
        assert [(row.label, row.pages) for row in ahead.query(New.Book).all()] == [("b", 3)]
        shelf.upgrade_server()
        shelf.clock.advance(6 * 60 * 60 * 1000)
        assert ahead.sync().ok
    with shelf.open("other.db", New.catalog) as other:
        assert other.sync().ok
        assert [(row.label, row.pages) for row in other.query(New.Book).all()] == [("b", 3)]


def test_without_the_migrations_old_names_stay_unknown(shelf: Shelf) -> None:
    shelf.roads.clear()
    with shelf.open("old.db", Old.catalog) as old, shelf.open("ahead.db", New.catalog) as ahead:
        with old.write() as tx:
            tx.insert(Old.Book, title="a")
        assert old.sync().ok
        assert ahead.sync().ok
        assert [row.label for row in ahead.query(New.Book).all()] == [""]


def test_columns_an_older_device_skipped_arrive_with_its_upgrade_and_deletes_too(shelf: Shelf) -> None:
    shelf.upgrade_server(More.catalog, ROAD_TO_MORE)
    with shelf.open("new.db", More.catalog) as new, shelf.open("late.db", Old.catalog) as late:
        with new.write() as tx:
            books = [tx.insert(More.Book, title=f"b{number}", pages=number) for number in range(3)]
        assert new.sync().ok
        assert late.sync().ok
        with late.write() as tx:
            tx.update(Old.Book, books[0].id, title="unsent work")
        with new.write() as tx:
            tx.delete(books[2])
        assert new.sync().ok
    with shelf.open("late.db", More.catalog) as late:
        assert late.sync().ok
        rows = {(row.title, row.pages) for row in late.query(More.Book).all()}
        assert rows == {("unsent work", 0), ("b1", 1)}, "a row that was deleted meanwhile does not stay behind"
        assert late.sync().pulled_rows == 0


def test_a_conflict_answered_before_the_upgrade_is_merged_after_it(shelf: Shelf) -> None:
    with shelf.open("one.db", Old.catalog) as one:
        with one.write() as tx:
            book = tx.insert(Old.Book, title="a")
        assert one.sync().ok
    with shelf.open("two.db", Old.catalog) as two:
        assert two.sync().ok
        with two.write() as tx:
            tx.update(Old.Book, book.id, title="theirs")
        shelf.clock.advance(1000)
        with shelf.open("one.db", Old.catalog) as one:
            with one.write() as tx:
                tx.update(Old.Book, book.id, title="mine")
            one.outbox.lease(10, 1_000_000)
            assert two.sync().ok
            assert shelf.network is not None
            shelf.network.plan(*[Fault.LOST_ANSWER] * 3)
            assert one.sync().result is Result.OFFLINE
            assert one.outbox.in_flight() == (2,)
    shelf.upgrade_server()
    with shelf.open("one.db", New.catalog) as one:
        assert one.sync().ok
        assert one.query(New.Book).one().label == "mine"
    with shelf.open("two.db", New.catalog) as two:
        assert two.sync().ok
        assert two.query(New.Book).one().label == "mine"


def test_an_old_answer_does_not_keep_a_row_that_was_deleted_before_all_is_read_again(shelf: Shelf) -> None:
    """The push reached the server and its answer got lost; then the row went, and everything is read again."""
    shelf.upgrade_server(More.catalog, ROAD_TO_MORE)
    with shelf.open("one.db", Old.catalog) as one:
        assert one.sync().ok
        with one.write() as tx:
            book = tx.insert(Old.Book, title="a")
        assert shelf.network is not None
        shelf.network.plan(*[Fault.LOST_ANSWER] * 3)
        assert one.sync().result is Result.OFFLINE
        assert one.outbox.in_flight() == (1,)
    with shelf.open("two.db", More.catalog) as two:
        assert two.sync().ok
        with two.write() as tx:
            tx.delete(More.Book, book.id)
        assert two.sync().ok
    with shelf.open("one.db", More.catalog) as one:
        assert one.sync().ok
        assert one.sync().ok
        assert one.query(More.Book).all() == []


def test_an_empty_page_tells_of_the_upgrade(shelf: Shelf) -> None:
    """Nothing is new but the server's version: what this device had no name for is read, once."""
    with shelf.open("ahead.db", Old.catalog) as db:
        with db.write() as tx:
            tx.insert(Old.Book, title="a")
        assert db.sync().ok
    with shelf.open("ahead.db", New.catalog) as db:
        assert db.sync().ok
        shelf.upgrade_server()
        assert sum(db.sync().pulled_rows for _ in range(3)) == 1
