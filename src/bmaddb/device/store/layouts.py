"""The tables of a file: which of them travel, and how their columns stand in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from operator import itemgetter
from typing import Final, NamedTuple

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.store.changeset import Row, table_head
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope

_META: Final = statements.load("bmaddb.device.store", "sql/meta.sql")


class Layout(NamedTuple):
    """How one table begins in a changeset, at which place of a row its id stands, and what its columns are."""

    head: bytes
    key: int
    columns: tuple[str, ...]


class Layouts:
    """The tables of a file: which are recorded, and how their columns stand in it."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog) -> None:
        self._connection = connection
        self._catalog = catalog
        self._known: dict[str, Layout] = {}
        self._orders: dict[str, Callable[[Row], Row]] = {}

    @cached_property
    def recorded(self) -> Mapping[str, bool]:
        """Table -> does it travel? Tables that are not here are the store's own."""
        return {table.name: table.scope is Scope.USER for table in self._catalog.device_tables}

    def look(self) -> None:
        """Read the file's layouts, once, before the first capture: the hook itself may not ask the file."""
        if not self._known:
            self._known = {
                table: Layout(table_head(table, count, place), place, tuple(msgspec.json.decode(names)))
                for table, count, place, names in self._connection.execute(_META["layouts"])
            }

    def of(self, table: str) -> Layout:
        """The layout of the table in the file."""
        return self._known[table]

    def in_slots(self, table: str) -> Callable[[Row], Row]:
        """What puts a row of the file into the order of its record's slots."""
        made = self._orders.get(table)
        if made is None:
            columns = self.of(table).columns
            wanted = tuple(column.name for column in self._catalog.records[table].__table__.columns)
            made = tuple if wanted == columns else itemgetter(*[columns.index(name) for name in wanted])
            self._orders[table] = made
        return made
