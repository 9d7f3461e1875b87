"""A damaged file: set aside as it is, and read row by row for what can still be read.

Rules of this room: the damaged file is opened for reading only and never removed, and keeps its name until the new
one is whole; a row that cannot be read costs only itself; what is copied is copied without capture, for its entries are
copied too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import meta
from bmaddb.device.store.cipher import MAGIC, PLAIN_HEAD, FileKey
from bmaddb.device.store.connection import open_reader, open_writer
from bmaddb.device.store.copies import sync_file, sync_folder
from bmaddb.device.store.failures import failure
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_SQL: Final = statements.load("bmaddb.device.store", "sql/salvage.sql")
_TRANSACTION: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")
_OF_THE_NEW_FILE: Final = frozenset({meta.SCHEMA_VERSION, meta.SCHEMA_DIGEST, meta.CREATED_AT})
OUTBOX: Final = "outbox_operations"
PART: Final = ".salvaging"
"""The new file, while it is being made."""
_LOGS_AND_FILE: Final = ("-wal", "-journal", "")
_NO_DAMAGE: Final = (apsw.BusyError, apsw.LockedError, apsw.NoMemError, apsw.InterruptError)
_NOT_WRITTEN: Final = (*_NO_DAMAGE, apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CantOpenError)
"""Not the row is to blame: SQLite may have undone the whole transaction."""
_TRACE: Final = b"_bmad_"
"""Part of the names of our own tables, which stand in the schema of every file of ours."""
_PIECE_BYTES: Final = 1 << 20
_PAGE_BYTES: Final = 4096
_LOG_HEAD_BYTES: Final = 32
"""Of a log in WAL mode; the size of a page is in its bytes 8 to 11."""
ROWIDS_TRIED_MAX: Final = 1_000_000
"""Between two damaged pages of a table that has no index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What was found. `unread` names the tables of which a part is gone; the server may still have it.

    `undeclared` names those that the catalog does not declare: nothing of them was read.
    """

    rows: int = 0
    entries: int = 0
    unread: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    of_backup: bool = False
    """Was the file a backup? Then the device it is of goes on under its own name."""


def exchange(path: str, part: str) -> Path:
    """Set the damaged file at `path` aside with its log, and put the whole new file `part` in its place.

    The answer is where the damaged one is now. When it raises all is as it was; StoreError when it cannot be renamed.
    Nothing may have it open.
    """
    number = _last_number(path) + 1
    whole, aside = _whole(path, number), _aside(path, number)
    moved: list[str] = []
    try:
        with _renaming():
            for stale in _waiting_numbers(path):
                os.unlink(_whole(path, stale))
            sync_file(part)
            os.replace(part, whole)
            sync_folder(path)
        _move(path, aside, moved)
        with _renaming():
            os.replace(whole, path)
    except BaseException:
        for suffix in reversed(moved):
            with contextlib.suppress(OSError):
                os.rename(aside + suffix, path + suffix)
        with contextlib.suppress(OSError):
            os.unlink(whole)
        raise
    sync_folder(path)
    return Path(aside)


def was_cut(path: str) -> bool:
    """Was an exchange cut between its renames? At `path` is a damaged file without its log then, or nothing.

    A whole file of which nothing was moved yet says nothing: the damaged one stands, and may have gone on.
    """
    return any(not os.path.exists(path) or _stands_aside(path, number) for number in _waiting_numbers(path))


def end_exchange(path: str) -> Path:
    """What is left of an exchange that `was_cut`."""
    number = _waiting_numbers(path)[0]
    aside = _aside(path, number)
    if any(os.path.exists(path + suffix) and os.path.exists(aside + suffix) for suffix in _LOGS_AND_FILE):
        aside = _aside(path, _last_number(path) + 1)  # somebody used the file meanwhile: nothing takes the log's place
    _move(path, aside, [])
    with _renaming():
        os.replace(_whole(path, number), path)
    sync_folder(path)
    return Path(aside)


def _move(path: str, aside: str, moved: list[str]) -> None:
    """The damaged file and its logs, those first: a log that stayed would be taken for one of the new file."""
    with _renaming():
        for suffix in _LOGS_AND_FILE:
            if os.path.exists(path + suffix):
                os.rename(path + suffix, aside + suffix)
                moved.append(suffix)
        Path(f"{path}-shm").unlink(missing_ok=True)


@contextlib.contextmanager
def _renaming() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        hint = "check the path, and that its folder is yours"
        raise e.StoreError(f"the file cannot be set aside: {error.strerror}", hint=hint) from error


def _last_number(path: str) -> int:
    """Of the damaged files beside it; 0 when there is none."""
    number = 0
    while _stands_aside(path, number + 1):
        number += 1
    return number


def _stands_aside(path: str, number: int) -> bool:
    return any(os.path.exists(_aside(path, number) + suffix) for suffix in _LOGS_AND_FILE)


def _waiting_numbers(path: str) -> list[int]:
    """Of the whole new file that waits beside it for its place: one, or none."""
    folder, name = os.path.split(_whole(path, 0)[:-1])
    with contextlib.suppress(OSError):
        rest = [found.removeprefix(name) for found in os.listdir(folder) if found.startswith(name)]
        return [int(number) for number in rest if number.isdecimal()]
    return []


def _whole(path: str, number: int) -> str:
    """The new file of the exchange of this number, when it is whole and not yet in its place."""
    return f"{path}.salvaged-{number}"


def _aside(path: str, number: int) -> str:
    return f"{path}.damaged-{number}"


def copy_readable(damaged: str, path: str, catalog: Catalog, old: FileKey | None, new: FileKey | None) -> Readable:
    """Copy what can be read of the file `damaged` into the new file at `path`, in one transaction.

    `old` and `new`: what the one and the other are encrypted with. StoreError for a database of another program and
    for what never was one, MigrationError for one of another schema version, and whatever `path` cannot be written for.
    """
    _keep_log(damaged)
    try:
        source = open_reader(damaged, old)
    except e.StoreBusy:
        raise
    except e.StoreError:
        _refuse_strange(damaged, encrypted=new is not None)
        return Readable(unread=tuple(table.name for table in catalog.device_tables))
    target = open_writer(path, "full", new)
    try:
        target.pragma("foreign_keys", False)
        target.execute(_TRANSACTION["begin_write"])
        found = _Copy(source, target, catalog).all()
        target.execute(_TRANSACTION["commit"])
        return found
    except apsw.Error as error:
        raise failure(error) from error
    finally:
        source.close(True)
        target.close(True)


def _keep_log(path: str) -> None:
    """SQLite throws the log of an empty file away, and with it all there is: one empty page is added to such a file."""
    log = f"{path}-wal"
    if os.path.getsize(path) == 0 and os.path.exists(log):
        with open(log, "rb") as file:
            head = file.read(_LOG_HEAD_BYTES)
        if len(head) == _LOG_HEAD_BYTES:
            os.truncate(path, int.from_bytes(head[8:12], "big"))


def _refuse_strange(path: str, *, encrypted: bool) -> None:
    """StoreError for a file that SQLite does not open and that never was one of ours, as far as can be seen.

    One of ours begins as every database does, or is known by the names in it; encrypted, it shows no names, but it is
    whole pages. Nothing can be read of this one anyway: what is refused here is putting another file in its place.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(len(PLAIN_HEAD))
            whole_pages = os.fstat(file.fileno()).st_size % _PAGE_BYTES == 0
            if head == PLAIN_HEAD or head.startswith(MAGIC) or (encrypted and whole_pages) or _has_trace(file):
                return
    except OSError as error:
        raise e.StoreError(f"the file cannot be read: {error.strerror}", hint="check that it is yours") from error
    hint = "it is as it was; give its key if it is encrypted; if a database should be here, move it away and sync anew"
    raise e.StoreError(f"{path} is no database, and holds nothing of one", hint=hint)


def _has_trace(file: BinaryIO) -> bool:
    end = b""
    while piece := file.read(_PIECE_BYTES):
        if _TRACE in end + piece:
            return True
        end = piece[-len(_TRACE) :]
    return False


class _Copy:
    """One copy, from connection to connection."""

    def __init__(self, source: apsw.Connection, target: apsw.Connection, catalog: Catalog) -> None:
        self._source = source
        self._target = target
        self._catalog = catalog
        self._unread: set[str] = set()
        self._same_order = True

    def all(self) -> Readable:
        held = self._pairs()
        of_backup = self._is_ours() == meta.BACKUP_ID
        self._refuse_other_version(held.get(meta.SCHEMA_VERSION))
        for key, value in held.items():
            if key not in _OF_THE_NEW_FILE:
                meta.put(self._target, key, value)
        rows = {table.name: self._table(table) for table in self._catalog.device_tables}
        if self._same_order:
            self._play_again()
        strange = self._tables(self._source) - self._tables(self._target)
        return Readable(
            rows=sum(rows.values()),
            entries=rows.get(OUTBOX, 0),
            unread=tuple(sorted(self._unread)),
            undeclared=tuple(sorted(name for name in strange if not name.startswith("_bmad"))),
            of_backup=of_backup,
        )

    def _is_ours(self) -> int:
        """Its application id; StoreError for what another program made."""
        application_id = int(self._source.pragma("application_id") or 0)
        tables = self._tables(self._source)
        if application_id not in (meta.APPLICATION_ID, meta.BACKUP_ID) and tables and "_bmad_meta" not in tables:
            raise e.StoreError("the file is a database of another program", hint="it is as it was; check the path")
        return application_id

    def _refuse_other_version(self, held: str | None) -> None:
        """What waits in it is in the names of its own version."""
        if held is not None and held != str(self._catalog.version):
            raise e.MigrationError(
                f"the file has schema version {held}, this program knows {self._catalog.version}",
                hint="salvage it with the program that wrote it, and the catalog it was made with (--catalog)",
            )

    def _tables(self, connection: apsw.Connection) -> set[str]:
        try:
            return meta.tables(connection)
        except apsw.Error:
            self._unread.add("_bmad_meta")
            return set()

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
        except _NO_DAMAGE:
            raise
        except apsw.Error:
            self._unread.add(name)

    def _put(self, name: str, text: str, row: tuple[Any, ...]) -> None:
        try:
            self._target.execute(text, row)
        except _NOT_WRITTEN:
            raise
        except apsw.Error:  # damage that looks like a row
            self._unread.add(name)

    def _play_again(self) -> None:
        """Rows that could not be read, and that an entry which could be read brings along."""
        for (changeset,) in self._target.execute(_SQL["changesets"]).fetchall():
            try:
                apsw.Changeset.apply(changeset, self._target, conflict=lambda *_: apsw.SQLITE_CHANGESET_OMIT)
            except _NOT_WRITTEN:
                raise
            except apsw.Error:
                self._unread.add(OUTBOX)
