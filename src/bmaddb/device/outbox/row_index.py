"""Which entries touch a row, and which refer to it: a table of the file, beside the outbox.

An entry is indexed once, by whichever process first opens an edit after it was committed, and read only as far
as its keys: 100,000 waiting entries cost memory for none of them. After an upgrade of the schema the index is
made anew, for it speaks in the names of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox.entries import read_changes
from bmaddb.device.outbox.layouts import Layouts
from bmaddb.device.store import Store
from bmaddb.protocol.changes import Change, Op, RowKey, parents
from bmaddb.schema.catalog import Catalog

_SQL = statements.load("bmaddb.device.outbox", "sql/index.sql")
_META_MADE_FOR = "outbox_index"
_OPS = {"INSERT": Op.INSERT, "UPDATE": Op.UPDATE, "DELETE": Op.DELETE}
_REFERS = "refers"
_READ_AT_ONCE = 500
BEFORE_ALL = -(1 << 62)
"""Positions below 1 exist: what a restored server lost is given back before all that waits."""
Line: TypeAlias = tuple[str, str, str, int]
"""Table, row, what the entry does to it (an Op, or it refers to it), the entry's position."""
_Places: TypeAlias = tuple[str, int, tuple[tuple[int, str], ...]]


class RowIndex:
    """The index of one file; `connection` is that of the edit which is open."""

    connection: apsw.Connection

    def __init__(self, store: Store, layouts: Layouts) -> None:
        self._store = store
        self._layouts = layouts
        self._places: dict[tuple[int, str, str], _Places | None] = {}
        with store.read() as connection:
            [(missing,)] = connection.execute(_SQL["missing"])
        made_for = str(store.catalog.version)
        if missing or store.meta_get(_META_MADE_FOR) != made_for:
            with store.apply("local") as connection:
                for block in ("make_rows", "make_by_position", "make_set_aside", "drop_by_status", "forget_all"):
                    connection.execute(_SQL[block])
                store.meta_set(_META_MADE_FOR, made_for, connection)

    def catch_up(self) -> None:
        """Index the entries that were committed since; MigrationError for one that cannot be brought up."""
        [(reach,)] = self.connection.execute(_SQL["reach"])
        position = BEFORE_ALL if reach is None else reach
        while rows := self.connection.execute(_SQL["unread"], (position, _READ_AT_ONCE)).fetchall():
            position = rows[-1][0]
            self.connection.executemany(_SQL["add"], [line for row in rows for line in self._lines(row)])

    def replace(self, position: int, changes: Iterable[Change]) -> None:
        """The entry's changes are others now."""
        self.forget(position)
        self.connection.executemany(_SQL["add"], _lines_of(position, changes, self._store.catalog))

    def forget(self, position: int) -> None:
        self.connection.execute(_SQL["forget_entry"], (position,))

    def chain(self, key: RowKey) -> tuple[int, ...]:
        """The positions of the entries that touch one row, oldest first."""
        return tuple(row[0] for row in self.connection.execute(_SQL["chain"], key))

    def first_delete(self, key: RowKey, position: int) -> int | None:
        """The first entry at `position` or after it that deletes the row."""
        [(found,)] = self.connection.execute(_SQL["first_delete"], (*key, position))
        return None if found is None else int(found)

    def deleted(self, table: str) -> tuple[str, ...]:
        """The ids of the table's rows that an entry deletes."""
        return tuple(row[0] for row in self.connection.execute(_SQL["deleted"], (table,)))

    def referring(self, table: str, ids: Iterable[str]) -> tuple[int, ...]:
        """The entries that make a row refer to one of these rows."""
        if not self._any_of(table):
            return ()
        return tuple(row[0] for row in self.connection.execute(_SQL["referring"], (table, _listed(ids))))

    def rows_of(self, table: str) -> tuple[str, ...]:
        """The ids of the table's rows that something waits for."""
        return tuple(row[0] for row in self.connection.execute(_SQL["rows_of"], (table,)))

    def among(self, table: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of `ids` that something waits for."""
        if not self._any_of(table):
            return frozenset()
        return frozenset(row[0] for row in self.connection.execute(_SQL["among"], (table, _listed(ids))))

    def among_page(self, table: str, rows: bytes, place: int) -> tuple[str, ...]:
        """The ids (at `place` of each row of a page, as jsonb) that something waits for."""
        if not self._any_of(table):
            return ()
        return tuple(row[0] for row in self.connection.execute(_SQL["among_page"], (table, rows, place)))

    def _any_of(self, table: str) -> bool:
        [(found,)] = self.connection.execute(_SQL["any_of"], (table,))
        return bool(found)

    def _lines(self, row: tuple[Any, ...]) -> Iterable[Line]:
        position, changeset, changes, version, layout_id = row
        try:
            if changes is not None:
                names = self._layouts.upgrade.names(version)
                lines = _lines_of(position, read_changes(changes, names), self._store.catalog)
            else:
                lines = list(self._changeset_lines(position, changeset, version, layout_id))
        except (UnicodeDecodeError, apsw.Error, KeyError):
            lines = []  # it cannot be read; whoever leases it says so
        return lines or [("", "", _REFERS, position)]  # every entry has a line, or it would be read again

    def _changeset_lines(self, position: int, changeset: bytes, version: int, layout_id: str) -> Iterator[Line]:
        for item in apsw.Changeset.iter(changeset):
            key = (version, layout_id, item.name)
            if key not in self._places:
                self._places[key] = self._find_places(*key)
            places = self._places[key]
            if places is None:
                continue
            table, id_place, references = places
            op, new = _OPS[item.op], item.new or ()
            named = new if op is Op.INSERT else item.old or ()
            yield table, str(named[id_place]), str(op), position
            if op is not Op.DELETE:
                for place, parent in references:
                    if isinstance(new[place], str):
                        yield parent, str(new[place]), _REFERS, position

    def _find_places(self, version: int, layout_id: str, name: str) -> _Places | None:
        """Today's name of a table, and where its id and its references stand in a changeset of that layout."""
        names = self._layouts.upgrade.names(version)
        today, layout = names.table(name), self._layouts.find(layout_id)
        if today is None:
            return None
        if layout is None:
            raise KeyError(layout_id)
        columns = names.columns(name, layout[name])
        table = self._store.catalog.tables.get(today)
        references = {} if table is None else {c.name: str(c.spec.references) for c in table.foreign_keys}
        found = tuple((place, references[c]) for place, c in enumerate(columns) if c in references)
        return today, columns.index("id"), found


def _lines_of(position: int, changes: Iterable[Change], catalog: Catalog) -> list[Line]:
    lines: list[Line] = []
    for change in changes:
        lines.append((*change.key, str(change.op), position))
        table = catalog.tables.get(change.table)
        if table is not None:
            lines += [(*key, _REFERS, position) for key in parents(table, change.new)]
    return lines


def _listed(ids: Iterable[str]) -> str:
    return msgspec.json.encode(tuple(ids)).decode()
