"""The cone of a parked entry: everything behind it that cannot be right without it.

An entry depends on a parked one when it touches the same row, refers by foreign key to a row that one
inserted, or names it in `depends_on`. What depends on a dependent entry belongs to the cone too.
"""

from __future__ import annotations

from bmaddb.device.outbox.entries import Entry
from bmaddb.protocol.changes import Op, RowKey, parents
from bmaddb.schema.catalog import Catalog


class Cone:
    """Grows as entries are seen, oldest first."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._holders: dict[RowKey, str] = {}
        self._inserted: dict[RowKey, str] = {}
        self._ids: set[str] = set()

    def add(self, entry: Entry) -> None:
        """From now on what depends on `entry` is in the cone."""
        self._ids.add(entry.id)
        for key, change in entry.changes.items():
            self._holders.setdefault(key, entry.id)
            if change.op is Op.INSERT:
                self._inserted.setdefault(key, entry.id)

    def holder(self, entry: Entry) -> str | None:
        """The id of an entry in the cone on which `entry` depends; None when it is free."""
        if not self._ids:
            return None
        for key in entry.changes:
            if key in self._holders:
                return self._holders[key]
        return self.parent_holder(entry) or next((id_ for id_ in entry.depends_on if id_ in self._ids), None)

    def parent_holder(self, entry: Entry) -> str | None:
        """The id of an entry in the cone that inserted a row to which `entry` refers."""
        for change in entry.changes.values():
            table = self._catalog.tables.get(change.table)
            if table is None:
                continue
            for key in parents(table, change.new):
                if key in self._inserted:
                    return self._inserted[key]
        return None
