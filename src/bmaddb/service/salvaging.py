"""After damage: a new file in the place of the old, with what was not sent yet; the rest comes from the server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.clock import Clock, SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.store.cipher import FileKey, Secret, key_of_file, read_head
from bmaddb.device.store.connection import checked_path, open_writer
from bmaddb.device.store.copies import part_of_copy
from bmaddb.device.store.salvage import OUTBOX, PART, copy_readable, end_exchange, exchange, was_cut
from bmaddb.device.sync.giveback import GiveBack
from bmaddb.device.sync.identity import become_another_device
from bmaddb.device.sync.os_lock import lock_file, locked
from bmaddb.device.sync.pages import Pages
from bmaddb.entropy import Entropy, SystemEntropy
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Scope
from bmaddb.schema.records import writable
from bmaddb.service.keys import secret_of

if TYPE_CHECKING:
    from bmaddb.schema.evolution import Migration

_SQL: Final = statements.load("bmaddb.service", "salvaging.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """Where the damaged file is now, and what was found in it.

    `unread` names the tables of which a part is gone; the server may still have it. `undeclared` names those of which
    the catalog says nothing: their rows are in the damaged file alone.
    """

    aside: Path
    rows: int = 0
    entries: int = 0
    unread: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()


def salvage(
    path: str | os.PathLike[str],
    *,
    catalog: Catalog | None = None,
    user: str | UUID | None = None,
    key: bytes | None = None,
    passphrase: str | None = None,
    migrations: Sequence[Migration] = (),
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> Salvaged:
    """Make a new file of the damaged one at `path`, with every row and entry that can be read, and set that aside.

    The next sync reads everything of the server again and sends what waits. Nothing may have the file open.
    Rows that only the damaged part held and the server never saw are gone; `Salvaged.unread` says where to doubt.
    `key`, `passphrase`: what the damaged file was encrypted with, and the new one will be; WrongKey when it was not.
    `migrations`: as `bmaddb.open` takes them; entries of before an upgrade, which still wait in it, are read with them.
    Of a backup it makes a device of its own, as `restore` does.

    The damaged file keeps its place until the new one is whole; what is cut before has changed nothing, and what is
    cut after is ended by the next call. Raises StoreBusy while another process salvages it, or syncs it just now;
    StoreError when there is no such file, when it is another program's or no database at all, or when a new one
    cannot be made; MigrationError when the file is of another schema version.
    """
    place, tables = checked_path(path), catalog or default_catalog()
    doors = _Doors(clock or SystemClock(), entropy or SystemEntropy(), secret_of(key, passphrase), tuple(migrations))
    if not was_cut(place) and not os.path.isfile(place):
        raise e.StoreError(f"there is no file {place}", hint="check the path")
    with locked(lock_file(place)):
        return _ended(place, tables, doors) if was_cut(place) else _salvaged(place, tables, user, doors)


def _salvaged(place: str, tables: Catalog, user: str | UUID | None, doors: _Doors) -> Salvaged:
    old = _key_of(place, doors.key)
    with part_of_copy(place + PART, like=place) as part:
        new = _made(part, tables, doors)
        found = copy_readable(place, part, tables, old, new)
        if found.of_backup:
            _rename_device(part, new, doors.entropy)
        with doors.open(part, tables, user) as store:
            outbox = Outbox(store)
            Pages(store, outbox).begin_resync()
            _queue_orphans(store, outbox)
        aside = exchange(place, part)
    return Salvaged(
        aside=aside, rows=found.rows, entries=found.entries, unread=found.unread, undeclared=found.undeclared
    )


@dataclass(frozen=True, slots=True)
class _Doors:
    """How the new file is opened."""

    clock: Clock
    entropy: Entropy
    key: Secret | None
    migrations: tuple[Migration, ...]

    def open(self, path: str, catalog: Catalog, user: str | UUID | None = None) -> Store:
        """The store at `path`."""
        return Store(
            path,
            catalog,
            clock=self.clock,
            entropy=self.entropy,
            key=self.key,
            user=user,
            migrations=self.migrations,
        )


def _made(part: str, catalog: Catalog, doors: _Doors) -> FileKey | None:
    """A new file in the place of the empty one; what it is encrypted with."""
    with doors.open(part, catalog) as fresh:
        return fresh.key


def _rename_device(part: str, key: FileKey | None, entropy: Entropy) -> None:
    connection = open_writer(part, "full", key)
    try:
        become_another_device(connection, entropy)
    finally:
        connection.close(True)


def _ended(place: str, catalog: Catalog, doors: _Doors) -> Salvaged:
    """The new file was whole when the last call was cut: it only takes its place."""
    aside = end_exchange(place)
    with doors.open(place, catalog) as store, store.read() as connection:
        counts = {table.name: _count(connection, table.name) for table in catalog.device_tables}
    return Salvaged(aside=aside, rows=sum(counts.values()), entries=counts.get(OUTBOX, 0))


def _count(connection: apsw.Connection, table: str) -> int:
    [(count,)] = connection.execute(_SQL["count"].format(table=table))
    return int(count)


def _key_of(path: str, secret: Secret | None) -> FileKey | None:
    """What the damaged file opens with; None as well when its first bytes are gone, and with them everything."""
    try:
        return key_of_file(read_head(path, None), secret)
    except e.StoreCorrupt:
        return None


def _queue_orphans(store: Store, outbox: Outbox) -> None:
    """Rows the server never saw and whose entry is gone get a new one; a few hundred each, parents first."""
    entered = {key for entry in outbox.entries() for key in entry.changes}
    orphans: dict[str, list[str]] = {}
    with store.read() as connection:
        for table in store.catalog.synced_tables:
            if table.scope is Scope.USER and writable(table):
                for (row_id,) in connection.execute(_SQL["unsent"].format(table=table.name)):
                    if (table.name, str(row_id)) not in entered:
                        orphans.setdefault(table.name, []).append(str(row_id))
    if orphans:
        GiveBack(store, outbox).rows(orphans)
