"""A damaged file: set aside as it is, and read row by row for what can still be read.

Rules of this room: the damaged file is opened for reading only and never removed; a row that cannot be read
costs only itself; what is copied is copied without capture, for its entries are copied too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.device.store.cipher import FileKey
from bmaddb.device.store.connection import open_reader, open_writer
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_SQL: Final = statements.load("bmaddb.device.store", "sql/salvage.sql")
_TRANSACTION: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")
_OF_THE_NEW_FILE: Final = frozenset({meta.SCHEMA_VERSION, meta.SCHEMA_DIGEST, meta.CREATED_AT})
OUTBOX: Final = "outbox_operations"
ROWIDS_TRIED_MAX: Final = 1_000_000
"""Between two damaged pages of a table that has no index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Salvaged:
    """What was found. `unread` names the tables of which a part is gone; the server may still have it."""

    aside: Path
    rows: int = 0
    entries: int = 0
    unread: tuple[str, ...] = ()


def set_aside(path: str) -> Path:
    """Rename the damaged file with its log, so that its place is free; the answer is where it is now.

    StoreError when there is no such file, or it cannot be renamed. Nothing may have it open.
    """
    number = 1
    while os.path.exists(f"{path}.damaged-{number}"):
        number += 1
    aside = f"{path}.damaged-{number}"
    try:
        for suffix in ("-wal", ""):
            if not suffix or os.path.exists(path + suffix):
                os.rename(path + suffix, aside + suffix)
    except OSError as error:
        hint = "check the path, and that its folder is yours"
        raise e.StoreError(f"the file cannot be set aside: {error.strerror}", hint=hint) from error
    Path(f"{path}-shm").unlink(missing_ok=True)
    return Path(aside)


def copy_readable(aside: Path, path: str, catalog: Catalog, old: FileKey | None, new: FileKey | None) -> Salvaged:
    """Copy what can be read of the file `aside` into the new file at `path`, in one transaction.

    `old` and `new`: what the one and the other are encrypted with.
    """
    try:
        source = open_reader(str(aside), old)
    except e.StoreError:
        return Salvaged(aside=aside, unread=tuple(table.name for table in catalog.device_tables))
    target = open_writer(path, "full", new)
    try:
        target.pragma("foreign_keys", False)
        target.execute(_TRANSACTION["begin_write"])
        found = _Copy(source, target, catalog).all(aside)
        target.execute(_TRANSACTION["commit"])
        return found
    finally:
        source.close(True)
        target.close(True)


class _Copy:
    """One copy, from connection to connection."""

    def __init__(self, source: apsw.Connection, target: apsw.Connection, catalog: Catalog) -> None:
        self._source = source
        self._target = target
        self._catalog = catalog
        self._unread: set[str] = set()
        self._same_order = True

    def all(self, aside: Path) -> Salvaged:
        for key, value in self._pairs().items():
            if key not in _OF_THE_NEW_FILE:
                meta.put(self._target, key, value)
        rows = {table.name: self._table(table) for table in self._catalog.device_tables}
        if self._same_order:
            self._play_again()
        return Salvaged(
            aside=aside,
            rows=sum(rows.values()),
            entries=rows.get(OUTBOX, 0),
            unread=tuple(sorted(self._unread)),
        )

    def _pairs(self) -> dict[str, str]:
        up = dict(self._read("_bmad_meta", _SQL["meta_up"]))
        return up | dict(self._read("_bmad_meta", _SQL["meta_down"]))

    def _table(self, table: Table) -> int:
        name = table.name
        theirs = [row[0] for row in self._read(name, _SQL["columns"], (name,))]
        ours = [row[0] for row in self._target.execute(_SQL["columns"], (name,))]
        self._same_order = self._same_order and (table.scope is Scope.LOCAL or theirs in ([], ours))
        shared = [column for column in ours if column in theirs]
        if not shared:
            return 0
        columns = ", ".join(f'"{column}"' for column in shared)
        read = _SQL["row"].format(table=name, columns=columns)
        put = _SQL["put"].format(table=name, columns=columns, marks=", ".join("?" for _ in shared))
        before = self._target.total_changes()
        for rowid in sorted(self._rowids(table)):
            for row in self._read(name, read, (rowid,)):
                self._put(name, put, row)
        return self._target.total_changes() - before

    def _rowids(self, table: Table) -> set[int]:
        """From both ends up to the damage, and over the index of the ids; where there is none, all in between."""
        name = table.name
        up, down = (self._listed(name, block) for block in ("rowids_up", "rowids_down"))
        if not table.options.row_key:
            return up | down | self._listed(name, "rowids_by_id")
        if name in self._unread and up and down and min(down) - max(up) <= ROWIDS_TRIED_MAX:
            up.update(range(max(up), min(down)))
        return up | down

    def _listed(self, name: str, block: str) -> set[int]:
        return {row[0] for row in self._read(name, _SQL[block].format(table=name))}

    def _read(self, name: str, text: str, arguments: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows until the end or until the damage."""
        try:
            yield from self._source.execute(text, arguments)
        except apsw.Error:
            self._unread.add(name)

    def _put(self, name: str, text: str, row: tuple[Any, ...]) -> None:
        try:
            self._target.execute(text, row)
        except apsw.Error:  # damage that looks like a row
            self._unread.add(name)

    def _play_again(self) -> None:
        """Rows that could not be read, and that an entry which could be read brings along."""
        for (changeset,) in self._target.execute(_SQL["changesets"]).fetchall():
            try:
                apsw.Changeset.apply(changeset, self._target, conflict=lambda *_: apsw.SQLITE_CHANGESET_OMIT)
            except apsw.Error:
                self._unread.add(OUTBOX)
