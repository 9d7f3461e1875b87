"""The one connection that writes, and the lock that keeps writes in a row: begin, savepoints, commit, undo.

Rules of this room: the lock belongs to the thread of the outermost write; a transaction that does not commit
leaves nothing behind, neither in the file nor here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store.capture import Capture
from bmaddb.device.store.changeset import Change
from bmaddb.device.store.connection import BUSY_WAIT_MS_MAX, Place
from bmaddb.device.store.failures import DRIVER_ERRORS, failure, moved, undone
from bmaddb.device.store.feed import ELSEWHERE, Commit, Feed, Told
from bmaddb.device.store.hooks import BeforeCommit, CommitDraft
from bmaddb.device.store.layouts import Layouts
from bmaddb.device.store.notes import Notes
from bmaddb.device.store.record_cache import RecordCache
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.tables import Table

WRITE_WAIT_MS_MAX: Final = 30_000
ASK_EVERY_MS: Final = 50
"""How soon who waits for the lock hears that it is called off."""
SAVEPOINT_DEPTH_MAX: Final = 100
WhileWaiting: TypeAlias = Callable[[], None]
"""Asked again and again by who waits for the lock; it raises to wait no longer."""
NEWEST_ROWS: Final = 100
"""So many of a table are looked at first for the one that refers to nothing."""
_FULL: Final = 2
"""What `PRAGMA synchronous` says when every commit is synced."""
_HOOK: Final = "bmaddb.applied"
_SQL: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")
_SAVEPOINT: Final = _SQL["savepoint"]
_RELEASE: Final = _SQL["release"]


class Writer:
    """Runs one transaction at a time on `connection`."""

    def __init__(self, connection: apsw.Connection, catalog: Catalog, cache: RecordCache) -> None:
        self.depth = 0
        self._cache = cache
        self.begun: Callable[[], object] = lambda: None
        """Called by whoever has begun a transaction; it is undone when that raises."""
        self.feed = Feed()
        self._catalog = catalog
        self.work_on(connection)
        self._lock = threading.Lock()
        self._owner: int | None = None
        self.capture: Capture | None = None
        """What takes notice of the open write's changes."""
        self._touched: set[str] | None = None
        self._notes: Notes | None = None
        self._followed: frozenset[str] = frozenset()
        self._whole: set[str] = set()
        self._quiet: frozenset[str] = frozenset()
        self._synchronous: int | None = None
        self._after: dict[str, None] = {}

    def work_on(self, connection: apsw.Connection) -> None:
        """Write on this connection from now on; no transaction is open."""
        self.connection = connection
        self._layouts = Layouts(connection, self._catalog)
        self._schema = self._alone = -1
        """The file's schema when its layouts were read, and what the connection counts while nobody else commits."""
        self._place = Place(connection)
        self._seen_version = _data_version(connection)

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
        return self._owner is not None and self.capture is None

    def begin(self, *, captured: bool, durable: bool = False, while_waiting: WhileWaiting | None = None) -> None:
        """Start a transaction; StoreBusy when others write for too long. `durable`: its commit syncs the log."""
        self.acquire(while_waiting)
        try:
            if self._place.lost:
                raise moved()
            if durable:
                self._sync_at_commit()
            self._begin(while_waiting)
            if self.connection.data_version() != self._alone:
                self._notice_schema()
            self._followed = self.feed.tables
            if self._followed:
                self._notice_others()
            if captured:
                self.capture = Capture(self.connection, self._layouts, self._followed)
                self._touched = self.capture.touched
            else:
                self._touched = set()
                self._watch()
            self.depth = 1
            self.begun()
        except BaseException as error:
            self.rollback()
            raise self._translated(error) from error

    def commit(self, hooks: Sequence[BeforeCommit]) -> frozenset[str]:
        """Make the transaction durable; the answer is the tables it touched. Undone when a hook raises."""
        try:
            if not self.connection.in_transaction:
                raise undone()
            self._tell(hooks)
            touched = frozenset(self._touched or ())
            committed = self._committed() if self._followed and touched else None
            cache = self._cache if self._cache.on else None  # it begins only while nobody writes
            rows, unknown = self._changed(touched) if cache is not None else ((), frozenset())
            with self.feed.gate:
                if cache is not None:
                    cache.before_commit()
                self.connection.execute(_SQL["commit"])
                self._alone = self.connection.data_version()
                if cache is not None:
                    cache.after_commit(rows, unknown)
                if touched and self.feed.tables:
                    self.feed.hand(committed or Commit({}, touched))
        except BaseException as error:
            self._doubt()
            translated = self._translated(error)
            self.rollback()
            raise translated from error
        self._end()
        return touched

    def _doubt(self) -> None:
        """A commit that raised may stand, when an interrupt came right after it: all is read again."""
        self._cache.commit_failed()
        if self.feed.tables and not self.connection.in_transaction:
            with self.feed.gate:
                self.feed.hand(ELSEWHERE)

    def depend(self, after: Sequence[str]) -> None:
        """The open write depends on these entries of the outbox."""
        self._after.update(dict.fromkeys(after))

    def expect_many(self) -> None:
        """Many rows are about to be written: capture them the way that is cheap for many."""
        if self.capture is not None:
            self.capture.expect_many()

    @contextmanager
    def bulk(self, tables: Iterable[str]) -> Iterator[None]:
        """Statements of many rows in `tables`, in a transaction from elsewhere: the row by row hook is off."""
        if self._touched is None or not self.applying:
            raise e.StoreError("bulk() belongs inside apply()")
        tables = tuple(tables)
        self._touched.update(tables)
        self._whole.update(tables)
        self._watch_no_more()
        try:
            yield
        finally:
            self._watch()

    @contextmanager
    def quietly(self, tables: Iterable[str]) -> Iterator[None]:
        """Statements in `tables`, in a transaction from elsewhere: nobody is told, and nothing of them stays cached."""
        with self.bulk(()):
            self._quiet = frozenset(tables)
            yield

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
        try:
            self.connection.execute(_SAVEPOINT)
        except apsw.Error as error:
            raise failure(error) from error
        self.depth += 1

    def release(self) -> None:
        self.depth -= 1
        try:
            self.connection.execute(_RELEASE)
        except apsw.Error as error:
            raise failure(error) from error

    def rollback_to(self) -> None:
        self.depth -= 1
        if self.connection.in_transaction:
            if self.capture is not None:
                self.capture.undone()
            self._run("rollback_to")
            self._run("release")

    def acquire(self, while_waiting: WhileWaiting | None = None) -> None:
        """Take the lock without a transaction; `free` gives it back. StoreBusy when others write for too long.

        `while_waiting` is called every 50 ms as long as another thread has the lock (and by `begin`, as long as another
        process writes); it raises to give up.
        """
        here = threading.get_ident()
        if not self._lock.acquire(blocking=False):
            self._wait(while_waiting)
        self._owner = here

    def _wait(self, while_waiting: WhileWaiting | None) -> None:
        at_once_ms = WRITE_WAIT_MS_MAX if while_waiting is None else ASK_EVERY_MS
        for _ in range(WRITE_WAIT_MS_MAX // at_once_ms):
            if self._lock.acquire(timeout=at_once_ms / 1000):
                return
            if while_waiting is not None:
                while_waiting()
        raise e.StoreBusy(f"another thread has been writing for {WRITE_WAIT_MS_MAX} ms", hint="try again")

    def _begin(self, while_waiting: WhileWaiting | None) -> None:
        if while_waiting is None:
            self.connection.execute(_SQL["begin_write"])
            return
        self.connection.set_busy_timeout(ASK_EVERY_MS)
        try:
            for asked_again in range(BUSY_WAIT_MS_MAX // ASK_EVERY_MS, -1, -1):
                try:
                    self.connection.execute(_SQL["begin_write"])
                    return
                except apsw.BusyError:
                    if not asked_again:
                        raise
                while_waiting()
        finally:
            self.connection.set_busy_timeout(BUSY_WAIT_MS_MAX)

    def free(self) -> None:
        self._owner = None
        self._lock.release()

    def when_idle(self, work: Callable[[apsw.Connection], None]) -> None:
        """Let `work` have the connection, if nobody writes just now."""
        if self._lock.acquire(blocking=False):
            try:
                work(self.connection)
            except DRIVER_ERRORS as error:
                raise failure(error) from error
            finally:
                self._lock.release()

    def look_for_others(self) -> None:
        """Has another process written? Then the follower is told. Who writes just now looks by itself."""
        if self._lock.acquire(blocking=False):
            try:
                self._notice_others()
            except DRIVER_ERRORS as error:
                raise failure(error) from error
            finally:
                self._lock.release()

    def begin_anew(self, connection: apsw.Connection) -> None:
        """Write on another connection from now on: the file was replaced, and all who follow read again."""
        self.work_on(connection)
        with self.feed.gate:
            self.feed.hand(ELSEWHERE)

    def _notice_others(self) -> None:
        version = _data_version(self.connection)
        if version != self._seen_version:
            self._seen_version = version
            with self.feed.gate:
                self.feed.hand(ELSEWHERE)

    def _notice_schema(self) -> None:
        """Somebody else has committed; has the file another table, column or trigger since?"""
        self._alone = self.connection.data_version()
        schema = int(self.connection.pragma("schema_version"))
        if schema != self._schema:
            self._schema = schema
            self._layouts = Layouts(self.connection, self._catalog)

    def _changed(self, touched: frozenset[str]) -> tuple[Collection[tuple[str, str]], frozenset[str]]:
        """For the cache: the rows (table, id) that are known to have changed, and the tables where any may have."""
        if not touched:
            return (), self._quiet
        if self.capture is None:
            return (), frozenset(self._layouts.recorded)
        return self.capture.changed()

    def _committed(self) -> Commit:
        told = self.capture.told() if self.capture is not None else self._applied()
        rows: dict[str, list[Change]] = {}
        for table, changes in told.rows.items():
            if table not in told.whole:
                put = self._layouts.in_slots[table]
                rows[table] = [
                    Change(None if old is None else put(old), None if new is None else put(new))
                    for old, new in changes
                    if old != new
                ]
        return Commit(rows, frozenset(told.whole))

    def _applied(self) -> Told:
        rows = {} if self._notes is None else self._notes.changes()
        return Told(rows, self._whole | ((self._touched or set()) - self._followed))

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
        """Notice what a transaction from elsewhere touches; of followed tables each row."""
        self.connection.set_update_hook(self._touch)
        if self._followed:
            self._layouts.look()
            if self._notes is None:
                self._notes = Notes(self.connection, self._layouts)
            self.connection.preupdate_hook(self._note, id=_HOOK)

    def _watch_no_more(self) -> None:
        self.connection.set_update_hook(None)
        if self._notes is not None:
            self.connection.preupdate_hook(None, id=_HOOK)

    def _note(self, update: apsw.PreUpdate) -> None:
        table = update.table_name
        if self._notes is not None and table in self._followed:
            self._notes.note(table, update)

    def _touch(self, _kind: int, _database: str, table: str, _row: int) -> None:
        if self._touched is not None:
            self._touched.add(table)

    def _tell(self, hooks: Sequence[BeforeCommit]) -> None:
        capture = self.capture
        if capture is None or not hooks:
            return
        changeset = capture.changeset()
        if changeset:
            draft = CommitDraft(
                changeset=changeset,
                connection=self.connection,
                tables=capture.recorded,
                wrote=capture.wrote,
                after=tuple(self._after),
            )
            for hook in hooks:
                hook(draft)

    def _end(self) -> None:
        try:
            if self.capture is not None:
                self.capture.close()
            else:
                self._watch_no_more()
            # Inside a transaction that could not even be undone, SQLite refuses; then the next one is careful too.
            if self._synchronous is not None and not self.connection.in_transaction:
                self.connection.pragma("synchronous", self._synchronous)
                self._synchronous = None
        finally:
            self.capture = self._touched = self._notes = None
            self._whole, self._quiet, self._after = set(), frozenset(), {}
            self.depth = 0
            self.free()

    def _translated(self, error: BaseException) -> BaseException:
        if not isinstance(error, apsw.Error):
            return error
        if isinstance(error, apsw.ConstraintError) and self.connection.in_transaction:
            return self._broken_reference() or failure(error)
        return failure(error)

    def _broken_reference(self) -> e.RecordInvalid | None:
        """Which row refers to nothing: asked only when a commit, or an operation of a batch, was refused for it."""
        from bmaddb.schema.sqlite_ddl import enforced_references
        from bmaddb.schema.sqlite_ddl_rows import read_newest_orphan

        touched = self._touched or set()
        tables = [table for table in self._catalog.device_tables if table.name in touched or _refers_to(table, touched)]
        for table in tables:  # most often it was inserted just now; the tables may be long
            for column in enforced_references(table, self._catalog):
                for _ in self.connection.execute(read_newest_orphan(table, column), (NEWEST_ROWS,)):
                    return _refers_to_nothing(table.name, column.name, str(column.spec.references))
        for table in tables:
            for parent, name in self.connection.execute(_SQL["broken_reference"], (table.name,)):
                return _refers_to_nothing(table.name, name, parent)
        return None


def _refers_to_nothing(table: str, column: str, parent: str) -> e.RecordInvalid:
    return e.RecordInvalid(
        f"{table}.{column} names a row of {parent} that is not there",
        hint="insert the parent first, or fetch it if it is archived; or delete what refers to it",
    )


def _data_version(connection: apsw.Connection) -> int:
    """Another number after each commit of another connection."""
    return int(connection.pragma("data_version"))


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
