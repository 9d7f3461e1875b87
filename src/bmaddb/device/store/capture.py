"""Change capture: what one transaction changes in the synced tables, whoever changed it, as one changeset.

Three ways, one result. A row that is touched is noted once, as it was before, and one that is inserted by its place
alone; at the end each is read again, and the difference is the change: so nothing that was undone in between can
show. What the typed doors insert is known, and nobody looks while they do; it is read again only when something
touched it since, or a savepoint was undone. For many changes of other kinds, SQLite's session extension does the
same in C, but begins at some hundred microseconds.

Rules of this room: who writes in another way than the typed inserts asks to `watch` first. SQLite has one preupdate
hook, and a session made beside ours would break the process; so ours is there only while a captured transaction is
open, and goes before a session comes. An id never changes: both doors refuse it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb.device.store.changeset import Change, Row
from bmaddb.device.store.feed import Told
from bmaddb.device.store.layouts import Layouts
from bmaddb.device.store.notes import Notes

_HOOK: Final = "bmaddb.capture"


class Capture:
    """The changes on `connection` from now on until `close`; of tables that do not travel, those `followed`."""

    __slots__ = (
        "_bulk",
        "_followed",
        "_layouts",
        "_missed",
        "_noted",
        "_others",
        "_session",
        "_watching",
        "connection",
        "over",
        "touched",
    )

    def __init__(self, connection: apsw.Connection, layouts: Layouts, followed: frozenset[str]) -> None:
        self.touched: set[str] = set()
        self.connection = connection
        self._layouts = layouts
        self._followed = followed
        self._noted = Notes(connection, layouts)
        self._others: Notes | None = None
        self._session: apsw.Session | None = None
        self._bulk: set[str] = set()
        """Tables of which it is known only that rows of them changed: by a bulk, the session, or a hook."""
        self._watching = self._missed = False
        self.over = False
        """Has the transaction ended?"""
        layouts.look()

    def watch(self) -> None:
        """Any statement may come now: from here on each row it changes is noted."""
        if not self._watching:
            if self._session is None:
                self.connection.preupdate_hook(self._note, id=_HOOK)
            self._watching = True

    def expect_many(self) -> None:
        """Many rows come now: from here on the session extension takes notice."""
        if self._session is None:
            self._noted.name_made()
            self._noted.name_inserted()
            if self._watching:
                self.connection.preupdate_hook(None, id=_HOOK)
            self._watching = True
            self._session = apsw.Session(self.connection, "main")
            self._session.table_filter(self._joins)
            self._session.attach()

    def expect_insert(self, table: str) -> None:
        """A typed door inserts a row now, and tells with `inserted`. Where more may happen than that, we watch."""
        if not self._watching and not self._layouts.plain[table]:
            self.watch()

    def inserted(self, table: str, row: list[Any]) -> None:
        """One statement has inserted this row, its values in the order of its record's slots, and nothing else."""
        if self._session is None and self._layouts.recorded[table]:
            put = self._layouts.in_file[table]
            if put is not None:
                self.touched.add(table)
                self._noted.inserted(table, put(row), seen=self._watching)

    def may_have_inserted(self, table: str) -> None:
        """A typed door was interrupted after its statement; what that did is read at the end."""
        if self._session is None and self._layouts.recorded[table]:
            self.touched.add(table)
            self._noted.may_have_inserted(table)

    def begin_bulk(self, table: str) -> bool:
        """Many rows come into a table, by statements that only insert: nobody looks, `inserted_bulk` tells.

        False when there is a better way.
        """
        if self._session is not None or not self._layouts.plain[table]:
            return False
        if self._watching:
            self.connection.preupdate_hook(None, id=_HOOK)
        return True

    def inserted_bulk(self, table: str, rows: Sequence[Row]) -> None:
        """These rows were inserted, their values in the order of the record's slots."""
        put = self._layouts.in_file[table]
        if put is not None:
            self.touched.add(table)
            self._bulk.add(table)
            self._noted.bulk(table, rows if put is tuple else list(map(put, rows)))

    def end_bulk(self) -> None:
        """Who watched before the bulk does so again."""
        if self._watching:
            self.connection.preupdate_hook(self._note, id=_HOOK)

    def wrote(self, table: str) -> None:
        """Rows of a table that does not travel were changed by a statement at which nobody looked."""
        self.touched.add(table)
        if table in self._followed:
            self._bulk.add(table)

    def undone(self) -> None:
        """A savepoint was undone."""
        self._noted.undone()
        if self._others is not None:
            self._others.undone()

    def changeset(self) -> bytes:
        """The net change so far; empty when every recorded row is as it was at the start.

        StoreError when a note was interrupted, by an exception of a signal's handler: then nobody knows.
        """
        if self._missed:
            raise e.StoreError("the write was interrupted while a change was noted", hint="run it again")
        noted = self._noted_changes()
        if self._session is None:
            return noted
        bulk = self._session.changeset()
        if not bulk or not self._noted.before:
            return bulk or noted
        return self._together(noted, bulk)

    def told(self) -> Told:
        """The rows that followers are told of, and the tables of which it is only known that they changed."""
        rows: dict[str, list[Change]] = {}
        for notes in (self._noted, self._others):
            if notes is not None:
                rows.update({table: found for table, found in notes.changes().items() if table in self._followed})
        return Told(rows, self._bulk | (self.touched - self._followed))

    def changed(self) -> tuple[Collection[tuple[str, str]], frozenset[str]]:
        """The rows (table, id) that were changed, as far as they were there before, and tables of unknown ones."""
        unknown = self._bulk | {table for table in self.touched if not self._layouts.recorded[table]}
        return self._noted.named(), frozenset(unknown)

    @property
    def recorded(self) -> frozenset[str]:
        """The synced tables that were touched."""
        return frozenset(filter(self._layouts.recorded.get, self.touched))

    def close(self) -> None:
        self.over = True
        if self._session is not None:
            self._session.close()
        elif self._watching:
            self.connection.preupdate_hook(None, id=_HOOK)

    def _note(self, update: apsw.PreUpdate) -> None:
        try:
            self._note_row(update.table_name, update)
        except BaseException:
            self._missed = True
            raise

    def _note_row(self, table: str, update: apsw.PreUpdate) -> None:
        recorded = self._layouts.recorded.get(table)
        if recorded is None:
            return
        self.touched.add(table)
        if recorded:
            self._noted.note(table, update)
        elif table in self._followed:
            if self._others is None:
                self._others = Notes(self.connection, self._layouts)
            self._others.note(table, update)

    def _joins(self, table: str) -> bool:
        """The session asks: does it record this table?"""
        recorded = self._layouts.recorded.get(table)
        if recorded is not None:
            self.touched.add(table)
            self._bulk.add(table)
        return bool(recorded)

    def _noted_changes(self) -> bytes:
        alone = self._noted.alone()
        if alone is not None:
            return self._layouts.insert(*alone)
        changes, made = self._noted.changes(), self._noted.made
        noted = [self._layouts.changes(table, rows, made.get(table, {}).values()) for table, rows in changes.items()]
        noted += [
            self._layouts.changes(table, (), rows.values()) for table, rows in made.items() if table not in changes
        ]
        return b"".join(noted)

    def _together(self, noted: bytes, bulk: bytes) -> bytes:
        """What was noted before the bulk began knows best how its rows were at the start."""
        builder = apsw.ChangesetBuilder()  # type: ignore[no-untyped-call]
        if noted:
            builder.add(noted)
        for change in apsw.Changeset.iter(bulk):
            key = self._layouts.of(change.name).key
            row: Any = change.new if change.opcode == apsw.SQLITE_INSERT else change.old
            if (change.name, row[key]) not in self._noted.before:
                builder.add_change(change)
        return builder.output()
