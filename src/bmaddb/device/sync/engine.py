"""The engine: one store and one server, synced by whoever asks, one run at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.requests import RequestQueue
from bmaddb.device.store import Store
from bmaddb.device.sync.arrivals import Reaction
from bmaddb.device.sync.loop import LoopThread
from bmaddb.device.sync.recall import Recall
from bmaddb.device.sync.report import SyncReport
from bmaddb.device.sync.run import Device, Sleep, SyncRun
from bmaddb.device.sync.transport import Transport
from bmaddb.device.sync.verify import VerifyRun
from bmaddb.device.sync.verify_report import VerifyReport
from bmaddb.protocol.session import Limits
from bmaddb.schema.tables import Table

Trigger: TypeAlias = Literal["start", "timer", "write", "push", "manual", "online"]


class SyncEngine:
    """Syncs one store with one server. Usable from any thread; a sync itself runs on a thread of its own.

    `sleep` (seconds) is how it waits between attempts; tests pass one that does not. `reactions` are asked after each
    sync that went well and brought rows of their tables; what they write goes with the same sync.
    """

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        transport: Transport,
        *,
        limits: Limits | None = None,
        sleep: Sleep = asyncio.sleep,
        reactions: Sequence[Reaction] = (),
    ) -> None:
        self.store = store
        self.loop = LoopThread("bmaddb-sync")
        self._transport = transport
        self.requests = RequestQueue(store, outbox)
        self._device = Device(
            store=store,
            outbox=outbox,
            requests=self.requests,
            transport=transport,
            limits=limits or Limits(),
            sleep=sleep,
            reactions=tuple(reactions),
        )
        outbox.listened = frozenset().union(*(reaction.tables for reaction in reactions))
        self._current: asyncio.Task[SyncReport] | None = None
        self._next: asyncio.Task[SyncReport] | None = None
        self._alone = asyncio.Lock()

    def wish_tables(self, tables: Sequence[str]) -> None:
        """The tables that a first sync, from the next on, should bring first; a wish, and the server learns no more."""
        self._device.wishes[:] = tables

    async def sync(self, trigger: Trigger = "manual") -> SyncReport:
        """Bring both sides together; everything committed before the call is part of it.

        Trouble with the network, the server or the token comes back in the report. A call during a sync
        waits for it and then for one more, which all callers share. Raises StoreError for the file, and inside a write.
        """
        future = self._submit(trigger)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and not (task and task.cancelling()):
                raise _closed() from None
            raise

    def sync_blocking(self, trigger: Trigger = "manual") -> SyncReport:
        """The same, for callers without an event loop."""
        try:
            return self._submit(trigger).result()
        except CancelledError:
            raise _closed() from None

    def verify_blocking(self, *, repair: bool = True) -> VerifyReport:
        """Compare every row with the server's and, with `repair`, make this file the same; see VerifyReport."""
        self._outside_a_write()
        try:
            return self.loop.submit(self.verify(repair=repair)).result()
        except CancelledError:
            raise _closed() from None

    async def verify(self, *, repair: bool = True, sample_rows: int = 0) -> VerifyReport:
        """The same, only for coroutines on the engine's own loop; `sample_rows`: only the next so many rows."""
        async with self._alone:
            return await VerifyRun(self._device).run(repair=repair, sample_rows=sample_rows)

    def fetch_blocking(self, table: Table, ids: Sequence[str]) -> frozenset[str]:
        """Bring archived rows back into the file; see Recall.fetch."""
        recall = Recall(self.store, self._device.outbox, self._transport)
        try:
            return self.loop.submit(recall.fetch(table, ids)).result()
        except CancelledError:
            raise _closed() from None

    def close(self) -> None:
        """Let go of the network and the thread; a sync that runs is cut, the next goes on from there."""
        if self.loop.started:
            self.loop.submit(self._transport.close()).result()
        self.loop.close()

    async def join(self, trigger: Trigger) -> SyncReport:
        """One sync that begins after now; only for coroutines on the engine's own loop."""
        if self._current is None:
            self._current = self._begun(self._sync_alone(trigger))
            return await asyncio.shield(self._current)
        if self._next is None:
            self._next = self._begun(self._after(self._current, trigger))
        return await asyncio.shield(self._next)

    def _outside_a_write(self) -> None:
        """A sync writes on a thread of its own: called inside a write it would wait for it, and that for the sync."""
        if self.store.writes_here:
            raise e.StoreError("a sync cannot run inside a write", hint="call it after the `with db.write()` block")

    def _submit(self, trigger: Trigger) -> Future[SyncReport]:
        self._outside_a_write()
        return self.loop.submit(self.join(trigger))

    def _begun(self, run: Coroutine[Any, Any, SyncReport]) -> asyncio.Task[SyncReport]:
        task = asyncio.create_task(run)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[SyncReport]) -> None:
        if task is self._current:
            self._current = None

    async def _after(self, running: asyncio.Task[SyncReport], trigger: Trigger) -> SyncReport:
        await asyncio.wait([running])
        self._current, self._next = self._next, None
        return await self._sync_alone(trigger)

    async def _sync_alone(self, trigger: Trigger) -> SyncReport:
        async with self._alone:
            return await SyncRun(self._device).run(trigger)


def _closed() -> e.SyncError:
    return e.SyncError("the database was closed while it synced", hint="nothing is lost: sync again after opening it")
