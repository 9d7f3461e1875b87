"""The one connection that writes, and the lock that keeps writes in a row: begin, savepoints, commit, undo.

Rules of this room: the lock belongs to the thread of the outermost write; a transaction that does not commit
leaves nothing behind, neither in the file nor here.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store.capture import Capture, Layouts
from bmaddb.device.store.connection import Place
from bmaddb.device.store.failures import failure, moved
from bmaddb.device.store.hooks import BeforeCommit, CommitDraft
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.tables import Table

WRITE_WAIT_MS_MAX: Final = 30_000
SAVEPOINT_DEPTH_MAX: Final = 100
_FULL: Final = 2
"""What `PRAGMA synchronous` says when every commit is synced."""
_SQL: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")


class Writer:
    """Runs one transaction at a time on `connection`."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog) -> None:
        self.depth = 0
        self._catalog = catalog
        self.work_on(connection)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self._capture: Capture | None = None
        self._touched: set[str] | None = None
        self._synchronous: int | None = None
        self._after: dict[str, None] = {}

    def work_on(self, connection: apsw.Connection) -> None:
        """Write on this connection from now on; no transaction is open."""
        self.connection = connection
        self._layouts = Layouts(connection, self._catalog)
        self._place = Place(connection)

    @property
    def mine(self) -> bool:
        """Does this thread write just now?"""
        return self._owner == threading.get_ident()

    @property
    def busy(self) -> bool:
        """Does any thread write just now?"""
        return self._lock.locked()

    @property
    def applying(self) -> bool:
        """Is the transaction one from elsewhere, which is not captured?"""
        return self._owner is not None and self._capture is None

    def begin(self, *, captured: bool, durable: bool = False) -> None:
        """Start a transaction; StoreBusy when others write for too long. `durable`: its commit syncs the log."""
        self.acquire()
        try:
            if self._place.lost:
                raise moved()
            if durable:
                self._sync_at_commit()
            self.connection.execute(_SQL["begin_write"])
            if captured:
                self._capture = Capture(self.connection, self._layouts)
                self._touched = self._capture.touched
            else:
                self._watch()
        except BaseException as error:
            self.rollback()
            raise self._translated(error) from error
        self.depth = 1

    def commit(self, hooks: Sequence[BeforeCommit]) -> frozenset[str]:
        """Make the transaction durable; the answer is the tables it touched. Undone when a hook raises."""
        try:
            self._tell(hooks)
            self.connection.execute(_SQL["commit"])
            touched = frozenset(self._touched or ())
        except BaseException as error:
            translated = self._translated(error)
            self.rollback()
            raise translated from error
        self._end()
        return touched

    def depend(self, after: Sequence[str]) -> None:
        """The open write depends on these entries of the outbox."""
        if after:
            self._after.update(dict.fromkeys(after))

    def expect_many(self) -> None:
        """Many rows are about to be written: capture them the way that is cheap for many."""
        if self._capture is not None:
            self._capture.expect_many()

    @contextmanager
    def bulk(self, tables: Iterable[str]) -> Iterator[None]:
        """Statements of many rows in `tables`, in a transaction from elsewhere: the row by row hook is off."""
        if self._touched is None or not self.applying:
            raise e.StoreError("bulk() belongs inside apply()")
        self._touched.update(tables)
        self.connection.set_update_hook(None)
        try:
            yield
        finally:
            self.connection.set_update_hook(self._touch)

    def check_references(self) -> None:
        """RecordInvalid when a row refers to nothing now, as the commit would find."""
        unresolved, _ = self.connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)
        if unresolved:
            raise self._broken_reference() or e.RecordInvalid("a row names another that is not there")

    def rollback(self) -> None:
        """Undo the transaction; safe when SQLite has undone it already."""
        try:
            if self.connection.in_transaction:
                self.connection.execute(_SQL["rollback"])
        finally:
            self._end()

    def savepoint(self) -> None:
        if self.depth >= SAVEPOINT_DEPTH_MAX:
            raise e.StoreError(f"writes are nested deeper than {SAVEPOINT_DEPTH_MAX}")
        self._run("savepoint")
        self.depth += 1

    def release(self) -> None:
        self.depth -= 1
        self._run("release")

    def rollback_to(self) -> None:
        self.depth -= 1
        if self.connection.in_transaction:
            self._run("rollback_to")
            self._run("release")

    def acquire(self) -> None:
        """Take the lock without a transaction; `free` gives it back."""
        if not self._lock.acquire(timeout=WRITE_WAIT_MS_MAX / 1000):
            raise e.StoreBusy(f"another thread has been writing for {WRITE_WAIT_MS_MAX} ms", hint="try again")
        self._owner = threading.get_ident()

    def free(self) -> None:
        self._owner = None
        self._lock.release()

    def _run(self, name: str) -> None:
        try:
            self.connection.execute(_SQL[name])
        except apsw.Error as error:
            raise failure(error) from error

    def _sync_at_commit(self) -> None:
        usual = int(self.connection.pragma("synchronous"))
        if usual < _FULL:
            self.connection.pragma("synchronous", "FULL")
            self._synchronous = usual

    def _watch(self) -> None:
        self._touched = set()
        self.connection.set_update_hook(self._touch)

    def _touch(self, _kind: int, _database: str, table: str, _row: int) -> None:
        if self._touched is not None:
            self._touched.add(table)

    def _tell(self, hooks: Sequence[BeforeCommit]) -> None:
        capture = self._capture
        if capture is None or not hooks:
            return
        changeset = capture.changeset()
        if changeset:
            draft = CommitDraft(
                changeset=changeset, connection=self.connection, tables=capture.recorded, after=tuple(self._after)
            )
            for hook in hooks:
                hook(draft)

    def _end(self) -> None:
        if self._capture is not None:
            self._capture.close()
        else:
            self.connection.set_update_hook(None)
        self._capture = self._touched = None
        # Inside a transaction that could not even be undone, SQLite refuses; then the next one is careful too.
        if self._synchronous is not None and not self.connection.in_transaction:
            self.connection.pragma("synchronous", self._synchronous)
            self._synchronous = None
        self._after.clear()
        self.depth = 0
        self.free()

    def _translated(self, error: BaseException) -> BaseException:
        if not isinstance(error, apsw.Error):
            return error
        if isinstance(error, apsw.ConstraintError) and self.connection.in_transaction:
            return self._broken_reference() or failure(error)
        return failure(error)

    def _broken_reference(self) -> e.RecordInvalid | None:
        """Which row refers to nothing: asked only when a commit was refused for it."""
        touched = self._touched or set()
        for table in self._catalog.device_tables:
            if table.name in touched or _refers_to(table, touched):
                for parent, column in self.connection.execute(_SQL["broken_reference"], (table.name,)):
                    return e.RecordInvalid(
                        f"{table.name}.{column} names a row of {parent} that is not there",
                        hint="insert the parent first, or fetch it if it is archived; or delete what refers to it",
                    )
        return None


class Savepoint:
    """A part of the open transaction, for `with`: undone alone when its block raises."""

    __slots__ = ("_writer",)

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.savepoint()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._writer.release()
        else:
            self._writer.rollback_to()


def _refers_to(table: Table, names: set[str]) -> bool:
    return any(column.spec.references in names for column in table.foreign_keys)
