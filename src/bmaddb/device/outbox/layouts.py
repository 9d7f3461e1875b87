"""Layouts: which columns a changeset's values belong to, since it names none.

A changeset is positional. The order of columns a file had when an entry was made is therefore kept by name in
the file's meta, and the entry points to it: an entry survives an upgrade that adds, drops, moves or renames columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeAlias

import apsw

from bmaddb import statements
from bmaddb.device.outbox.upgrade import Upgrade
from bmaddb.device.store import Store
from bmaddb.schema.rules import Scope

Layout: TypeAlias = Mapping[str, tuple[str, ...]]
_SQL = statements.load("bmaddb.device.outbox", "sql/layouts.sql")
_ID_LENGTH = 16
_META_PREFIX = "layout:"


class Layouts:
    """The layouts of one file: the one it has now, and those of entries made before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.upgrade = Upgrade(store.catalog, store.migrations)
        with store.read() as connection:
            now = _layout_of(connection, store)
        text = json.dumps(now, sort_keys=True, separators=(",", ":"))
        self.current = hashlib.sha256(text.encode()).hexdigest()[:_ID_LENGTH]
        self._known: dict[str, Layout] = {self.current: now}
        if store.meta_get(_META_PREFIX + self.current) is None:
            store.meta_set(_META_PREFIX + self.current, text)

    def find(self, layout_id: str) -> Layout | None:
        """The layout an entry points to; None when the file has lost it."""
        if layout_id not in self._known:
            text = self._store.meta_get(_META_PREFIX + layout_id)
            if text is None:
                return None
            self._known[layout_id] = {name: tuple(columns) for name, columns in json.loads(text).items()}
        return self._known[layout_id]


def _layout_of(connection: apsw.Connection, store: Store) -> Layout:
    return {
        table.name: tuple(str(row[0]) for row in connection.execute(_SQL["columns"], (table.name,)))
        for table in store.catalog.device_tables
        if table.scope is Scope.USER
    }
