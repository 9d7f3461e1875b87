"""Rows that leave their table for the archive: which may, and how.

Rules of this room: what goes is on the server in just this version and waits for nothing; no row that stays refers to
one that goes; a row and its stub change places in one transaction, which is not captured: an archive is no delete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from bmaddb import statements
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import SAMPLES_MAX, Packer, learnt
from bmaddb.device.upkeep.policy import EVERYTHING_MS, LetGo, PackCold, ThinOut
from bmaddb.device.upkeep.work import Work
from bmaddb.protocol.changes import SERVER_SEQ
from bmaddb.protocol.digests import HIGHEST_ID, LOWEST_ID, json_token, real_bits, row_hash
from bmaddb.protocol.messages import WALK_CURSOR
from bmaddb.schema import sqlite_ddl_archive as ddl
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import to_raw
from bmaddb.schema.rules import RetentionKind, Scope
from bmaddb.schema.sqlite_ddl_digests import BITS, JSONB
from bmaddb.schema.sqlite_ddl_rows import drop_rows
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")
GROWTH_MAX = 4
GROWTH_ROWS_MIN = 100
"""A batch may grow to so many times its size, or so many rows, by the rows that refer to those in it."""
SURPLUS_MAX = 20_000
DAYS_PER_MONTH = 30.44
NOT_STANDING = "nothing leaves before a first sync has ended, nor while everything is read again"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lot:
    """Rows of one table that are to go: those that are cold since `before_ms`; are they packed, or is a stub enough?

    `open_too`: also what is still to be done, because somebody said how long rows of the table are to stay.
    """

    table: Table
    before_ms: int = EVERYTHING_MS
    packed: bool = False
    open_too: bool = True


@dataclass(frozen=True, slots=True)
class _Leaving:
    hash: int
    values: dict[str, Any]


def let_go(work: Work, step: LetGo) -> None:
    """Rows of one table, oldest first; only their stubs stay."""
    table = _synced(work, step.table)
    if table is not None:
        _walk(work, _Lot(table=table, before_ms=work.before(step.keep_days) if step.keep_days else EVERYTHING_MS))


def thin_out(work: Work, step: ThinOut) -> None:
    """Rows beyond the newest of their group."""
    table = _synced(work, step.table)
    if table is None:
        return
    with work.store.read() as connection:
        query = ddl.read_surplus(table, step.group, step.order)
        ids = [str(row[0]) for row in connection.execute(query, (step.keep, SURPLUS_MAX))]
    while ids and not work.enough:
        batch, ids = ids[: work.batch_rows], ids[work.batch_rows :]
        _Batch(work, _Lot(table=table)).move(batch)


def pack_cold(work: Work, _: PackCold) -> None:
    """Cold rows of every table that says after how many months its rows are; children before their parents."""
    for table in reversed(work.store.catalog.device_tables):
        months = table.options.retention.months
        if table.options.retention.kind is RetentionKind.ARCHIVE and months and _synced(work, table.name):
            lot = _Lot(table=table, before_ms=work.before(int(months * DAYS_PER_MONTH)), packed=True, open_too=False)
            if not work.enough:
                _learn(work, lot)
                _walk(work, lot)


def let_go_sooner(work: Work, name: str, keep_days: int) -> None:
    """Rows of a synced table that nobody changed for so many days; packed where the table is one that is archived."""
    table = _synced(work, name)
    if table is not None:
        packed = table.options.retention.kind is RetentionKind.ARCHIVE
        lot = _Lot(table=table, before_ms=work.before(keep_days), packed=packed)
        if packed:
            _learn(work, lot)
        _walk(work, lot)


def _synced(work: Work, name: str) -> Table | None:
    """The table, if its rows may leave this device just now."""
    table = work.store.catalog.tables.get(name)
    if table is None or table.scope is not Scope.USER:
        return None
    with work.store.read() as connection:
        row = connection.execute(_SQL["standing_cursor"]).fetchone()
    if row is None or row[0] is None or str(row[0]).startswith(WALK_CURSOR):
        work.tally.kept = NOT_STANDING
        return None
    return table


def _walk(work: Work, lot: _Lot) -> None:
    """Oldest ids first; what was held by younger rows gets more chances from the other end, as long as any goes."""
    moved, held = _lap(work, lot, newest_first=False)
    moved = moved or held
    while held and moved:
        moved, held = _lap(work, lot, newest_first=True)


def _lap(work: Work, lot: _Lot, *, newest_first: bool) -> tuple[int, int]:
    """Once through the table: how many rows went, and how many might have but were held."""
    query = ddl.read_cold(lot.table, newest_first=newest_first, open_too=lot.open_too)
    at, moved, held = HIGHEST_ID if newest_first else LOWEST_ID, 0, 0
    while not work.enough:
        with work.store.read() as connection:
            ids = [str(row[0]) for row in connection.execute(query, (lot.before_ms, at, work.batch_rows))]
        if not ids:
            break
        at = ids[-1]
        went = _Batch(work, lot).move(ids)
        moved, held = moved + went, held + len(ids) - went
    return moved, held


def _learn(work: Work, lot: _Lot) -> None:
    """A dictionary for the table's rows, if it has none; learnt outside of any transaction."""
    table = lot.table
    with work.store.read() as connection:
        if Packer(connection).choose(table.name):
            return
        register(connection)
        query = ddl.read_cold(table, newest_first=False, open_too=lot.open_too)
        ids = [str(row[0]) for row in connection.execute(query, (lot.before_ms, LOWEST_ID, SAMPLES_MAX))]
        leaving = ddl.read_leaving(table, open_too=lot.open_too)
        found = connection.execute(leaving, (stubs.listed(ids), lot.before_ms))
        dictionary = learnt(_values(table, row[1:]) for row in found)
    if dictionary is not None:
        with work.batch() as connection:
            Packer(connection).keep(table.name, dictionary)


class _Batch:
    """One transaction's worth of rows of one table."""

    def __init__(self, work: Work, lot: _Lot) -> None:
        self._work = work
        self._lot = lot
        self._table = table = lot.table
        referring = ddl.referring(table, work.store.catalog)
        self._own = [column for child, column in referring if child.name == table.name]
        self._others = [(child, column) for child, column in referring if child.name != table.name]
        # What only this device knows would not come back from the server.
        self._device_only = {column.name: _default(column) for column in table.columns if not column.synced}

    def move(self, ids: Sequence[str]) -> int:
        """Rows out, stubs in; the answer is how many of `ids` could go."""
        try:
            with self._work.batch() as connection:
                register(connection)
                rows = self._leaving(connection, ids)
                self._close(connection, rows, max(GROWTH_ROWS_MIN, GROWTH_MAX * len(ids)))
                if rows:
                    stubs.put(connection, self._table.name, self._stubs(connection, rows), self._version)
                    connection.execute(drop_rows(self._table), (stubs.listed(list(rows)),))
        except UnicodeDecodeError:
            self._work.tally.kept = f"a text of {self._table.name} is not Unicode"
            return 0
        self._work.tally.rows += len(rows)
        return len(rows.keys() & set(ids))

    @property
    def _version(self) -> int:
        return self._work.store.catalog.version

    def _leaving(self, connection: apsw.Connection, ids: Iterable[str]) -> dict[str, _Leaving]:
        """Those of the rows that the server has as they stand, and that nothing and nobody waits for."""
        asked = stubs.listed(list(ids))
        held = {
            str(row[0])
            for block in ("waiting_among", "open_verdicts_among")
            for row in connection.execute(_SQL[block], (self._table.name, asked))
        }
        found: dict[str, _Leaving] = {}
        leaving = ddl.read_leaving(self._table, open_too=self._lot.open_too)
        for canonical, *raw in connection.execute(leaving, (asked, self._lot.before_ms)):
            values = _values(self._table, raw)
            if values["id"] not in held and all(values[name] == usual for name, usual in self._device_only.items()):
                found[values["id"]] = _Leaving(row_hash(canonical), values)
        return found

    def _close(self, connection: apsw.Connection, rows: dict[str, _Leaving], rows_max: int) -> None:
        """Leave out every row that one which stays refers to; take along, as far as it goes, rows of the same table."""
        refused: set[str] = set()
        while rows:
            asked = stubs.listed(list(rows))
            pinned = self._referred(connection, asked)
            if not pinned:
                children = self._children(connection, asked, rows)
                if not children:
                    return
                room = max(0, rows_max - len(rows))
                grown = self._leaving(connection, [child for child in children if child not in refused][:room])
                rows |= grown
                pinned = set() if grown else {parent for parents in children.values() for parent in parents}
            for row_id in pinned:
                del rows[row_id]
            refused |= pinned

    def _referred(self, connection: apsw.Connection, asked: str) -> set[str]:
        """Those that a row of another table refers to."""
        return {
            str(row[0])
            for child, column in self._others
            for row in connection.execute(ddl.read_referred(child, column), (asked,))
        }

    def _children(self, connection: apsw.Connection, asked: str, rows: Mapping[str, _Leaving]) -> dict[str, set[str]]:
        """Rows of the same table, not among `rows`, by id: to which of them they refer."""
        found: dict[str, set[str]] = {}
        for column in self._own:
            for parent, child in connection.execute(ddl.read_children(self._table, column), (asked,)):
                if child not in rows:
                    found.setdefault(str(child), set()).add(str(parent))
        return found

    def _stubs(self, connection: apsw.Connection, rows: dict[str, _Leaving]) -> list[stubs.Stub]:
        packer = Packer(connection)
        if self._lot.packed:
            packer.choose(self._table.name)
        return [
            stubs.Stub(row_id, row.values[SERVER_SEQ], row.hash, packer.pack(row.values) if self._lot.packed else None)
            for row_id, row in rows.items()
        ]


def register(connection: apsw.Connection) -> None:
    """Teach the connection the functions that canonical texts are made with."""
    connection.create_scalar_function(BITS, real_bits, 1, deterministic=True)
    connection.create_scalar_function(JSONB, json_token, 1, deterministic=True)


def _default(column: Column[Any]) -> Any:
    spec = column.spec
    return None if not spec.has_default or spec.default is None else to_raw(spec.kind, spec.default)


def _values(table: Table, raw: Sequence[Any]) -> dict[str, Any]:
    return {column.name: value for column, value in zip(table.columns, raw, strict=True)}
