"""After damage: a new file in the place of the old, with what was not sent yet; the rest comes from the server."""

from __future__ import annotations

import os
from typing import Final

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.clock import Clock, SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.store.cipher import FileKey, Secret, key_of_file, read_head
from bmaddb.device.store.connection import checked_path
from bmaddb.device.store.salvage import Salvaged, copy_readable, set_aside
from bmaddb.device.sync.giveback import GiveBack
from bmaddb.device.sync.pages import Pages
from bmaddb.entropy import Entropy, SystemEntropy
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Scope
from bmaddb.schema.records import writable
from bmaddb.service.keys import secret_of

_SQL: Final = statements.load("bmaddb.service", "salvaging.sql")


def salvage(
    path: str | os.PathLike[str],
    *,
    catalog: Catalog | None = None,
    user: str | None = None,
    key: bytes | None = None,
    passphrase: str | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
) -> Salvaged:
    """Set the damaged file at `path` aside and make a new one there, with every row and entry that can be read.

    The next sync reads everything of the server again and sends what waits. Nothing may have the file open.
    Rows that only the damaged part held and the server never saw are gone; `Salvaged.unread` says where to doubt.
    `key`, `passphrase`: what the damaged file was encrypted with, and the new one will be; WrongKey when it was not.
    Raises StoreError when the file cannot be set aside or a new one cannot be made.
    """
    place, tables = checked_path(path), catalog or default_catalog()
    secret = secret_of(key, passphrase)
    old = _key_of(place, secret)  # a wrong key sets nothing aside
    doors = {"clock": clock or SystemClock(), "entropy": entropy or SystemEntropy(), "key": secret}
    aside = set_aside(place)
    with Store(place, tables, **doors) as fresh:  # type: ignore[arg-type]
        new = fresh.key
    found = copy_readable(aside, place, tables, old, new)
    with Store(place, tables, user=user, **doors) as store:  # type: ignore[arg-type]
        outbox = Outbox(store)
        Pages(store, outbox).begin_resync()
        _queue_orphans(store, outbox)
    return found


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
