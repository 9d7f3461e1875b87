"""An application's own tables through a schema upgrade of both wings, with work waiting on both devices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bmaddb
from bmaddb.modules.registry import catalog_with
from bmaddb.schema import Catalog, Module, Record, UserRecord, integer, text
from bmaddb.schema.evolution import AddColumn, CreateTable, Migration
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
