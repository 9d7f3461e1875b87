"""Is a source as it was when it was last imported? Then a row that differs changed here, whatever a file's time says.

Noted in the device's file, by table and id, in the transaction of the row.
"""

from __future__ import annotations

from typing import Final

from bmaddb.device.store import Store
from bmaddb.device.transfer.lines import Name, Row

_KEY: Final = "source:"


def is_unchanged(store: Store, name: Name, row: Row) -> bool:
    """Does the row come from the very bytes it came from last?"""
    return row.source_hash is not None and store.meta_get(_key(name)) == row.source_hash


def note(store: Store, name: Name, row: Row) -> None:
    """The row is as its source says."""
    if row.source_hash is not None and not is_unchanged(store, name, row):
        store.meta_set(_key(name), row.source_hash)


def _key(name: Name) -> str:
    return _KEY + "/".join(name)
