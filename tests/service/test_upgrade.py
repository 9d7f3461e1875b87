"""An application's own tables through a schema upgrade of both wings, with work waiting on both devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog, Module, Record, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, CreateTable, DropColumn, Migration, RenameColumn
from bmaddb.server.run import install_schema
from tests.support.postgres import Database
from tests.support.server import USER, RunningServer, serve


def catalog_of(version: int, *records: type[Record]) -> Catalog:
    module = Module(name="reading", purpose="Books to read.", records=records)
    return catalog_with(module, include_defaults=False, version=version)


class Before:
    """Version 14: books."""

    class Book(UserRecord, table="books"):
        """A book."""

        title = text()

    catalog = catalog_of(14, Book)


class After:
    """Version 15: books have pages, and there are quotes."""

    class Book(UserRecord, table="books"):
        """A book."""

        title = text()
        pages = integer(null=True)

    class Quote(UserRecord, table="quotes"):
        """A line worth keeping."""

        book_id = text(references="books", on_delete="cascade")
        line = text()

    catalog = catalog_of(15, Book, Quote)


ROAD = (Migration(15, (AddColumn("books", "pages", integer(null=True)), CreateTable(After.Quote))),)


class Renamed:
    """Version 15, another way: a title is a label now."""

    class Widget(UserRecord, table="widgets"):
        """A widget, before."""

        title = text()
        old = text(null=True)

    class Labelled(UserRecord, table="widgets"):
        """A widget, after."""

        label = text()
        extra = integer(default=7)

    before = catalog_of(14, Widget)
    after = catalog_of(15, Labelled)
    road = (
        Migration(
            15,
            (
                RenameColumn("widgets", "title", "label"),
                DropColumn("widgets", "old"),
                AddColumn("widgets", "extra", integer(default=7)),
            ),
        ),
    )


@pytest.fixture
def reading(pg18: Database, tmp_path: Path) -> Any:
    install_schema(pg18.conninfo, Before.catalog)
    with serve(pg18) as server:
        yield server, opener(server, tmp_path)


def opener(server: RunningServer, folder: Path) -> Callable[..., bmaddb.Database]:
    def opened(name: str, catalog: Catalog, migrations: tuple[Migration, ...] = ()) -> bmaddb.Database:
        token = server.token(USER)
        return bmaddb.open(
            folder / name, user=USER, catalog=catalog, migrations=migrations, url=server.url, token=token
        )

    return opened


def test_work_that_waits_survives_the_upgrade_of_both_wings(reading: Any) -> None:
    server, opened = reading
    with opened("old.db", Before.catalog) as old, opened("other.db", Before.catalog) as other:
        with old.write() as tx:
            tx.insert(Before.Book, title="sent before")
        assert old.sync().ok
        assert other.sync().ok
        for device, title in ((old, "waits on the phone"), (other, "waits on the laptop")):
            with device.write() as tx:
                tx.insert(Before.Book, title=title)

    install_schema(server.database.conninfo, After.catalog, ROAD)
    with opened("other.db", Before.catalog) as behind:  # an older device meets a newer server
        assert behind.sync().ok
    with opened("old.db", After.catalog, ROAD) as ahead:  # its entry was made under the older schema
        assert ahead.sync().ok
        book = ahead.query(After.Book).where(After.Book.title == "sent before").one()
        with ahead.write() as tx:
            tx.update(book, pages=320)
            tx.insert(After.Quote, book_id=book.id, line="…")
        assert ahead.sync().ok
        titles = ["sent before", "waits on the laptop", "waits on the phone"]
        assert [row.title for row in ahead.query(After.Book).order_by(After.Book.title).all()] == titles
        assert ahead.outbox.counts().total == 0

    with opened("other.db", Before.catalog) as behind:  # what it does not know is skipped, not lost
        assert behind.sync().ok
        with behind.write() as tx:
            tx.update(Before.Book, book.id, title="renamed by the older device")
        assert behind.sync().ok
    with opened("other.db", After.catalog, ROAD) as caught_up:
        assert caught_up.sync().ok
        assert caught_up.get(After.Book, book.id) is not None
        assert caught_up.query(After.Book).where(After.Book.pages == 320).one().title == "renamed by the older device"
        assert caught_up.query(After.Quote).count() == 1


@pytest.fixture
def widgets(pg18: Database, tmp_path: Path) -> Any:
    install_schema(pg18.conninfo, Renamed.before)
    with serve(pg18) as server:
        yield server, opener(server, tmp_path)


def work_offline(opened: Callable[..., bmaddb.Database]) -> None:
    """A widget the server has, then an edit of it and one more widget that wait."""
    with opened("phone.db", Renamed.before) as device:
        with device.write() as tx:
            widget = tx.insert(Renamed.Widget, title="sent", old="x")
        assert device.sync().ok
        with device.write() as tx:
            tx.update(widget, title="queued edit", old="y")
        with device.write() as tx:
            tx.insert(Renamed.Widget, title="queued insert")


def labels(device: bmaddb.Database) -> list[tuple[str, int]]:
    rows = device.query(Renamed.Labelled).order_by(Renamed.Labelled.label).all()
    return [(row.label, row.extra) for row in rows]


LABELS = [("queued edit", 7), ("queued insert", 7)]


def test_queued_work_follows_a_column_to_its_new_name(widgets: Any) -> None:
    server, opened = widgets
    work_offline(opened)
    install_schema(server.database.conninfo, Renamed.after, Renamed.road)
    with opened("phone.db", Renamed.after, Renamed.road) as device:
        assert device.sync().ok
        assert labels(device) == LABELS
        assert device.outbox.counts().total == 0
    with opened("laptop.db", Renamed.after, Renamed.road) as other:
        assert other.sync().ok
        assert labels(other) == LABELS


def test_what_the_newer_server_refused_is_sent_again_after_the_upgrade(widgets: Any) -> None:
    server, opened = widgets
    work_offline(opened)
    install_schema(server.database.conninfo, Renamed.after, Renamed.road)
    with opened("phone.db", Renamed.before) as behind:
        behind.sync()
        reasons = [entry.reason for entry in behind.outbox.parked()]
        assert [reason and reason.code for reason in reasons] == ["unknown_column", "unknown_column"]
    with opened("phone.db", Renamed.after, Renamed.road) as caught_up:
        for entry in caught_up.outbox.parked():
            caught_up.outbox.retry(entry.id)
        assert caught_up.sync().ok
        assert labels(caught_up) == LABELS
        assert caught_up.outbox.counts().total == 0
    with opened("laptop.db", Renamed.after, Renamed.road) as other:
        assert other.sync().ok
        assert labels(other) == LABELS
