"""Row by row notes of a transaction: each touched row as it was before, and at the end as it is.

A row that is touched is noted once, as it was before, and one that is inserted by its place alone; at the end each is
read again, so nothing that was undone in between can show. A row is not read again when who inserted it has said what
it holds: as long as nothing touched it since, and no savepoint was undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from bmaddb.device.query import compiler_writes
from bmaddb.device.store.changeset import Change, Row
from bmaddb.device.store.layouts import Layouts


class Notes:
    """Notes of the rows that SQLite says are about to change on `connection`."""

    __slots__ = ("_connection", "_found", "_inserted", "_latest", "_layouts", "before", "made")

    def __init__(self, connection: apsw.Connection, layouts: Layouts) -> None:
        self.before: dict[tuple[str, str], Row | None] = {}
        """(table, id) -> the row at the start, None where there was none."""
        self._connection = connection
        self._layouts = layouts
        self.made: dict[str, dict[str, bytes]] = {}
        """Table -> id -> what a changeset says of a row that a bulk inserted, and nothing has touched since."""
        self._inserted: dict[tuple[str, int], Row | None] = {}
        """(table, rowid) of rows whose id nobody has asked for yet -> what they hold, if that is known."""
        self._latest: tuple[str, int] | None = None
        """The row that was touched last, if it was inserted."""
        self._found: dict[str, list[Change]] | None = None

    def note(self, table: str, update: apsw.PreUpdate) -> None:
        """A row of `table`, which has a layout, is about to change."""
        self._found = None
        if update.opcode == apsw.SQLITE_INSERT:
            self._latest = place = (table, update.rowid_new)
            self._inserted[place] = None
        else:
            self._latest = None
            old, place = _row(update.old), (table, update.rowid)
            row_id = old[self._layouts.of(table).key]
            made_here = place in self._inserted
            if made_here:
                self._inserted[place] = None
            if self.made and self.made.get(table, {}).pop(row_id, None) is not None:
                made_here = True
            self.before.setdefault((table, row_id), None if made_here else old)

    def inserted(self, table: str, row: Row, *, seen: bool) -> None:
        """A statement has inserted this row, in the order of the file, and nothing else; `seen`: `note` was told."""
        place = (table, self._connection.last_insert_rowid())
        if not seen:
            self._found = None
            self._inserted[place] = row
        elif self._latest == place:
            self._inserted[place] = row
            self._latest = None  # a statement that a trigger ignores would be taken for this one again

    def may_have_inserted(self, table: str) -> None:
        """The newest row may be of a statement that was interrupted."""
        self._found = None
        self._inserted[table, self._connection.last_insert_rowid()] = None

    def bulk(self, table: str, rows: Sequence[Row]) -> None:
        """These rows were inserted, unnoticed, in the order of the file."""
        key = self._layouts.of(table).key
        ids = [row[key] for row in rows]
        made = self.made.setdefault(table, {})
        made.update(zip(ids, self._layouts.inserts(table, rows), strict=True))
        if self.before:  # one that was deleted before is an update
            for row_id in ids:
                if (table, row_id) in self.before:
                    del made[row_id]
                    self._found = None

    def undone(self) -> None:
        """Something was undone: what was inserted may not be there."""
        self._latest = self._found = None
        self._inserted = dict.fromkeys(self._inserted)
        self.name_made()

    def name_made(self) -> None:
        """Note the rows of a bulk one by one; they are read at the end."""
        for table, ids in self.made.items():
            self.before.update(dict.fromkeys([(table, row_id) for row_id in ids]))
        self.made.clear()

    def alone(self) -> tuple[str, Row] | None:
        """The table and the row, when all that is noted is one insert whose row is known: the usual write."""
        if len(self._inserted) != 1 or self.before or self.made:
            return None
        [((table, _), row)] = self._inserted.items()
        return None if row is None else (table, row)

    def named(self) -> Mapping[tuple[str, str], Row | None]:
        """(table, id) of every noted row but those a bulk made -> the row at the start, None where there was none."""
        if self._inserted:
            self.changes()
        return self.before

    def changes(self) -> dict[str, list[Change]]:
        """Table -> its noted rows before and now, in the order of the file; kept until the next note."""
        if self._found is None:
            self._found = self._compared()
        return self._found

    def name_inserted(self) -> dict[tuple[str, str], Row | None]:
        """Note the rows that were inserted and still stand by their ids; the answer is how they are now."""
        found: dict[tuple[str, str], Row | None] = {}
        for (table, place), row in self._inserted.items():
            if row is None:
                row = self._connection.execute(compiler_writes.select_at(table), (place,)).fetchone()
            if row is not None:
                name = (table, row[self._layouts.of(table).key])
                if name[1] in self.made.get(table, ()):
                    continue  # a row of a bulk stands where one was that is gone
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
