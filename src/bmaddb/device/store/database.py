"""The store: one SQLite file with typed reads and writes, usable from any thread.

Rules of this room: nothing is written outside a transaction; what others must know of a commit they learn
through the hooks, so the store knows neither outbox nor observer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

import apsw

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.device.query import compiler_writes
from bmaddb.device.store import meta
from bmaddb.device.store.capture import Capture
from bmaddb.device.store.cipher import FileKey, Secret, new_file_key
from bmaddb.device.store.connection import Durability, checked_path, open_reader, open_with_secret, open_writer
from bmaddb.device.store.copies import copy_to, remove_leftover, replace_file
from bmaddb.device.store.failures import DRIVER_ERRORS, failure
from bmaddb.device.store.feed import Feed
from bmaddb.device.store.hooks import AfterCommit, BeforeCommit, CommitFact, Origin, tell
from bmaddb.device.store.ids import Moment
from bmaddb.device.store.migrations import UserName, bind_user, bring_up
from bmaddb.device.store.noted import Noted
from bmaddb.device.store.raw_door import Arguments, RawDoor
from bmaddb.device.store.readers import Readers
from bmaddb.device.store.record_cache import CACHE_BYTES, RecordCache
from bmaddb.device.store.search.currency import rowids_may_differ
from bmaddb.device.store.search.functions import register
from bmaddb.device.store.writer import Savepoint, WhileWaiting, Writer
from bmaddb.entropy import Entropy
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.conditions import Search
from bmaddb.schema.records import Record
from bmaddb.signals import Committed, SignalBus

if TYPE_CHECKING:
    from bmaddb.device.query import Query, SearchText
    from bmaddb.device.query.plan import Statement
    from bmaddb.device.store.probe import Gauge, Probe
    from bmaddb.device.store.records import RowMaker
    from bmaddb.device.store.search import SearchIndex
    from bmaddb.device.store.transaction import WriteTransaction
    from bmaddb.schema.evolution import Migration

R = TypeVar("R", bound=Record)


class Store(Noted):
    """The file at `path` with the tables of `catalog`.

    `user` (a UUID) is bound to the file at the first open that names one. `durability`: "full" survives a power cut
    after every commit, "normal" may lose the last ones then, never more. `key` (32 bytes, or a Passphrase) encrypts
    the file. `seed` puts the catalogue rows the program carries into a new file; else they come by sync. `migrations`
    lead an older file to the catalog's version. `vfs` names a registered SQLite VFS to reach it through
    (`bmaddb.testing.power`); None is the usual one. `cache_bytes`: so much of what was read stays in memory; 0 is none.
    StoreCorrupt for a damaged file, WrongKey when this key does not open it, MigrationError if it cannot be brought up.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        catalog: Catalog,
        *,
        clock: Clock,
        entropy: Entropy,
        user: UserName | None = None,
        durability: Durability = "full",
        key: Secret | None = None,
        seed: bool = False,
        migrations: Sequence[Migration] = (),
        signals: SignalBus | None = None,
        vfs: str | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.path = checked_path(path)
        self.catalog = catalog
        self.migrations = tuple(migrations)
        self.clock = clock
        self.entropy = entropy
        self.signals = signals if signals is not None else SignalBus()
        self.before_writing: list[Callable[[], object]] = []
        """Called before the first write begins, and then no more: who takes part in commits may come that late."""
        self.before_commit: list[BeforeCommit] = []
        self.after_commit: list[AfterCommit] = []
        self._makers: dict[type[Record], RowMaker] = {}
        self._reads: dict[type[Record], str] = {}
        self._queries: dict[type[Record], Query[Any]] = {}
        self._writes: type[WriteTransaction] | None = None
        self._closed = False
        self._gauge: Gauge | None = None
        self._probe: Probe | None = None
        self._durability, self._vfs = durability, vfs
        connection, self._key = open_with_secret(self.path, durability, key, entropy, vfs)
        try:
            self.fresh = bring_up(connection, catalog, steps=migrations, clock=clock, entropy=entropy)
            self.user = bind_user(connection, user)
            self.device_id = meta.get(connection, meta.DEVICE_ID) or ""
            remove_leftover(self.path)
        except BaseException as error:
            connection.close(True)
            raise failure(error) if isinstance(error, apsw.Error) else error from error
        self._cache = RecordCache(0 if vfs is not None else cache_bytes)
        self._writer = Writer(connection, catalog, self._cache)
        self._readers = Readers(self.path, self._key, catalog, self._cache, vfs)
        self._apart = self._readers.apart
        self._writer.begun = lambda: self._readers.write_on(self._writer.connection, self.writing_door)
        self.writing_door = RawDoor(connection, catalog)
        register(connection)
        self._readers.search_text = self._searched
        if rowids_may_differ(connection):
            self.search.mind_rowids()
        if seed and self.fresh:
            self._plant()

    # -- reading -------------------------------------------------------------------------------------------

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id, or None."""
        cache = self._cache
        if not cache.wanted or (self._apart and get_ident() in self._apart):
            return self._get(record, row_id)
        found: R | None = cache.record(record, row_id)
        if found is not None:
            return found
        if cache.warm():
            self._writer.when_idle(cache.begin)
        changes = cache.reading()
        found = self._get(record, row_id)
        if found is not None and changes >= 0:
            cache.keep(found, changes)
        return found

    def _get(self, record: type[R], row_id: str) -> R | None:
        try:
            text = self._reads[record]
        except KeyError:
            text = self._read_text(record)
        try:
            for row in self._readers.connection.execute(text, (row_id,)):
                return record(*row)
        except DRIVER_ERRORS as error:
            raise failure(error, given=(row_id,)) from error
        return None

    def expect(self, lists: Sequence[Query[Any]]) -> None:
        """Records are about to be read ahead: hold them from now on, and these lists when they are next read."""
        if self._cache.wanted and not self._cache.on:
            self._writer.when_idle(self._cache.begin)
        for one in lists:
            self._cache.expect(one.statement(None))

    def query(self, record: type[R]) -> Query[R]:
        """Every row of the record's table, to be narrowed: `.where(...)`, `.order_by(...)`, then `.all()`."""
        try:
            return self._queries[record]
        except KeyError:
            from bmaddb.device.query import query_of

            self._read_text(record)
            return self._queries.setdefault(record, query_of(self._readers, record))

    @cached_property
    def search(self) -> SearchIndex:
        """The text index of the file."""
        from bmaddb.device.store.search import SearchIndex

        return SearchIndex(self)

    @property
    def search_text(self) -> SearchText | None:
        """How `.search()` becomes a condition: by the text index. None looks with LIKE."""
        return self._readers.search_text

    @search_text.setter
    def search_text(self, search_text: SearchText | None) -> None:
        self._readers.search_text = search_text

    def sql(self, sql: str, arguments: Arguments = (), /) -> list[tuple[Any, ...]]:
        """The rows of one reading statement in your own words; values belong into `arguments`."""
        return self._readers.door.run(sql, arguments, reading=True)

    def tuples(self, text: str, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The rows of a statement of the engine's own, read on this thread's connection."""
        return self._readers.tuples(text, arguments)

    def read(self) -> AbstractContextManager[apsw.Connection]:
        """A snapshot: all this thread reads inside sees one state. Yields its connection, for reading."""
        return self._readers.snapshot()

    # -- writing -------------------------------------------------------------------------------------------

    def write(self, *, after: Sequence[str] = (), while_waiting: WhileWaiting | None = None) -> WriteTransaction:
        """A transaction for `with`; inside another write of the same thread, a savepoint of it.

        `after`: ids of outbox entries that go to the server first. `while_waiting`: see `Writer.acquire`.
        """
        make = self._writes
        if make is None:
            from bmaddb.device.store.transaction import WriteTransaction

            make = self._writes = WriteTransaction
        return make(self, after, while_waiting)

    @contextmanager
    def apply(
        self, origin: Origin = "remote", *, durable: bool = False, while_waiting: WhileWaiting | None = None
    ) -> Iterator[apsw.Connection]:
        """A transaction that is not captured, for rows that come from elsewhere; yields the connection.

        `durable`: it and all before it survive a power cut, at durability "normal" too. `while_waiting`: as of `write`.
        References are checked when it commits. StoreError inside another write of the same thread.
        """
        if self._writer.mine:
            raise e.StoreError("apply() cannot run inside a write", hint="let the write end first")
        self._begin(captured=False, durable=durable, while_waiting=while_waiting)
        try:
            yield self._writer.connection
        except BaseException as error:
            self._undo()
            if isinstance(error, apsw.Error):
                raise failure(error, self.catalog.device_tables) from error
            raise
        self._commit((), origin)

    @contextmanager
    def maintain(self, *tables: str) -> Iterator[apsw.Connection]:
        """A transaction on what the store keeps for itself, and on `tables`: it is not captured, and nobody is told."""
        with self.apply("local") as connection, self._writer.quietly(tables):
            yield connection

    @property
    def feed(self) -> Feed:
        """The changed rows of each commit, for who follows them."""
        return self._writer.feed

    def look_for_others(self) -> None:
        """Has another process written into the file? Then who follows the feed is told."""
        if not self._closed:
            self._writer.look_for_others()

    @property
    def writer_busy(self) -> bool:
        """Does any thread write just now?"""
        return self._writer.busy

    @contextmanager
    def alone(self) -> Iterator[apsw.Connection]:
        """The connection that writes, no transaction open and no other thread on it; StoreError if SQLite refuses."""
        if self._writer.mine:
            raise e.StoreError("this cannot run inside a write", hint="let the write end first")
        self._writer.acquire()
        try:
            self._refuse_closed()
            yield self._writer.connection
        except apsw.Error as error:
            raise failure(error) from error
        finally:
            self._writer.free()

    def bulk(self, *tables: str) -> AbstractContextManager[None]:
        """Inside `apply()`: statements of many rows, which touch `tables`; nobody is told row by row."""
        return self._writer.bulk(tables)

    def watch(self, gauge: Gauge | None) -> None:
        """Let `gauge` measure every statement from now on, on every connection; None ends it."""
        self._gauge = gauge
        if self._probe is not None:
            self._probe.remove(self._writer.connection)
            self._probe = None
        if gauge is not None:
            self._probe = self._probed(gauge, self._writer.connection)
        self._readers.watch(None if gauge is None else partial(self._probed, gauge))

    # -- the whole file ------------------------------------------------------------------------------------

    @property
    def key(self) -> FileKey | None:
        """What the file is encrypted with; None for a plain one."""
        return self._key

    def backup(self, path: str | os.PathLike[str], key: FileKey | None) -> None:
        """A copy of the file as it is now at `path`, which is free, encrypted with `key`; writers go on.

        It says that it is a backup, for a file that is simply used again would give out the same numbers twice.
        """
        self._refuse_closed()
        reader = open_reader(self.path, self._key, self._vfs)
        try:
            copy_to(reader, checked_path(path), key, self.entropy, meta.mark_backup)
        finally:
            reader.close(True)

    def rekey(self, secret: Secret | None) -> None:
        """Encrypt the file with another key or passphrase, or (None) not at all; it stays open.

        StoreBusy when another process has the file open; nothing changed then. Reads of other threads may fail once.
        """
        key = None if secret is None else new_file_key(secret, self.entropy)
        if self._writer.mine:
            raise e.StoreError("rekey() cannot run inside a write", hint="let the `with` block end first")
        self._writer.acquire()
        try:
            self._refuse_closed()
            self._cache.end()
            self._readers.close()
            try:
                replace_file(self._writer.connection, key)
                self._key = key
            except apsw.Error as error:
                raise failure(error) from error
            finally:
                self._writer.connection.close(True)
                self._open_again()
        finally:
            self._writer.free()
        self.search.mind_rowids()

    def close(self) -> None:
        """Close the file for every thread, after a write in another has ended; again is fine."""
        if self._closed:
            return
        if self._writer.mine:
            raise e.StoreError("the store cannot be closed inside a write", hint="let the `with` block end first")
        self._writer.acquire()
        try:
            if not self._closed:
                self._closed = True
                self._cache.end()
                self._readers.close()
                self._writer.connection.close(True)
        except apsw.Error as error:
            raise failure(error) from error
        finally:
            self._writer.free()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- for WriteTransaction ------------------------------------------------------------------------------

    @property
    def writes_here(self) -> bool:
        """Does this thread write just now?"""
        return self._writer.mine

    @property
    def holds_still(self) -> bool:
        """Does this thread write, or hold a snapshot, so that it would not see what others commit?"""
        return self._writer.mine or self._readers.still

    @property
    def writing_connection(self) -> apsw.Connection:
        """The connection of the open write; each row that is changed through it is noted."""
        if (capture := self._writer.capture) is not None:
            capture.watch()
        return self._writer.connection

    def begin_write(self, after: Sequence[str], while_waiting: WhileWaiting | None) -> tuple[Capture, bool]:
        """Start a transaction, or a savepoint in this thread's one.

        The answer is what takes notice of its changes, and whether it is the outermost.
        """
        writer = self._writer
        outermost = not writer.mine
        if outermost:
            if self.before_writing:
                self._prepare()
            self._begin(captured=True, while_waiting=while_waiting)
        capture = writer.capture
        if capture is None:
            raise e.StoreError("write() cannot run inside apply()", hint="its changes would not be captured")
        if not outermost:
            writer.savepoint()
        if after:
            writer.depend(after)
        return capture, outermost

    def end_write(self, *, outermost: bool, keep: bool) -> None:
        """End what `begin_write` started: keep its changes, or undo them."""
        if outermost:
            inserted, self.writing_door.inserted_into = self.writing_door.inserted_into, set()
            if keep:
                self._commit([self._judged(inserted), *self.before_commit] if inserted else self.before_commit, "local")
            else:
                self._undo()
        elif keep:
            self._writer.release()
        else:
            self._writer.rollback_to()

    def _judged(self, inserted: set[str]) -> BeforeCommit:
        from bmaddb.device.store.raw_rows import RawRows

        return RawRows(self._writer.connection, self.catalog, self.user, inserted).judge

    def savepoint(self) -> Savepoint:
        """A part of this thread's write, for `with`: undone alone when its block raises."""
        return Savepoint(self._writer)

    def check_references(self) -> None:
        """RecordInvalid when a row of this thread's write refers to nothing, as its commit would find."""
        self._writer.check_references()

    def expect_many(self) -> None:
        """Many rows are about to be written in this thread's write."""
        self._writer.expect_many()

    def row_maker(self, record: type[Record]) -> RowMaker:
        """What makes rows of this record; ReadOnlyTable when a device may not write its table."""
        try:
            return self._makers[record]
        except KeyError:
            from bmaddb.device.store.records import RowMaker

            self._read_text(record)
            return self._makers.setdefault(record, RowMaker(record))

    def moment(self) -> Moment:
        """What the envelope of a row made now consists of."""
        return Moment(self.user, self.clock.now_ms(), self.entropy)

    # -- inside --------------------------------------------------------------------------------------------

    def _open_again(self) -> None:
        connection = open_writer(self.path, self._durability, self._key, self._vfs)
        register(connection)
        self._writer.begin_anew(connection)
        self.writing_door = RawDoor(connection, self.catalog)
        self._readers.begin_anew(self._key)
        if self._gauge is not None:
            self._probe = self._probed(self._gauge, connection)

    def _prepare(self) -> None:
        """Two threads may come here at once: what is called is called by both, and the second one waits."""
        for hook in tuple(self.before_writing):
            hook()
        self.before_writing.clear()

    def _plant(self) -> None:
        from bmaddb.device.store import seeds

        with self.apply("local") as connection:
            seeds.plant(connection, self.catalog)

    def _searched(self, search: Search) -> Statement:
        return self.search.condition(search)

    def _probed(self, gauge: Gauge, connection: apsw.Connection) -> Probe:
        """Told by whom: a reader may be opened while another thread ends the measuring."""
        from bmaddb.device.store.probe import Probe

        return Probe(connection, gauge, self.clock)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise e.StoreError("the store is closed", hint="open it again with bmaddb.open()")

    def _begin(self, *, captured: bool, durable: bool = False, while_waiting: WhileWaiting | None = None) -> None:
        self._refuse_closed()
        self._writer.begin(captured=captured, durable=durable, while_waiting=while_waiting)

    def _commit(self, hooks: list[BeforeCommit] | tuple[()], origin: Origin) -> None:
        try:
            touched = self._writer.commit(hooks)
        finally:
            self._readers.write_no_more()
        if touched:
            self._tell(CommitFact(tables=touched, origin=origin, captured=isinstance(hooks, list)))

    def _undo(self) -> None:
        self._readers.write_no_more()
        self._writer.rollback()

    def _tell(self, fact: CommitFact) -> None:
        """The commit stands; a listener that fails must not make it look undone."""
        tell(self.after_commit, fact)
        if self.signals.heard(Committed):
            self.signals.emit(Committed(tables=fact.tables, origin=fact.origin))

    def _read_text(self, record: type[Record]) -> str:
        if not isinstance(record, type) or not self.catalog.declares(record):
            from bmaddb.device.store.records import undeclared

            raise undeclared(record)
        if not record.__table__.on_device:
            raise e.ReadOnlyTable(f"{record.__table__.name} lives on the server only")
        text = self._reads[record] = compiler_writes.select_by_id(record)
        return text
