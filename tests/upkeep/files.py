"""A file that looks as after a sync, made without a server: rows with versions, a cursor, and some that wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import Packer
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.testing import ManualClock
from tests.support.server import USER
from tests.upkeep.acts import Image, moment
from tests.upkeep.shelf import MODULE, YEAR_MS, Event, Letter, Note, Reading, Room

CATALOG = catalog_with(MODULE, include_defaults=False)
TABLES = ("rooms", "letters", "notes", "events", "readings", "outbox_operations")


@contextmanager
def opened(path: Path, *, vfs: str | None = None, seed: int = 2) -> Iterator[tuple[Store, Outbox]]:
    """The file as a device has it."""
    store = Store(path, CATALOG, clock=ManualClock(), entropy=SeededEntropy(seed), user=USER, vfs=vfs)
    try:
        yield store, Outbox(store)
    finally:
        store.close()


def fill(path: Path, rows: int) -> None:
    """Old letters in a chain, events, readings; two notes and two letters that wait."""
    with opened(path, seed=1) as (store, _):
        then = moment(store.clock.now_ms() - 2 * YEAR_MS)
        old = {"created_at": then, "updated_at": then}
        with store.write() as tx:
            room = tx.insert(Room, title="old", **old)
            before: str | None = None
            for number in range(rows):
                letter = tx.insert(
                    Letter, room_id=room.id, answers_id=before, body=f"letter {number} " * 30, picture=b"\0\xff", **old
                )
                before = letter.id if number % 9 else None
            tx.insert_many(Event, [{"name": f"event {number}", **old} for number in range(rows)])
        with store.apply("local") as connection:  # as if all that had been pushed and settled
            for table in ("rooms", "letters", "events"):
                connection.execute(f"update {table} set server_seq = rowid")
            connection.execute("delete from outbox_operations")
            connection.execute(
                "insert into sync_cursors (id, stream, cursor, schema_version) values ('native', 'native', '9', ?)",
                (CATALOG.version,),
            )
        with store.write() as tx:
            tx.insert(Letter, room_id=room.id, body="unsent", **old)
            tx.execute("update letters set body = 'edited' where id = ?", (before or letter.id,))
        with store.write() as tx:
            tx.insert(Note, body="young")
            tx.insert_many(Reading, [{"id": str(number), "at": then} for number in range(rows)])


def look(path: Path) -> Image:
    """Every row of the shelf and of the outbox, by table and id."""
    with opened(path) as (store, _), store.read() as connection:
        return {f"{table} {row[0]}": row for table in TABLES for row in connection.execute(f'select * from "{table}"')}


def held(path: Path, before: Image) -> None:
    """Assert that of what the file held nothing is lost: it stands, or is archived, and what is packed is it."""
    with opened(path) as (store, _), store.read() as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        packer = Packer(connection)
        for key, row in before.items():
            table, row_id = key.split(" ")
            standing = connection.execute(f'select * from "{table}" where id = ?', (row_id,)).fetchall()
            if standing:
                assert standing == [row]
                assert table == "readings" or not stubs.among(connection, table, [row_id])
                continue
            if table == "readings":
                continue
            assert table in ("letters", "rooms", "events"), key
            assert stubs.among(connection, table, [row_id]) == {row_id}
            for body in stubs.bodies(connection, table, [row_id]):
                values: Any = packer.unpack(body.body)
                assert tuple(values.values()) == row
