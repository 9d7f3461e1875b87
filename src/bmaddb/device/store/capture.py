"""Change capture: what one transaction changes in the synced tables, whoever changed it, as one changeset.

Two ways, one result. A row that is touched is noted once, as it was before, and one that is inserted by its place
alone; at the end each is read again, and the difference is the change: so nothing that was undone in between can
show. That costs least for few rows. For a bulk, SQLite's session extension does the same in C, but begins at some
hundred microseconds.

Rules of this room: SQLite has one preupdate hook, and a session made beside ours would break the process; so
ours is there only while a captured transaction is open, and goes before a session comes. An id never changes:
both doors refuse it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import apsw

from bmaddb import statements
from bmaddb.device.query import compiler_writes
from bmaddb.device.store.changeset import Change, Row, table_changes, table_head
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope

_HOOK: Final = "bmaddb.capture"
_META: Final = statements.load("bmaddb.device.store", "sql/meta.sql")


class Layout(NamedTuple):
    """How one table begins in a changeset, and at which place of a row its id stands."""

    head: bytes
    key: int


class Layouts:
    """The tables of a file: which are recorded, and how their columns stand in it."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog) -> None:
        self.recorded = {table.name: table.scope is Scope.USER for table in catalog.device_tables}
        """Table -> does it travel? Tables that are not here are the store's own."""
        self._connection = connection
        self._known: dict[str, Layout] = {}

    def look(self) -> None:
        """Read the file's layouts, once, before the first capture: the hook itself may not ask the file."""
        if not self._known:
            self._known = {
                table: Layout(table_head(table, count, place), place)
                for table, count, place in self._connection.execute(_META["layouts"])
            }

    def of(self, table: str) -> Layout:
        """The layout of the table in the file."""
        return self._known[table]


class Capture:
    """The changes on `connection` from now on until `close`."""

    __slots__ = ("_before", "_connection", "_inserted", "_layouts", "_session", "touched")

    def __init__(self, connection: apsw.Connection, layouts: Layouts) -> None:
        self.touched: set[str] = set()
        self._connection = connection
        self._layouts = layouts
        self._before: dict[tuple[str, str], Row | None] = {}
        """(table, id) -> the row at the start, None where there was none."""
        self._inserted: set[tuple[str, int]] = set()
        """(table, rowid) of rows whose id nobody has asked for yet: making Python values of a row is what costs."""
        self._session: apsw.Session | None = None
        layouts.look()
        connection.preupdate_hook(self._note, id=_HOOK)

    def expect_many(self) -> None:
        """Many rows come now: from here on the session extension takes notice."""
        if self._session is None:
            self._name_inserted()
            self._connection.preupdate_hook(None, id=_HOOK)
            self._session = apsw.Session(self._connection, "main")
            self._session.table_filter(self._joins)
            self._session.attach()

    def changeset(self) -> bytes:
        """The net change so far; empty when every recorded row is as it was at the start."""
        noted = self._noted_changes()
        if self._session is None:
            return noted
        bulk = self._session.changeset()
        if not bulk or not self._before:
            return bulk or noted
        return self._together(noted, bulk)

    @property
    def recorded(self) -> frozenset[str]:
        """The synced tables that were touched."""
        recorded = self._layouts.recorded
        return frozenset(table for table in self.touched if recorded[table])

    def close(self) -> None:
        if self._session is None:
            self._connection.preupdate_hook(None, id=_HOOK)
        else:
            self._session.close()

    def _note(self, update: apsw.PreUpdate) -> None:
        table = update.table_name
        if not self._joins(table):
            return
        if update.opcode == apsw.SQLITE_INSERT:
            self._inserted.add((table, update.rowid_new))
        else:
            old = _row(update.old)
            made_here = (table, update.rowid) in self._inserted
            self._before.setdefault((table, old[self._layouts.of(table).key]), None if made_here else old)

    def _joins(self, table: str) -> bool:
        """Take notice of the table; the answer is whether its changes travel."""
        recorded = self._layouts.recorded.get(table)
        if recorded is not None:
            self.touched.add(table)
        return bool(recorded)

    def _noted_changes(self) -> bytes:
        now: dict[tuple[str, str], Row | None] = self._name_inserted()
        changes: dict[str, list[Change]] = {}
        for name, old in self._before.items():
            table, row_id = name
            if name in now:
                found = now[name]
            else:
                found = self._connection.execute(compiler_writes.select_whole(table), (row_id,)).fetchone()
            changes.setdefault(table, []).append(Change(old, found))
        return b"".join([table_changes(*self._layouts.of(table), rows) for table, rows in changes.items()])

    def _name_inserted(self) -> dict[tuple[str, str], Row | None]:
        """Note the rows that were inserted and still stand by their ids; the answer is how they are now."""
        found: dict[tuple[str, str], Row | None] = {}
        for table, place in self._inserted:
            row = self._connection.execute(compiler_writes.select_at(table), (place,)).fetchone()
            if row is not None:
                name = (table, row[self._layouts.of(table).key])
                found[name] = row
                self._before.setdefault(name, None)
        self._inserted.clear()
        return found

    def _together(self, noted: bytes, bulk: bytes) -> bytes:
        """What was noted before the bulk began knows best how its rows were at the start."""
        builder = apsw.ChangesetBuilder()  # type: ignore[no-untyped-call]
        if noted:
            builder.add(noted)
        for change in apsw.Changeset.iter(bulk):
            key = self._layouts.of(change.name).key
            row: Any = change.new if change.opcode == apsw.SQLITE_INSERT else change.old
            if (change.name, row[key]) not in self._before:
                builder.add_change(change)
        return builder.output()


def _row(values: Any) -> Row:
    return tuple(values)
