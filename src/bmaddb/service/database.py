"""A device's database: typed reads and writes on a file, and sync with a server when there is one.

Rules of this room: it joins rooms and decides nothing; what it offers is one line to the room that does it, and rooms
that not everybody needs are loaded with the first call.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.search import MARKS, SNIPPET_WORDS
from bmaddb.schema import Catalog, Record
from bmaddb.service.keys import secret_of
from bmaddb.service.parts import Parts
from bmaddb.signals import SignalBus

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import datetime

    import apsw

    from bmaddb.device.atomic import BatchResult, Bounds, Operation, OperationResult, OuterStep, ResumeReport, Step
    from bmaddb.device.observe import Subscription
    from bmaddb.device.outbox import Outbox
    from bmaddb.device.query import Query
    from bmaddb.device.query.aggregates import Aggregate
    from bmaddb.device.query.ends import Ends
    from bmaddb.device.requests import RequestQueue
    from bmaddb.device.store import WriteTransaction
    from bmaddb.device.store.search import Found
    from bmaddb.device.store.vectors import Near
    from bmaddb.device.sync import BackgroundSync, Schedule, Side, SyncEngine, SyncReport, VerifyReport
    from bmaddb.device.transfer import ExportReport, ImportReport, TellProgress
    from bmaddb.device.upkeep import IntegrityReport, UpkeepPolicy
    from bmaddb.modules.sync_status import ServerRequest, SyncConflict
    from bmaddb.monitor import Monitor
    from bmaddb.monitor.health import HealthRegistry
    from bmaddb.personality.desk import Personality
    from bmaddb.service.health import DatabaseHealth
    from bmaddb.service.joining import Connect
    from bmaddb.service.operations import OperationDesk
    from bmaddb.service.status import DatabaseStatus
    from bmaddb.service.upkeep import Upkeep

R = TypeVar("R", bound=Record)
T = TypeVar("T")
_UNSAID: Final = object()


class Database:
    """What `bmaddb.open` gives. Usable from any thread; close it, or use it in a `with`."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox | None = None,
        engine: SyncEngine | None = None,
        policy: UpkeepPolicy | None = None,
        connect: Connect | None = None,
    ) -> None:
        self.store = store
        self._parts = Parts(store, outbox, engine, connect, policy)
        self._background: BackgroundSync | None = None
        self._starting = threading.Lock()

    @property
    def outbox(self) -> Outbox:
        """What waits for the server. It joins the commits before the first write: who only reads never loads it."""
        return self._parts.outbox

    @property
    def user(self) -> str | None:
        """The UUID of the user whose file this is; None as long as nobody signed in."""
        return self.store.user

    @property
    def device_id(self) -> str:
        """The UUID of this file as a device."""
        return self.store.device_id

    @property
    def catalog(self) -> Catalog:
        """The tables of this file, those of its modules together."""
        return self.store.catalog

    @property
    def signals(self) -> SignalBus:
        """What happens in this database, as facts to listen to."""
        return self.store.signals

    @property
    def requests(self) -> RequestQueue:
        """What only the server can carry out, and waits for it: open, done, dead; to cancel and to retry."""
        return self._parts.requests()

    def request(
        self,
        kind: str,
        payload: Any = None,
        *,
        priority: int = 5,
        after: Sequence[str] = (),
        deadline: datetime | None = None,
        key: str | None = None,
    ) -> ServerRequest:
        """Have the server do something once it can be reached: durable, in order, with one effect.

        - `kind`, `payload`: what the server's handlers know it by, and a JSON value for them.
        - `priority`: 0 goes first, 9 last; of the same the older one first.
        - `after`: ids of requests that must be done, and of outbox entries that must be settled, before it leaves.
          Inside a `write()` it comes after that write by itself, and is undone with it.
        - `deadline`: not done by then, it is a dead letter. Aware; None is the kind's (`requests.define`).
        - `key`: asked for again under the same key, on any device of the user, it is the same request.

        RequestInvalid for what makes no sense, RequestQueueFull, RecordInvalid when the payload is no JSON.
        """
        return self.requests.add(kind, payload, priority=priority, after=after, deadline=deadline, key=key)

    @property
    def upkeep(self) -> Upkeep:
        """What keeps the file small: usage, clean-up, and archived rows back on demand."""
        return self._parts.upkeep()

    @property
    def personality(self) -> Personality:
        """Adapting to use, with a type preference as a small prior if its user agreed; off until then."""
        return self._parts.personality()

    @property
    def operations(self) -> OperationDesk:
        """Where operations are run: who shapes them before, and how many wait."""
        return self._parts.operations()

    def execute(self, operation: Operation, *, bounds: Bounds | None = None, sync: bool = False) -> OperationResult:
        """Run an operation: all its steps and checks, or nothing of it; its result says which, and why.

        `bounds`: how long it may take, its lane in the queue, how it is called off. `sync`: send it at once when it
        stands; the background sync does so by itself. AtomicError for one that is declared wrongly, or inside a write.
        """
        result = self.operations.execute(operation, bounds)
        self._sync_if(sync and result.ok)
        return result

    def execute_batch(
        self, operations: Sequence[Operation], *, bounds: Bounds | None = None, sync: bool = False
    ) -> BatchResult:
        """Run many operations in one transaction; one that fails is undone alone, what is fatal undoes all."""
        batch = self.operations.execute_batch(operations, bounds)
        self._sync_if(sync and bool(batch.committed))
        return batch

    def resume(self, steps: Mapping[str, Sequence[Step | OuterStep]], *, again: bool = False) -> ResumeReport:
        """Undo the sagas that a crash cut off, and those whose compensation failed and is due again.

        `steps`: operation type -> the steps that operations of it are made of. Call it when the program starts; with
        `again`, what has to be tried again is, in the background and when it is due, until the database is closed.
        """
        return self.operations.resume(steps, again=again)

    @property
    def monitor(self) -> Monitor:
        """What the database does and how long it takes, while `db.monitor.start()` is on."""
        return self._parts.monitor()

    def write(self, *, after: Sequence[str] = ()) -> WriteTransaction:
        """`with db.write() as tx:` one transaction, and one unit on the server; nested, a savepoint.

        `after`: ids of outbox entries (`EntryQueued.id`) that must reach the server before this write does.
        """
        return self.store.write(after=after)

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id, or None. One that is archived is fetched; RowArchived when it cannot be."""
        found = self.store.get(record, row_id)
        if found is None:
            with self.store.read():  # of one moment: it may just be coming back, or leaving
                found = self.store.get(record, row_id)
                archived = found is None and self.store.is_archived(record, row_id)
            if archived:
                return next(iter(self.upkeep.fetch(record, (row_id,))), None)
        return found

    def query(self, record: type[R]) -> Query[R]:
        """Every row of the record's table, to be narrowed: `.where(...)`, `.order_by(...)`, then `.all()`."""
        return self.store.query(record)

    def search(
        self,
        rows: type[R] | Query[R],
        text: str,
        *,
        limit: int = 20,
        marks: tuple[str, str] = MARKS,
        snippet_words: int = SNIPPET_WORDS,
    ) -> list[Found[R]]:
        """The rows that hold the words of `text`, the best first, with a snippet; of a record's table or a query.

        Every word must be found, in a form of its own, Dutch or English; "in quotes" as it is written; begin* as
        the beginning of a word. Any text is fine. A row just written is found, and stands first until it is indexed.
        QueryError when the table has no searchable columns or `limit` is not from 1 to 1000.
        """
        query = self.query(rows) if isinstance(rows, type) else rows
        return self.store.search.best(query, text, limit=limit, marks=marks, words=snippet_words)

    def nearest(self, rows: type[R] | Query[R], vector: Sequence[float], k: int = 10) -> list[Near[R]]:
        """The `k` rows whose vector is nearest by cosine, the nearest first; of a record's table or a query.

        The vector of a row is its only blob column: float32, little-endian, as `store.vectors.packed` writes it; rows
        with another number of dimensions fall away. Exact: every vector is compared, with sqlite-vec
        (`pip install bmaddb[vectors]`) some ten times as fast. QueryError for another table or another `k` than
        1 to 1000, RecordInvalid for what is no vector.
        """
        from bmaddb.device.store.vectors import nearest

        return nearest(self.store, self.query(rows) if isinstance(rows, type) else rows, vector, k)

    @overload
    def observe(
        self,
        what: type[R],
        which: str,
        *,
        callback: Callable[[R | None], object] | None = None,
        executor: Executor | None = None,
    ) -> Subscription[R | None]: ...
    @overload
    def observe(
        self,
        what: Query[R],
        which: Aggregate[T],
        *,
        callback: Callable[[T], object] | None = None,
        executor: Executor | None = None,
    ) -> Subscription[T]: ...
    @overload
    def observe(
        self,
        what: Ends[T],
        *,
        callback: Callable[[list[T]], object] | None = None,
        executor: Executor | None = None,
    ) -> Subscription[list[T]]: ...
    def observe(
        self,
        what: Any,
        which: Any = None,
        *,
        callback: Callable[[Any], object] | None = None,
        executor: Executor | None = None,
    ) -> Subscription[Any]:
        """What a query gives, now and each time a commit makes it another: `for tasks in db.observe(query): ...`.

        - `observe(query)`: its rows, of `query.select(...)` the chosen columns; without an order, in the order of ids
        - `observe(Task, id)`: the record, None while there is none
        - `observe(query, count_of())`, or another aggregate: the number

        Keep what it answers: dropped or closed, it ends. `callback` gets each state on one of a few threads, or on
        `executor`. QueryError for what is no query of this database, StoreError inside a write or a snapshot.
        """
        from bmaddb.service.observing import subscribe

        return subscribe(self._parts.observers(), what, which, callback, executor)

    def sql(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of one reading statement in your own words; values belong into `arguments`."""
        return self.store.sql(sql, tuple(arguments))

    def read(self) -> AbstractContextManager[apsw.Connection]:
        """A snapshot: all this thread reads inside sees one state of the file."""
        return self.store.read()

    def conflicts(self, *, open_only: bool = False) -> list[SyncConflict]:
        """The verdicts that are kept, newest first, with both sides and the rule that decided.

        `open_only`: those a person should look at and has not.
        """
        from bmaddb.modules.sync_status import SyncConflict

        query = self.query(SyncConflict).order_by(SyncConflict.detected_at.desc(), SyncConflict.id.desc())
        return (query.where(SyncConflict.needs_attention == True) if open_only else query).all()  # noqa: E712 -- SQL

    def overturn(self, conflict_id: str, *, choose: Side | None = None, value: Any = _UNSAID) -> SyncConflict:
        """Let one side of a verdict (`choose`: "mine" is this device's) stand, or a `value` of your own.

        An ordinary write: it is pushed with the next sync and reaches every device. For a verdict about a whole
        row (`column_name` None) the side that edited brings the row back, the side that deleted deletes it.
        Raises RecordNotFound when verdict or row is gone, RecordInvalid when the row's parent is, or when the
        column does not take the value.
        """
        from bmaddb.device.sync import NO_VALUE, overturn

        return overturn(self.store, conflict_id, choose=choose, value=NO_VALUE if value is _UNSAID else value)

    def export(self, path: str | os.PathLike[str], record: type[Record] | None = None) -> ExportReport:
        """Write everything of the user to `path`, a ZIP; or one record's table, as .jsonl or .csv says.

        All of one moment, archived rows too; those that only the server has are fetched first, and stay. Without a
        server, or without a network, they are not in it: `only_on_server` says of which table how many. Nor are
        tables that the catalog does not declare: `undeclared` names them. The same rows make the same files. Not
        encrypted. StoreError when it cannot be written, SettingsError for another ending or the path of this file.
        """
        from bmaddb.service.exporting import export

        return export(self.store, self.upkeep if self._parts.has_server else None, path, record)

    def import_from(
        self,
        path: str | os.PathLike[str],
        record: type[Record] | None = None,
        *,
        key: str | None = None,
        strict: bool = False,
        progress: TellProgress | None = None,
    ) -> ImportReport:
        """Bring in an export (.zip), a Day One export (.json, .zip), a folder of Markdown, or a table (.jsonl, .csv).

        What is there already is known by its id and not added again: for a line without an id by the column `key`,
        or by all it says. A row changed here after its `updated_at` in the source is left alone. What cannot be taken
        is reported, with its line and why; with `strict` nothing is taken then (RecordInvalid). An import that was cut
        off goes on where it was, when it is called again. StoreError for what cannot be read, SettingsError for what
        is no format.
        """
        from bmaddb.device.transfer import import_from

        return import_from(self.store, path, record, key=key, strict=strict, tell=progress)

    def sync(self) -> SyncReport:
        """Send what waits, fetch what others changed. Being offline is said in the report, not raised."""
        return self._wired().sync_blocking()

    async def sync_async(self) -> SyncReport:
        """The same, awaitable; the caller's event loop stays free."""
        return await self._wired().sync()

    def verify(self, *, repair: bool = True) -> VerifyReport:
        """Sync, check the file, and compare every row with the server's; with `repair`, make this file the same.

        What is overwritten or removed here is kept in `conflicts()`; a row the server lost is pushed again.
        Being offline is said in the report (`Verified.UNKNOWN`), not raised.
        """
        return self._wired().verify_blocking(repair=repair)

    def start_sync(self, schedule: Schedule | None = None) -> None:
        """Sync in the background: now, after every local commit, and on a timer. Again is fine.

        From time to time a few rows are compared with the server's; `Schedule(verify_ms=0)` never does.
        """
        with self._starting:
            if self._background is None:
                from bmaddb.device.sync import BackgroundSync

                background = BackgroundSync(self._wired(), schedule=schedule)
                background.start()
                self._background = background

    def stop_sync(self) -> None:
        """End the background sync; a sync that runs is finished or can be repeated. Again is fine.

        StoreError inside a write: a sync that runs may be waiting for it to end.
        """
        if self._background is not None:
            self._refuse_in_write("stop_sync()")
        with self._starting:
            background, self._background = self._background, None
        if background is not None:
            background.stop()

    def backup(
        self,
        path: str | os.PathLike[str],
        *,
        key: bytes | None = None,
        passphrase: str | None = None,
        plain: bool = False,
    ) -> None:
        """Copy the file as it is now to `path`, where nothing is yet; reading and writing go on meanwhile.

        Encrypted as this file is, unless another `key` or `passphrase` is given, or `plain` is asked for.
        `bmaddb.restore(path, ...)` makes a file to work with of it. StoreError, StoreCorrupt: then there is no copy.
        """
        from bmaddb.service.backup import back_up

        back_up(self.store, path, secret_of(key, passphrase), plain=plain)

    def rekey(self, *, key: bytes | None = None, passphrase: str | None = None, plain: bool = False) -> None:
        """Encrypt the file with another key or passphrase from now on, or store it `plain`.

        The whole file is written anew beside the old, which it then replaces: killed at any moment, the file opens
        with the one or the other, and has everything. StoreBusy while another process has it open; then nothing
        changed. What another thread reads at that moment ends with an error.
        """
        secret = secret_of(key, passphrase)
        if (secret is None) is not plain:
            raise e.SettingsError("say one of key, passphrase, or plain=True")
        self.store.rekey(secret)
        self.outbox.look_again()

    @property
    def health_checks(self) -> HealthRegistry:
        """The checks `health()` runs; an application or a room may register its own."""
        return self._parts.health()[1]

    def health(self) -> DatabaseHealth:
        """Every component and module by named checks: healthy, degraded or failing, with a reason and a remedy."""
        from bmaddb.service.health import examine

        checks, registry = self._parts.health()
        return examine(self.store, checks.look_anew, registry)

    def status(self) -> DatabaseStatus:
        """What the file holds, what waits, how the last syncs went, and what the monitor saw."""
        from bmaddb.service.status import status_of

        monitor = self._parts.monitor.made
        recorded = monitor.report() if monitor is not None and monitor.recording else None
        return status_of(self.store, self.outbox, self.upkeep.usage(), recorded)

    def integrity(self, *, full: bool = False, repair: bool = True) -> IntegrityReport:
        """Every check of the file, by name: ok, warn or fail, with a reason and a remedy; repairs what is safe.

        `full`: SQLite's thorough check, soft references, and, with a server, `verify()`. No repair takes anything.
        """
        from bmaddb.service.integrity import check_integrity

        return check_integrity(self.store, self.outbox, self._parts.engine, full=full, repair=repair)

    def close(self) -> None:
        """Stop syncing and cleaning up, and close the file; again is fine. StoreError inside a write."""
        self._refuse_in_write("close()")
        self.stop_sync()
        self._parts.stop()
        self.store.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _refuse_in_write(self, call: str) -> None:
        if self.store.writes_here:
            raise e.StoreError(f"{call} cannot run inside a write", hint="let the `with` block end first")

    def _sync_if(self, asked: bool) -> None:
        """Being offline is no failure of what was just done; without a server there is nothing to send to."""
        if asked and self._parts.has_server and self._background is None:
            self.sync()

    def _wired(self) -> SyncEngine:
        engine = self._parts.engine
        if engine is None:
            raise e.SettingsError("this database has no server", hint="bmaddb.open(..., url=..., token=...)")
        return engine
