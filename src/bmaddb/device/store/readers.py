"""Reading: a connection for each thread, and for a thread that writes, the one it writes on.

Rules of this room: a reader is opened when a thread first reads and goes with its thread; it never sees half
a transaction of another thread.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import starmap
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, TypeVar

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store.cipher import FileKey
from bmaddb.device.store.connection import open_reader
from bmaddb.device.store.failures import DRIVER_ERRORS, failure
from bmaddb.device.store.raw_door import RawDoor
from bmaddb.device.store.record_cache import RecordCache, list_key
from bmaddb.device.store.search import functions as search
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.records import Record

if TYPE_CHECKING:
    from bmaddb.device.query import Plan, SearchText
    from bmaddb.device.store.probe import Probe

R = TypeVar("R", bound=Record)
MANY_READERS: Final = 50
"""From so many on a file that does not open is one that too many threads have open."""
_SQL: Final = statements.load("bmaddb.device.store", "sql/transaction.sql")


class _Here(threading.local):
    """What one thread has open. `current` is what it reads on: its reader, or the writer while it writes."""

    current: apsw.Connection | None = None
    door: RawDoor | None = None
    reader: apsw.Connection | None = None
    reader_door: RawDoor | None = None
    snapshots: int = 0


class Readers:
    """Runs reading statements on the calling thread's connection."""

    def __init__(
        self, path: str, key: FileKey | None, catalog: Catalog, cache: RecordCache, vfs: str | None = None
    ) -> None:
        self.cache = cache
        self.search_text: SearchText | None = None
        self._path = path
        self._key = key
        self._catalog = catalog
        self._vfs = vfs
        self._here = _Here()
        self.apart: set[int] = set()
        """Threads that write or hold a snapshot, and so do not read what was committed last."""
        self._opened: weakref.WeakSet[apsw.Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False
        self._watch: Callable[[apsw.Connection], Probe] | None = None
        self._probes: weakref.WeakKeyDictionary[apsw.Connection, Probe] = weakref.WeakKeyDictionary()

    @property
    def connection(self) -> apsw.Connection:
        """The connection this thread reads on."""
        return self._here.current or self._open()

    @property
    def door(self) -> RawDoor:
        """The raw door of that connection."""
        here = self._here
        if here.door is None:
            self._open()
        assert here.door is not None  # noqa: S101 -- just opened
        return here.door

    def records(self, record: type[R], text: str, arguments: tuple[Any, ...], plan: Plan) -> list[R]:
        """Every row of a statement that selects the record's slots, as records; `plan` is what it says."""
        cache = self.cache
        if not cache.on or get_ident() in self.apart:
            return self._records(record, text, arguments)
        key = list_key(text, arguments)
        found = cache.rows(key)
        if found is not None:
            return found.copy()
        changes = cache.reading()
        rows = self._records(record, text, arguments)
        if changes >= 0 and cache.asked(key):
            return self._kept(key, plan, rows, changes)
        return rows

    def _kept(self, key: tuple[Any, ...], plan: Plan, rows: list[R], changes: int) -> list[R]:
        from bmaddb.device.query import dependencies_of, settled

        return self.cache.keep_rows(key, dependencies_of(plan), rows, changes) if settled(plan) else rows

    def _records(self, record: type[R], text: str, arguments: tuple[Any, ...]) -> list[R]:
        try:
            return list(starmap(record, (self._here.current or self._open()).execute(text, arguments)))
        except DRIVER_ERRORS as error:
            raise failure(error) from error

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Every row of a statement."""
        try:
            return (self._here.current or self._open()).execute(text, arguments).fetchall()
        except DRIVER_ERRORS as error:
            raise failure(error) from error

    def write_on(self, connection: apsw.Connection, door: RawDoor) -> None:
        """This thread writes on `connection` from now on, and reads its own writes there."""
        self.apart.add(get_ident())
        here = self._here
        here.current, here.door = connection, door  # last: after it nothing can be interrupted any more

    def write_no_more(self) -> None:
        here = self._here
        here.current, here.door = here.reader, here.reader_door
        if not here.snapshots:
            self.apart.discard(get_ident())

    @contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """All this thread reads inside sees one state of the file; yields its connection."""
        connection = self.begin_snapshot()
        try:
            yield connection
        except apsw.Error as error:
            raise failure(error) from error
        finally:
            self.end_snapshot(connection)

    @property
    def still(self) -> bool:
        """Does this thread hold what it reads still?"""
        return self._here.snapshots > 0

    def begin_snapshot(self) -> apsw.Connection:
        """Hold what this thread reads still; nested calls share one snapshot."""
        here, connection = self._here, self.connection
        if connection is here.reader:
            if here.snapshots == 0:
                _run(connection, "begin_read")
            here.snapshots += 1
            self.apart.add(get_ident())
        return connection

    def end_snapshot(self, connection: apsw.Connection) -> None:
        here = self._here
        if connection is here.reader and here.snapshots:
            here.snapshots -= 1
            if here.snapshots == 0:
                if here.current is here.reader:
                    self.apart.discard(get_ident())
                if not self._closed:
                    _run(connection, "rollback")

    def close(self) -> None:
        """Close every thread's reader; one that is reading just now closes when its thread lets it go."""
        with self._lock:
            self._closed = True
            for connection in list(self._opened):
                try:
                    connection.close(True)
                except apsw.Error:
                    connection.interrupt()

    def watch(self, make: Callable[[apsw.Connection], Probe] | None) -> None:
        """Put a probe on every thread's reader, now and when one is opened; None takes them off."""
        with self._lock:
            self._watch = make
            for connection in list(self._opened):
                probe = self._probes.pop(connection, None)
                if probe is not None:
                    probe.remove(connection)
                if make is not None:
                    self._probes[connection] = make(connection)

    def begin_anew(self, key: FileKey | None) -> None:
        """After `close`: every thread opens a reader again, with this key, when it next reads."""
        with self._lock:
            self._key, self._here, self._closed = key, _Here(), False

    def _open(self) -> apsw.Connection:
        with self._lock:
            if self._closed:
                raise e.StoreError("the store is closed", hint="open it again with bmaddb.open()")
            connection = self._opened_here()
            search.register(connection)
            self._opened.add(connection)
            if self._watch is not None:
                self._probes[connection] = self._watch(connection)
        here = self._here
        here.current = here.reader = connection
        here.door = here.reader_door = RawDoor(connection, self._catalog)
        return connection

    def _opened_here(self) -> apsw.Connection:
        try:
            return open_reader(self._path, self._key, self._vfs)
        except e.StoreError as error:
            others = len(self._opened)
            if others < MANY_READERS or not isinstance(error.__cause__, apsw.CantOpenError):
                raise
            raise e.StoreBusy(
                f"{others} threads read this file, and the system opens it no more often",
                hint="read from fewer threads (a pool), or raise the limit of open files",
            ) from error


def _run(connection: apsw.Connection, name: str) -> None:
    try:
        connection.execute(_SQL[name])
    except apsw.Error as error:
        raise failure(error) from error
