"""A small page that meets nothing of this device: its rows and deletes as they are, keys and checks switched on.

SQLite compiles every statement of a connection again after foreign keys or checks were switched; for one row that
costs more than the row. And an upsert writes every index of its table anew, also where nothing changed. So a small
page is tried here first: each row is compared with the one that stands, and what differs is written.

Rules of this room: what turns out not to be plain (something waits for a row, a child stands in the way of a
delete, a parent or a check is missing) is undone to the letter, and written by the careful way of `pages`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox.row_index import RowIndex
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.protocol.messages import TablePage
from bmaddb.schema import sqlite_ddl_rows as ddl
from bmaddb.schema.kinds import Kind
from bmaddb.schema.records import Record
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl import enforced_references
from bmaddb.schema.tables import Table

BYTES_MAX: Final = 64 * 1024
DELETES_MAX: Final = 100
SHAPES_MAX: Final = 512
_SQL: Final = statements.load("bmaddb.device.sync", "sql/sync.sql")
NO_ROWS: Final = b"[]"
_STAMPS: Final = 2
"""Columns at the end of each row that is read from a page."""
Parts = Sequence[tuple[Table, TablePage]]


@dataclass(slots=True)
class PlainCounts:
    """What a plain page brought, and the newest stamp of each row in it."""

    rows: int
    deletes: int
    stamps: list[str]


class _Texts(NamedTuple):
    """The statements for pages of one table with these columns."""

    taken: tuple[str, ...]
    read_page: str
    read_values: str
    insert: str


class _NotPlain(Exception):
    """The page meets something of this device."""


class Plain:
    """Writes plain pages of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, connection: apsw.Connection, index: RowIndex, parts: Parts) -> PlainCounts | None:
        """Write the page, and count; None, and nothing is written, when it is not small and plain."""
        if not _small(parts):
            return None
        counts = PlainCounts(rows=0, deletes=0, stamps=[])
        connection.execute(_SQL["try_plain"])
        try:
            for table, part in parts:
                counts.rows += self._rows(connection, index, table, part, counts.stamps)
            for table, part in parts:
                if part.deleted:
                    self._delete(connection, index, table, part.deleted)
                    counts.deletes += len(part.deleted)
            _complete(connection)
        except (_NotPlain, apsw.ConstraintError):
            connection.execute(_SQL["undo_plain"])
            connection.execute(_SQL["keep_plain"])
            return None
        connection.execute(_SQL["keep_plain"])
        return counts

    def _rows(
        self, connection: apsw.Connection, index: RowIndex, table: Table, part: TablePage, stamps: list[str]
    ) -> int:
        if bytes(part.rows) == NO_ROWS:
            return 0
        texts = _texts(self._store.catalog.record(table.name), tuple(part.columns))
        rows = connection.execute(texts.read_page, (bytes(part.rows).decode(),)).fetchall()
        if not rows:
            return 0
        place = texts.taken.index("id")
        if index.among(table.name, [str(row[place]) for row in rows]):
            raise _NotPlain
        owner = (self._store.user,) if table.scope is Scope.USER else ()
        if stubs.any_of(connection, table.name):
            stubs.forget(connection, table.name, [str(row[place]) for row in rows])
        for row in rows:
            values = row[:-_STAMPS]
            stamps += [stamp for stamp in row[-_STAMPS:] if isinstance(stamp, str)]
            stands = connection.execute(texts.read_values, (values[place],)).fetchone()
            if stands is None:
                self._expect_no_child(connection, table, str(values[place]))
                connection.execute(texts.insert, (*values, *owner))
                continue
            changed = _changed(texts.taken, stands, values)
            if changed:
                text = _update_text(self._store.catalog.record(table.name), tuple(changed))
                connection.execute(text, (values[place], *changed.values()))
        return len(rows)

    def _expect_no_child(self, connection: apsw.Connection, table: Table, row_id: str) -> None:
        """A row that earlier pages brought children of is no plain one, as soon as anything lacks a parent.

        SQLite takes every child that waited off the count of what is missing, also those it never counted, and a count
        below zero looks like none until the commit is refused for it. It leaves them be while the count is zero.
        """
        _complete(connection)
        if enforced_references(table, self._store.catalog):
            self._childless(connection, table, msgspec.json.encode([row_id]).decode())

    def _childless(self, connection: apsw.Connection, table: Table, listed: str) -> None:
        for child, column in self._store.catalog.children(table.name):
            if child.on_device and connection.execute(ddl.read_referring(child, column.name), (listed,)).fetchall():
                raise _NotPlain

    def _delete(self, connection: apsw.Connection, index: RowIndex, table: Table, ids: Sequence[str]) -> None:
        if index.among(table.name, ids) or index.referring(table.name, ids):
            raise _NotPlain
        listed = msgspec.json.encode(ids).decode()
        self._childless(connection, table, listed)
        connection.execute(ddl.drop_rows(table), (listed,))
        if stubs.any_of(connection, table.name):
            stubs.forget(connection, table.name, ids)


def _complete(connection: apsw.Connection) -> None:
    """No row of this page lacks its parent so far."""
    if connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
        raise _NotPlain


def _small(parts: Parts) -> bool:
    return (
        sum(len(bytes(part.rows)) for _, part in parts) <= BYTES_MAX
        and sum(len(part.deleted) for _, part in parts) <= DELETES_MAX
        and not any(column.kind is Kind.BLOB for table, _ in parts for column in table.columns)
    )


def _changed(names: Iterable[str], stands: Sequence[Any], values: Sequence[Any]) -> dict[str, Any]:
    """The columns that differ."""
    return {name: value for name, was, value in zip(names, stands, values, strict=True) if was != value}


@lru_cache(maxsize=SHAPES_MAX)
def _texts(record: type[Record], columns: tuple[str, ...]) -> _Texts:
    table = record.__table__
    taken = ddl.taken(table, columns)
    owned = (*taken, "user_id") if table.scope is Scope.USER else taken
    return _Texts(taken, ddl.read_page(table, columns), ddl.read_values(table, taken), ddl.insert_columns(table, owned))


@lru_cache(maxsize=SHAPES_MAX)
def _update_text(record: type[Record], names: tuple[str, ...]) -> str:
    return ddl.set_columns(record.__table__, names)
