"""Entries outlive upgrades of their file: they are read in the names of today (S17)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bmaddb import errors as e
from bmaddb.device.outbox import Entry
from bmaddb.device.outbox.entries import ParkReason
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.changes import Op
from bmaddb.protocol.steps import Settlement
from bmaddb.schema import Catalog, Module, Record, UserRecord, blob, integer, text, timestamp
from bmaddb.schema.evolution import AddColumn, CreateTable, DropColumn, DropTable, Migration, RenameColumn, RenameTable
from tests.outbox.conftest import Bench

DAY = datetime(2026, 3, 1, tzinfo=UTC)
DAY_MS = int(DAY.timestamp() * 1000)
MANY = 1_000_000


def catalog_of(version: int, *records: type[Record]) -> Catalog:
    module = Module(name="shelf", purpose="tests", records=records)
    return catalog_with(module, include_defaults=False, version=version)


class First:
    """Version 14."""

    class Book(UserRecord, table="books"):
        """A book."""

        title = text()
        seen_at = timestamp(null=True)
        cover = blob(null=True)
        old = text(null=True)

    class Scrap(UserRecord, table="scraps"):
        """What will be dropped."""

        line = text()

    catalog = catalog_of(14, Book, Scrap)


class Second:
    """Version 15: `old` is another thing now, and other things have other names."""

    class Volume(UserRecord, table="volumes"):
        """A book."""

        label = text()
        read_at = timestamp(null=True)
        front = blob(null=True)
        old = integer(default=7)

    catalog = catalog_of(15, Volume)


class Third:
    """Version 16: `label` and `old` have changed places in name; there is a new table under an old name."""

    class Volume(UserRecord, table="volumes"):
        """A book."""

        old = text()
        read_at = timestamp(null=True)
        front = blob(null=True)
        label = integer(default=7)

    class Book(UserRecord, table="books"):
        """Something else."""

        line = text(null=True)

    catalog = catalog_of(16, Volume, Book)


TO_SECOND = Migration(
    15,
    (
        DropTable("scraps"),
        RenameTable("books", "volumes"),
        RenameColumn("volumes", "title", "label"),
        RenameColumn("volumes", "seen_at", "read_at"),
        RenameColumn("volumes", "cover", "front"),
        DropColumn("volumes", "old"),
        AddColumn("volumes", "old", Second.Volume.old),
    ),
)
TO_THIRD = Migration(
    16,
    (
        RenameColumn("volumes", "label", "away"),
        RenameColumn("volumes", "old", "label"),
        RenameColumn("volumes", "away", "old"),
        CreateTable(Third.Book),
    ),
)
ROAD = (TO_SECOND, TO_THIRD)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "shelf.db")
    bench.path = tmp_path / "first.db"
    bench.open(First.catalog)
    yield bench
    bench.close()


def write_first(bench: Bench) -> str:
    """A book, an edit of it, an edit of what will be dropped alone, and a scrap; the book's id."""
    with bench.store.write() as tx:
        book = tx.insert(First.Book, title="a", seen_at=DAY, cover=b"\x00\x01", old="x")
    with bench.store.write() as tx:
        tx.update(book, title="b")
    with bench.store.write() as tx:
        tx.execute("update books set old = 'y' where id = ?", (book.id,))
    with bench.store.write() as tx:
        tx.insert(First.Scrap, line="gone tomorrow")
    return book.id


def values(entry: Entry, op: Op) -> list[dict[str, Any]]:
    """What the entry sets, without the envelope."""
    envelope = {"id", "user_id", "created_at", "updated_at", "server_seq"}
    listed = [change for change in entry.changes.values() if change.op is op]
    return [{name: value for name, value in change.new.items() if name not in envelope} for change in listed]


def rewrite_all(bench: Bench) -> None:
    """Save every entry in its edited form, as a rebase does."""
    with bench.outbox.edit() as (_, waiting):
        for entry in waiting:
            for key, change in list(entry.changes.items()):
                waiting.rewrite(entry.position, key, change)


def test_an_entry_is_read_in_the_names_of_today(shelf: Bench) -> None:
    book_id = write_first(shelf)
    shelf.open(Second.catalog, migrations=ROAD)
    insert, edit, lost, dropped = shelf.outbox.entries()
    assert insert.changes.keys() == {("volumes", book_id)}
    assert values(insert, Op.INSERT) == [{"label": "a", "read_at": DAY_MS, "front": "AAE="}]
    change = edit.changes["volumes", book_id]
    assert (change.old["label"], change.new["label"]) == ("a", "b")
    assert lost.changes == dropped.changes == {}, "there is nothing left of what they changed"


def test_what_is_left_of_it_leaves(shelf: Bench) -> None:
    write_first(shelf)
    shelf.open(Second.catalog, migrations=ROAD)
    assert shelf.outbox.lease(10, MANY) == (1,), "two entries of one book leave as one"
    [sent] = (json.loads(body) for body in shelf.outbox.batch())
    assert sent["schema_version"] == 15, "the version whose names it uses"
    insert = sent["changes"][0]["insert"]
    assert insert["rows"][0][insert["columns"].index("label")] == "b"
    assert shelf.outbox.counts().total == 2


@pytest.mark.parametrize("edited_under", [(), (14,), (15,), (14, 15)])
def test_names_that_change_places_do_so_once(shelf: Bench, edited_under: tuple[int, ...]) -> None:
    book_id = write_first(shelf)
    if 14 in edited_under:
        rewrite_all(shelf)
    shelf.open(Second.catalog, migrations=ROAD)
    if 15 in edited_under:
        rewrite_all(shelf)
    with shelf.store.write() as tx:
        tx.update(Second.Volume, book_id, label="c", old=8)
    shelf.open(Third.catalog, migrations=ROAD)
    entries = [entry for entry in shelf.outbox.entries() if entry.changes]
    assert [entry.changes.keys() for entry in entries] == [{("volumes", book_id)}] * 3
    assert values(entries[0], Op.INSERT) == [{"old": "a", "read_at": DAY_MS, "front": "AAE="}]
    assert values(entries[1], Op.UPDATE) == [{"old": "b"}]
    assert values(entries[2], Op.UPDATE) == [{"old": "c", "label": 8}]


def test_a_delete_keeps_the_whole_row_under_the_new_names(shelf: Bench) -> None:
    with shelf.store.write() as tx:
        book = tx.insert(First.Book, title="a", seen_at=DAY)
    with shelf.store.write() as tx:
        tx.delete(book)
    shelf.open(Third.catalog, migrations=ROAD)
    change = shelf.outbox.entries()[1].changes["volumes", book.id]
    assert change.op is Op.DELETE
    assert (change.old["old"], change.old["read_at"]) == ("a", DAY_MS)
    assert "label" not in change.old


def test_a_delete_that_is_given_up_fills_columns_that_came_since_with_their_default(shelf: Bench) -> None:
    with shelf.store.write() as tx:
        book = tx.insert(First.Book, title="a")
    with shelf.store.write() as tx:
        tx.delete(book)
    shelf.open(Third.catalog, migrations=ROAD)
    delete = shelf.outbox.entries()[1]
    with shelf.outbox.edit() as (connection, waiting):
        shelf.outbox.park(connection, waiting, delete, ParkReason(code="42501", message="refused"))
    shelf.outbox.discard(delete.id)
    back = shelf.store.get(Third.Volume, book.id)
    assert back is not None
    assert (back.old, back.label) == ("a", 7)


def test_without_the_road_nothing_is_guessed(shelf: Bench) -> None:
    write_first(shelf)
    shelf.open(Second.catalog, migrations=ROAD)
    shelf.open(Second.catalog)
    with pytest.raises(e.MigrationError, match="14"):
        shelf.outbox.lease(10, MANY)
    shelf.open(Second.catalog, migrations=ROAD)
    assert shelf.outbox.lease(10, MANY) == (1,)


def test_positions_that_start_anew_hide_nothing(shelf: Bench) -> None:
    with shelf.store.write() as tx:
        tx.insert(First.Book, title="a")
    shelf.open(First.catalog)
    assert shelf.outbox.lease(10, MANY) == (1,)
    with shelf.outbox.edit() as (connection, waiting):
        shelf.outbox.settle(connection, waiting, [Settlement(number=1, version=100)])
        shelf.outbox.know_number(connection, 1)
    with shelf.store.write() as tx:  # the first entry since the file was opened, in an outbox that is empty by now
        tx.insert(First.Book, title="b")
    assert shelf.outbox.lease(10, MANY) == (2,)
