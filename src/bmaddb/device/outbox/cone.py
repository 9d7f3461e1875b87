"""The cone of a parked entry: everything behind it that cannot be right without it.

An entry depends on a parked one that was committed before it when it
  touches the same row,
  refers by foreign key to a row that one inserted,
  deletes a row from which that one took a child away (moved it or deleted it: gone too early, the parent
  would take the child along, or be refused for it),
  or names it in `depends_on`.
What depends on a dependent entry belongs to the cone too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TypeVar

from bmaddb.device.outbox.entries import Entry
from bmaddb.protocol.changes import Op, RowKey, parents
from bmaddb.schema.catalog import Catalog

K = TypeVar("K", bound=Hashable)
_Holder = tuple[int, str]


class Cone:
    """Knows, for each row, the oldest parked entry that holds it; entries may be added in any order."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._touched: dict[RowKey, _Holder] = {}
        self._inserted: dict[RowKey, _Holder] = {}
        self._left: dict[RowKey, _Holder] = {}
        self._ids: dict[str, _Holder] = {}

    def add(self, entry: Entry) -> None:
        """From now on what depends on `entry` is in the cone."""
        holder = (entry.position, entry.id)
        self._ids[entry.id] = holder
        for key, change in entry.changes.items():
            _keep_oldest(self._touched, key, holder)
            if change.op is Op.INSERT:
                _keep_oldest(self._inserted, key, holder)
                continue
            table = self._catalog.tables.get(change.table)
            for parent in () if table is None else parents(table, change.old):
                _keep_oldest(self._left, parent, holder)

    def holder(self, entry: Entry) -> str | None:
        """The id of an entry in the cone on which `entry` depends; None when it is free."""
        if not self._ids:
            return None
        holders = (holder for holder in self._holders(entry) if holder is not None and holder[0] < entry.position)
        return next((entry_id for _, entry_id in holders), None)

    def _holders(self, entry: Entry) -> Iterator[_Holder | None]:
        for key, change in entry.changes.items():
            yield self._touched.get(key)
            if change.op is Op.DELETE:
                yield self._left.get(key)
                continue
            table = self._catalog.tables.get(change.table)
            for parent in () if table is None else parents(table, change.new):
                yield self._inserted.get(parent)
        for entry_id in entry.depends_on:
            yield self._ids.get(entry_id)


def _keep_oldest(holders: dict[K, _Holder], key: K, holder: _Holder) -> None:
    known = holders.get(key)
    if known is None or holder < known:
        holders[key] = holder
