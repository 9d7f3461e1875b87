"""Row by row notes of a transaction: each touched row as it was before, and at the end as it is.

A row that is touched is noted once, as it was before, and one that is inserted by its place alone; at the end each is
read again, so nothing that was undone in between can show.
"""

from __future__ import annotations

from typing import Any

import apsw

from bmaddb.device.query import compiler_writes
from bmaddb.device.store.changeset import Change, Row
from bmaddb.device.store.layouts import Layouts


class Notes:
    """Notes of the rows that SQLite says are about to change on `connection`."""

    __slots__ = ("_connection", "_found", "_inserted", "_layouts", "before")

    def __init__(self, connection: apsw.Connection, layouts: Layouts) -> None:
        self.before: dict[tuple[str, str], Row | None] = {}
        """(table, id) -> the row at the start, None where there was none."""
        self._connection = connection
        self._layouts = layouts
        self._inserted: set[tuple[str, int]] = set()
        """(table, rowid) of rows whose id nobody has asked for yet: making Python values of a row is what costs."""
        self._found: dict[str, list[Change]] | None = None

    def note(self, update: apsw.PreUpdate) -> None:
        """A row of a table with a layout is about to change."""
        self._found = None
        table = update.table_name
        if update.opcode == apsw.SQLITE_INSERT:
            self._inserted.add((table, update.rowid_new))
        else:
            old = _row(update.old)
            made_here = (table, update.rowid) in self._inserted
            self.before.setdefault((table, old[self._layouts.of(table).key]), None if made_here else old)

    def changes(self) -> dict[str, list[Change]]:
        """Table -> its noted rows before and now, in the order of the file; kept until the next note."""
        if self._found is None:
            self._found = self._compared()
        return self._found

    def name_inserted(self) -> dict[tuple[str, str], Row | None]:
        """Note the rows that were inserted and still stand by their ids; the answer is how they are now."""
        found: dict[tuple[str, str], Row | None] = {}
        for table, place in self._inserted:
            row = self._connection.execute(compiler_writes.select_at(table), (place,)).fetchone()
            if row is not None:
                name = (table, row[self._layouts.of(table).key])
                found[name] = row
                self.before.setdefault(name, None)
        self._inserted.clear()
        return found

    def _compared(self) -> dict[str, list[Change]]:
        now = self.name_inserted()
        changes: dict[str, list[Change]] = {}
        for name, old in self.before.items():
            table, row_id = name
            if name in now:
                found = now[name]
            else:
                found = self._connection.execute(compiler_writes.select_whole(table), (row_id,)).fetchone()
            changes.setdefault(table, []).append(Change(old, found))
        return changes


def _row(values: Any) -> Row:
    return tuple(values)
