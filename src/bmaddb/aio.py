"""For asyncio: the database with the same names, each operation one hop to a thread of its own few.

    async with await bmaddb.aio.open("anna.db", user=...) as db:
        tasks = await db.all(db.query(Task).where(Task.state == "todo"))

Rules of this room: it adds nothing to what an operation does. A write is a function that gets the transaction, for
a transaction belongs to one thread and must not wait for an event loop. What was begun is finished, also when
nobody awaits it any more. A public name of `Database` has its like here, or stands with a reason among the exceptions
of the test that compares the two.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from bmaddb import errors as e
from bmaddb.device.atomic import (
    BatchResult,
    Bounds,
    Cancellation,
    Operation,
    OperationResult,
    OuterStep,
    ResumeReport,
    Step,
)
from bmaddb.device.atomic.operations import never_begun, no_batch
from bmaddb.device.atomic.turns import WAITING_MAX
from bmaddb.device.observe import Subscription
from bmaddb.device.query import Query
from bmaddb.device.query.ends import Ends
from bmaddb.device.store import WriteTransaction
from bmaddb.device.store.search import Found
from bmaddb.device.store.vectors import Near
from bmaddb.device.sync import SyncReport, VerifyReport
from bmaddb.device.transfer import ExportReport, ImportReport
from bmaddb.modules.sync_status import ServerRequest, SyncConflict
from bmaddb.schema import Catalog, Record
from bmaddb.service import Database, open_database
from bmaddb.signals import SignalBus

if TYPE_CHECKING:
    from bmaddb.device.sync import Schedule, Side
    from bmaddb.device.upkeep import IntegrityReport
    from bmaddb.service.health import DatabaseHealth
    from bmaddb.service.status import DatabaseStatus

P = ParamSpec("P")
R = TypeVar("R", bound=Record)
T = TypeVar("T")
THREADS_MAX: Final = 4
"""Each has a reader of its own; writes stand in a row anyway."""
OPERATION_THREADS_MAX: Final = 8
"""Operations have threads of their own: a saga that waits for the world keeps no reader waiting."""


async def open(path: str | Path, **options: Any) -> AsyncDatabase:  # noqa: A001 -- the field's word
    """`bmaddb.open` with the same options; the event loop stays free while the file is opened."""
    threads = ThreadPoolExecutor(THREADS_MAX, thread_name_prefix="bmaddb")
    try:
        made = await asyncio.get_running_loop().run_in_executor(threads, partial(open_database, path, **options))
    except BaseException:
        threads.shutdown(wait=False)
        raise
    return AsyncDatabase(made, threads)


class AwaitedPart:
    """A part of the database, `db.outbox` for one, under its own names: `await db.outbox.counts()`.

    Each call is one hop to a thread, making the part with the first one included. A property or an attribute of the
    part is called too: `await db.upkeep.policy()`. AttributeError, when awaited, for what the part has not, and for
    `monitor.operation`. That and what else is to be used with `with` (`monitor.measuring`, `outbox.edit`) belong to
    one thread: use them in a function of yours, with `sync_database`.
    """

    __slots__ = ("_database", "_name")

    def __init__(self, database: AsyncDatabase, name: str) -> None:
        self._database = database
        self._name = name

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        if name.startswith("_"):
            raise AttributeError(f"'{self._name}' has no public '{name}'")

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return await self._database.run(partial(self._called, name, args, kwargs))

        return awaited

    def _called(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        part = getattr(self._database.sync_database, self._name)
        declared = getattr(type(part), name, None)
        if (declared is None or isinstance(declared, property)) and not args and not kwargs:
            return getattr(part, name)
        if declared is not None and inspect.isgeneratorfunction(inspect.unwrap(declared)):
            how = f"await db.run(work), and in work: with db.sync_database.{self._name}.{name}(...)"
            raise AttributeError(f"'{name}' is a `with` block of one thread: {how}")
        return getattr(part, name)(*args, **kwargs)


class AsyncDatabase:
    """A `Database` whose operations are awaited. `sync_database` is the one underneath, for what is not here."""

    def __init__(self, database: Database, threads: ThreadPoolExecutor) -> None:
        self.sync_database = database
        self._threads = threads
        self._operating = ThreadPoolExecutor(OPERATION_THREADS_MAX, thread_name_prefix="bmaddb-operation")
        self._executing = 0
        self._closing = False

    # -- at once: these wait for nothing -------------------------------------------------------------------

    @property
    def user(self) -> str | None:
        """As `Database.user`."""
        return self.sync_database.user

    @property
    def device_id(self) -> str:
        """As `Database.device_id`."""
        return self.sync_database.device_id

    @property
    def catalog(self) -> Catalog:
        """As `Database.catalog`."""
        return self.sync_database.catalog

    @property
    def signals(self) -> SignalBus:
        """`Database.signals` itself: to listen is quick, from any thread.

        A listener is called on the thread that did what it is told of, not on the event loop:
        `loop.call_soon_threadsafe` leads back.
        """
        return self.sync_database.signals

    # -- the parts: under their own names, each call awaited -----------------------------------------------

    @property
    def outbox(self) -> AwaitedPart:
        """`await db.outbox.counts()`, and every other name of `Database.outbox`."""
        return AwaitedPart(self, "outbox")

    @property
    def requests(self) -> AwaitedPart:
        """`await db.requests.open()`, and every other name of `Database.requests`."""
        return AwaitedPart(self, "requests")

    @property
    def upkeep(self) -> AwaitedPart:
        """`await db.upkeep.run()`, and every other name of `Database.upkeep`."""
        return AwaitedPart(self, "upkeep")

    @property
    def monitor(self) -> AwaitedPart:
        """`await db.monitor.report()`, and every other name of `Database.monitor` but `operation`, a `with` block."""
        return AwaitedPart(self, "monitor")

    @property
    def personality(self) -> AwaitedPart:
        """`await db.personality.begin_session()`, and every other name of `Database.personality`."""
        return AwaitedPart(self, "personality")

    @property
    def health_checks(self) -> AwaitedPart:
        """`await db.health_checks.register(...)`, and every other name of `Database.health_checks`."""
        return AwaitedPart(self, "health_checks")

    # -- rows, operations, the server ----------------------------------------------------------------------

    def query(self, record: type[R]) -> Query[R]:
        """A query to be narrowed; it reads nothing before `all`, `first`, ... of this database run it."""
        return self.sync_database.query(record)

    async def run(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Any function in one hop: `await db.run(query.ids)`."""
        return await self._hop(self._threads, partial(work, *args, **kwargs))

    async def write(self, work: Callable[[WriteTransaction], T], *, after: Sequence[str] = ()) -> T:
        """`work(tx)` in one transaction; the answer is its. Undone when it raises."""
        return await self.run(self._written, work, after)

    async def execute(
        self, operation: Operation, *, bounds: Bounds | None = None, sync: bool = False
    ) -> OperationResult:
        """`Database.execute`. Who no longer awaits it calls it off: then nothing of it is left, or all of it stands."""
        work = partial(self.sync_database.execute, operation, sync=sync)
        return await self._bounded(work, bounds or Bounds(), partial(never_begun, self.sync_database.store, operation))

    async def execute_batch(
        self, operations: Sequence[Operation], *, bounds: Bounds | None = None, sync: bool = False
    ) -> BatchResult:
        """As `Database.execute_batch`."""
        work = partial(self.sync_database.execute_batch, operations, sync=sync)
        return await self._bounded(work, bounds or Bounds(), partial(no_batch, self.sync_database.store, operations))

    async def resume(self, steps: Mapping[str, Sequence[Step | OuterStep]], *, again: bool = False) -> ResumeReport:
        """As `Database.resume`."""
        return await self.run(partial(self.sync_database.resume, steps, again=again))

    async def all(self, query: Ends[T]) -> list[T]:
        """As `Query.all`: every row."""
        return await self.run(query.all)

    async def first(self, query: Ends[T]) -> T | None:
        """As `Query.first`: the first row, or None."""
        return await self.run(query.first)

    async def one(self, query: Ends[T]) -> T:
        """As `Query.one`: the only row; RecordNotFound when there is none, QueryError when there are more."""
        return await self.run(query.one)

    async def one_or_none(self, query: Ends[T]) -> T | None:
        """As `Query.one_or_none`: the only row, or None."""
        return await self.run(query.one_or_none)

    async def count(self, query: Ends[Any]) -> int:
        """As `Query.count`."""
        return await self.run(query.count)

    async def exists(self, query: Ends[Any]) -> bool:
        """As `Query.exists`."""
        return await self.run(query.exists)

    async def get(self, record: type[R], row_id: str) -> R | None:
        """As `Database.get`."""
        return await self.run(self.sync_database.get, record, row_id)

    async def search(self, rows: type[R] | Query[R], text: str, **options: Any) -> list[Found[R]]:
        """As `Database.search`."""
        return await self.run(partial(self.sync_database.search, rows, text, **options))

    async def nearest(self, rows: type[R] | Query[R], vector: Sequence[float], k: int = 10) -> list[Near[R]]:
        """As `Database.nearest`."""
        return await self.run(self.sync_database.nearest, rows, vector, k)

    async def observe(self, what: Any, which: Any = None, **options: Any) -> Subscription[Any]:
        """A live query: `async for tasks in await db.observe(db.query(Task)): ...`; the options of `Database.observe`.

        Without a callback, `executor` is where states are read; it is this database's threads unless another is given.
        """
        options.setdefault("executor", self._threads)
        return await self.run(partial(self.sync_database.observe, what, which, **options))

    async def sql(self, sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """As `Database.sql`."""
        return await self.run(self.sync_database.sql, sql, arguments)

    async def request(self, kind: str, payload: Any = None, **options: Any) -> ServerRequest:
        """As `Database.request`."""
        return await self.run(partial(self.sync_database.request, kind, payload, **options))

    async def sync(self) -> SyncReport:
        """As `Database.sync`."""
        return await self.sync_database.sync_async()

    async def verify(self, *, repair: bool = True) -> VerifyReport:
        """As `Database.verify`."""
        return await self.run(partial(self.sync_database.verify, repair=repair))

    async def start_sync(self, schedule: Schedule | None = None) -> None:
        """As `Database.start_sync`."""
        await self.run(self.sync_database.start_sync, schedule)

    async def stop_sync(self) -> None:
        """As `Database.stop_sync`."""
        await self.run(self.sync_database.stop_sync)

    async def conflicts(self, *, open_only: bool = False) -> list[SyncConflict]:
        """As `Database.conflicts`."""
        return await self.run(partial(self.sync_database.conflicts, open_only=open_only))

    async def overturn(self, conflict_id: str, *, choose: Side | None = None, **options: Any) -> SyncConflict:
        """As `Database.overturn`, `value=` too."""
        return await self.run(partial(self.sync_database.overturn, conflict_id, choose=choose, **options))

    # -- the file ------------------------------------------------------------------------------------------

    async def health(self) -> DatabaseHealth:
        """As `Database.health`."""
        return await self.run(self.sync_database.health)

    async def status(self) -> DatabaseStatus:
        """As `Database.status`."""
        return await self.run(self.sync_database.status)

    async def integrity(self, *, full: bool = False, repair: bool = True) -> IntegrityReport:
        """As `Database.integrity`."""
        return await self.run(partial(self.sync_database.integrity, full=full, repair=repair))

    async def backup(
        self, path: str | Path, *, key: bytes | None = None, passphrase: str | None = None, plain: bool = False
    ) -> None:
        """As `Database.backup`."""
        await self.run(partial(self.sync_database.backup, path, key=key, passphrase=passphrase, plain=plain))

    async def rekey(self, *, key: bytes | None = None, passphrase: str | None = None, plain: bool = False) -> None:
        """As `Database.rekey`."""
        await self.run(partial(self.sync_database.rekey, key=key, passphrase=passphrase, plain=plain))

    async def export(self, path: str | Path, record: type[Record] | None = None) -> ExportReport:
        """As `Database.export`."""
        return await self.run(self.sync_database.export, path, record)

    async def import_from(self, path: str | Path, record: type[Record] | None = None, **options: Any) -> ImportReport:
        """As `Database.import_from`."""
        return await self.run(self.sync_database.import_from, path, record, **options)

    async def close(self) -> None:
        """Close the file after what runs has ended; again is fine."""
        await asyncio.to_thread(self._closed)

    async def __aenter__(self) -> AsyncDatabase:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _written(self, work: Callable[[WriteTransaction], T], after: Sequence[str]) -> T:
        with self.sync_database.write(after=after) as tx:
            return work(tx)

    async def _bounded(self, work: Callable[..., T], bounds: Bounds, refused: Callable[[e.AtomicError], T]) -> T:
        """At most WAITING_MAX at once: more would wait for a thread where nobody sees them.

        Who no longer awaits it calls off this one alone, whoever else goes by the cancellation in `bounds`.
        """
        if self._executing >= WAITING_MAX:
            full = e.QueueFull(f"{self._executing} operations wait already", hint="await some of them first")
            return await self._hop(self._threads, partial(refused, full))
        asked, own = bounds.cancellation, Cancellation()
        deaf = None if asked is None else asked.listen(own.cancel)
        self._executing += 1
        try:
            return await self._hop(self._operating, partial(work, bounds=replace(bounds, cancellation=own)))
        except asyncio.CancelledError:
            own.cancel()
            raise
        finally:
            self._executing -= 1
            if deaf is not None:
                deaf()

    async def _hop(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closing:
            raise e.StoreError("the store is closed", hint="open it again with bmaddb.aio.open()")
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _closed(self) -> None:
        self._closing = True
        self._operating.shutdown(wait=True)
        self._threads.shutdown(wait=True)
        self.sync_database.close()
