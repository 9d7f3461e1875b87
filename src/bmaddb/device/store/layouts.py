"""The tables of a file: which of them travel, and how their columns stand in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.store.changeset import INSERT, Change, Row, Written, inserts, table_changes, table_head
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope

T = TypeVar("T")
_META: Final = statements.load("bmaddb.device.store", "sql/meta.sql")


class Layout(NamedTuple):
    """How one table begins in a changeset, at which place of a row its id stands, and what its columns are."""

    head: bytes
    key: int
    columns: tuple[str, ...]
    whole_numbers: bool
    """Are its numbers all whole?"""


class _Once(dict[str, T], Generic[T]):
    """Table -> what `make` says of it, which is asked once."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make

    def __missing__(self, table: str) -> T:
        made = self[table] = self._make(table)
        return made


class Layouts:
    """The tables of a file: which are recorded, and how their columns stand in it."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self._known: dict[str, Layout] = {}
        self._triggered: frozenset[str] = frozenset()
        """Tables with triggers that are not the store's own."""
        self.in_slots = _Once(self._in_slots)
        """Table -> what puts a row of the file into the order of its record's slots."""
        self.in_file = _Once(self._in_file)
        """Table -> what puts the values of a record's slots into the order of the file; None when that has more."""
        self.plain = _Once(self._plain)
        """Table -> is a row that a typed door inserts into it the whole change, and known in the order of the file?"""
        self._written = _Once(self._write)

    @cached_property
    def recorded(self) -> Mapping[str, bool]:
        """Table -> does it travel? Tables that are not here are the store's own."""
        return {table.name: table.scope is Scope.USER for table in self._catalog.device_tables}

    def look(self) -> None:
        """Read the file's layouts, once, before the first capture: the hook itself may not ask the file."""
        if not self._known:
            self._known = {
                table: Layout(table_head(table, count, place), place, tuple(msgspec.json.decode(names)), bool(whole))
                for table, count, place, names, whole in self._connection.execute(_META["layouts"])
            }
            self._triggered = frozenset(table for (table,) in self._connection.execute(_META["triggered"]))

    def of(self, table: str) -> Layout:
        """The layout of the table in the file."""
        return self._known[table]

    def changes(self, table: str, changes: Sequence[Change], made: Iterable[bytes] = ()) -> bytes:
        """What a changeset says of these changes of a table's rows, and of rows that were `made`."""
        head, key, _, _ = self._known[table]
        body = table_changes(changes, key, self._written[table])
        if made:
            body += b"".join(made)
        return head + body if body else b""

    def insert(self, table: str, row: Row) -> bytes:
        """What a changeset says of one new row of a table, head and all."""
        return self._known[table].head + b"".join((INSERT, *map(self._written[table].__getitem__, row)))

    def inserts(self, table: str, rows: Sequence[Row]) -> list[bytes]:
        """What a changeset says of each of these new rows of a table."""
        return inserts(rows, self._written[table])

    def _write(self, table: str) -> Written:
        columns = self._catalog.table(table).columns
        words = {word for column in columns for word in (*column.spec.enum, column.raw_unset) if type(word) is str}
        return Written(words, whole_numbers=self._known[table].whole_numbers)

    def _in_slots(self, table: str) -> Callable[[Row], Row]:
        return _order(self.of(table).columns, self._slots(table))

    def _in_file(self, table: str) -> Callable[[Sequence[Any]], Row] | None:
        columns, slots = self.of(table).columns, self._slots(table)
        return _order(slots, columns) if set(columns) == set(slots) else None

    def _plain(self, table: str) -> bool:
        """It travels, no trigger but the store's own changes more, and the file has no column the record has not."""
        return self.recorded[table] and table not in self._triggered and self.in_file[table] is not None

    def _slots(self, table: str) -> tuple[str, ...]:
        return tuple(column.name for column in self._catalog.records[table].__table__.columns)


def _order(given: Sequence[str], wanted: Sequence[str]) -> Callable[[Sequence[Any]], Row]:
    return tuple if given == wanted else itemgetter(*[given.index(name) for name in wanted])
