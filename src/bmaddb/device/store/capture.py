"""Change capture: SQLite's session extension notes what one transaction changes, whoever changed it.

Rules of this room: one session for each outermost write; tables join it when they are first touched, so a
transaction pays only for what it touches; only synced user tables are recorded, all are noticed.
"""

from __future__ import annotations

import apsw

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope


def recorded_tables(catalog: Catalog) -> frozenset[str]:
    """The tables whose changes travel to the server."""
    return frozenset(table.name for table in catalog.device_tables if table.scope is Scope.USER)


class Capture:
    """The changes of one transaction on `connection`, from now on until `close`."""

    __slots__ = ("_recorded", "_session", "touched")

    def __init__(self, connection: apsw.Connection, recorded: frozenset[str]) -> None:
        self.touched: set[str] = set()
        self._recorded = recorded
        self._session = apsw.Session(connection, "main")
        self._session.table_filter(self._joins)
        self._session.attach()

    def _joins(self, table: str) -> bool:
        """SQLite asks once for a table that is recorded, at each change for one that is not."""
        self.touched.add(table)
        return table in self._recorded

    def changeset(self) -> bytes:
        """The net change so far; empty when nothing recorded is different from the start."""
        return b"" if self._recorded.isdisjoint(self.touched) else self._session.changeset()

    @property
    def recorded(self) -> frozenset[str]:
        return self._recorded & self.touched

    def close(self) -> None:
        self._session.close()
