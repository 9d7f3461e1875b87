"""One run of the sync: each command of the session done, each outcome told back, everything counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox import Outbox, ParkReason
from bmaddb.device.outbox.retry import backoff_ms
from bmaddb.device.store import Store
from bmaddb.device.sync.pages import PageCounts, Pages
from bmaddb.device.sync.rebase import Rebase
from bmaddb.device.sync.report import SyncReport, Tally
from bmaddb.device.sync.transport import Transport, failure_of
from bmaddb.device.sync.walk import Walk
from bmaddb.entropy import uuid7
from bmaddb.protocol import codec, steps
from bmaddb.protocol.messages import (
    PULL_FUNCTION,
    PUSH_FUNCTION,
    Cursor,
    PullRequest,
    PushAnswer,
    PushRequest,
    WalkRequest,
)
from bmaddb.protocol.refusals import worded
from bmaddb.protocol.session import Limits, Session
from bmaddb.signals import SyncEnded

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a run works on."""

    store: Store
    outbox: Outbox
    transport: Transport
    limits: Limits
    sleep: Sleep


class SyncRun:
    """Made for one run and thrown away."""

    def __init__(self, device: Device) -> None:
        self._store = device.store
        self._outbox = device.outbox
        self._transport = device.transport
        self._limits = device.limits
        self._sleep = device.sleep
        self._pages = Pages(device.store, device.outbox)
        self._tally = Tally()
        self._walk = Walk(device.transport, self._walk_request, self._count_bytes)

    async def run(self, trigger: str) -> SyncReport:
        """Run to the end; the report says which end. Raises StoreError for the file."""
        began_ms, began = self._store.clock.now_ms(), self._store.clock.monotonic_ms()
        try:
            done = await self._drive()
        finally:
            await self._walk.close()
        report = SyncReport(
            result=done.result,
            failure=done.failure,
            started_at_ms=began_ms,
            duration_ms=self._store.clock.monotonic_ms() - began,
            parked=self._outbox.counts().parked,
            **self._tally.as_fields(),
        )
        await asyncio.to_thread(self._write_down, report, trigger)
        code = None if done.failure is None else done.failure.code
        self._store.signals.emit(SyncEnded(result=str(done.result), error_code=code))
        return report

    async def _drive(self) -> steps.Done:
        session = Session(self._limits)
        event: steps.Event = await asyncio.to_thread(self._start)
        while True:
            try:
                command = session.handle(event)
                if isinstance(command, steps.Done):
                    return command
                event = await self._perform(command)
            except e.RemoteProtocolError as error:
                failure = steps.Failure(
                    kind=steps.FailureKind.REFUSED, code=error.code, message=error.message, hint=error.hint
                )
                return steps.Done(result=steps.Result.FAILED, failure=failure)
            except e.StoreBusy as error:  # another process works on this file; what it does not push, we do next time
                failure = steps.Failure(
                    kind=steps.FailureKind.LINK, code=error.code, message=error.message, hint=error.hint
                )
                return steps.Done(result=steps.Result.PARTIAL, failure=failure)

    async def _perform(self, command: steps.Command) -> steps.Event:
        asking = _ASKING.get(type(command))
        if asking is None:
            return await asyncio.to_thread(_WRITING[type(command)], self, command)
        try:
            return await asking(self, command)
        except e.RemoteProtocolError:  # an answer that makes no sense refuses nothing: it ends the run
            raise
        except e.SyncError as error:
            return steps.Failed(failure=failure_of(error))

    # --- asking: the wire ---

    async def _pull(self, command: steps.Pull) -> steps.Event:
        if self._walk.carries(command.cursor):
            page = await self._walk.page(command.cursor)
            if page is not None:
                return steps.Pulled(answer=page)
        request = PullRequest(
            cursor=command.cursor,
            schema_version=self._store.catalog.version,
            device_id=self._store.device_id,
            limit_rows=command.limit_rows,
            limit_bytes=self._limits.page_bytes,
            user=self._store.user,
        )
        return steps.Pulled(answer=codec.pull_answer(await self._call(PULL_FUNCTION, codec.encode(request))))

    def _walk_request(self, cursor: Cursor) -> bytes:
        self._tally.requests += 1
        tables = sorted(self._store.catalog.synced_tables, key=lambda table: table.options.sync_priority)
        request = WalkRequest(
            cursor=cursor,
            schema_version=self._store.catalog.version,
            device_id=self._store.device_id,
            limit_rows=self._limits.page_rows,
            limit_bytes=self._limits.page_bytes,
            user=self._store.user,
            tables=tuple(table.name for table in tables),
        )
        return codec.encode(request)

    def _count_bytes(self, up: int, down: int) -> None:
        self._tally.bytes_up += up
        self._tally.bytes_down += down

    async def _push(self, command: steps.Push) -> steps.Event:
        entries = await asyncio.to_thread(self._outbox.batch)
        settled = await asyncio.to_thread(self._outbox.last_number)
        answer = await self._send(entries, settled, command.cursor, command.limit_rows)
        return steps.Pushed(answer=answer)

    async def _ask_number(self, command: steps.AskNumber) -> steps.Event:
        answer = await self._send((), 0, None, 1)
        await asyncio.to_thread(self._know_number, answer.last_number)
        return steps.NumberKnown()

    async def _refresh_token(self, command: steps.RefreshToken) -> steps.Event:
        return steps.TokenRefreshed(refreshed=await self._transport.refresh_token())

    async def _wait(self, command: steps.Wait) -> steps.Event:
        delay_ms = backoff_ms(command.delay_ms, 1, self._store.entropy.fraction())
        await self._sleep(delay_ms / 1000)
        return steps.Waited()

    async def _send(self, entries: tuple[bytes, ...], settled: int, cursor: Cursor, limit_rows: int) -> PushAnswer:
        request = PushRequest(
            device_id=self._store.device_id,
            schema_version=self._store.catalog.version,
            settled=settled,
            cursor=cursor,
            limit_rows=limit_rows,
            user=self._store.user,
            entries=tuple(msgspec.Raw(entry) for entry in entries),
        )
        return codec.push_answer(await self._call(PUSH_FUNCTION, codec.encode(request)))

    async def _call(self, function: str, body: bytes) -> bytes:
        self._tally.requests += 1
        self._tally.bytes_up += len(body)
        answer = await self._transport.call(function, body)
        self._tally.bytes_down += len(answer)
        return answer

    # --- writing: the file, on a worker thread ---

    def _start(self) -> steps.Started:
        with self._store.read() as connection:
            row = connection.execute(_SQL["cursor"]).fetchone()
        in_flight = self._outbox.in_flight()
        if row is None:
            return steps.Started(cursor=None, in_flight=in_flight)
        cursor, version, resyncing = row
        # Under a newer schema the rows are read again: they may have columns that were skipped before.
        known = cursor if version >= self._store.catalog.version else None
        return steps.Started(cursor=known, in_flight=in_flight, resyncing=bool(resyncing))

    def _apply_page(self, command: steps.ApplyPage) -> steps.Event:
        self._count(self._pages.apply(command.page, self._walk.progress))
        self._tally.expected_rows = max(self._tally.expected_rows, self._walk.progress.expected)
        return steps.PageApplied()

    def _resync(self, command: steps.Resync) -> steps.Event:
        self._pages.begin_resync()
        self._tally.resynced = True
        return steps.ResyncBegun()

    def _sweep(self, command: steps.Sweep) -> steps.Event:
        self._count(self._pages.sweep())
        return steps.Swept()

    def _lease(self, command: steps.Lease) -> steps.Event:
        numbers = self._outbox.lease(command.limit_entries, command.limit_bytes)
        return steps.Leased(numbers=numbers, parked=0 if numbers else self._outbox.counts().parked)

    def _settle(self, command: steps.Settle) -> steps.Event:
        with self._outbox.edit(loose_keys=command.clash is not None) as (connection, waiting):
            by_number = {entry.number: entry for entry in waiting.leased()}
            rows = self._outbox.settle(connection, waiting, command.applied)
            self._outbox.release(connection, waiting)
            verdicts = 0
            if command.rejection is not None and command.rejection.number in by_number:
                entry = by_number[command.rejection.number]
                self._outbox.park(connection, waiting, entry, _reason(command.rejection))
            if command.clash is not None:
                rebase = Rebase(self._store, self._outbox, connection, waiting)
                for row in command.clash.rows:
                    rebase.merge_answer(row)
                verdicts = rebase.verdicts
            self._outbox.know_number(connection, command.last_number)
        self._tally.pushed_entries += len(command.applied)
        self._tally.pushed_rows += rows
        self._tally.conflicts += verdicts
        return steps.Settled()

    def _release(self, command: steps.Release) -> steps.Event:
        with self._outbox.edit() as (connection, waiting):
            self._outbox.release(connection, waiting)
        return steps.Released()

    def _park_batch(self, command: steps.ParkBatch) -> steps.Event:
        failure = command.failure
        reason = ParkReason(code=failure.code, message=failure.message, hint=failure.hint)
        with self._outbox.edit() as (connection, waiting):
            for entry in waiting.leased():
                self._outbox.park(connection, waiting, entry, reason)
        return steps.Released()

    def _know_number(self, number: int) -> None:
        with self._outbox.edit() as (connection, _):
            self._outbox.know_number(connection, number)

    def _count(self, counts: PageCounts) -> None:
        self._tally.pulled_rows += counts.rows
        self._tally.pulled_deletes += counts.deletes
        self._tally.conflicts += counts.verdicts

    def _write_down(self, report: SyncReport, trigger: str) -> None:
        ended_ms = report.started_at_ms + round(report.duration_ms)
        with self._store.apply(origin="remote") as connection:
            connection.execute(
                _SQL["add_run"],
                (
                    uuid7(self._store.entropy, report.started_at_ms),
                    trigger,
                    report.started_at_ms,
                    ended_ms,
                    str(report.result),
                    report.pushed_rows,
                    report.pulled_rows + report.pulled_deletes,
                    report.bytes_up,
                    report.bytes_down,
                    report.conflicts,
                    None if report.failure is None else report.failure.code,
                ),
            )


def _reason(rejection: steps.Rejection) -> ParkReason:
    error = rejection.error
    code, message = worded(error)
    return ParkReason(
        code=code,
        message=message,
        details=None if error.details is None else str(error.details),
        hint=None if error.hint is None else str(error.hint),
        table=rejection.table,
        id=rejection.id,
    )


_ASKING: Mapping[type[steps.Command], Callable[[SyncRun, Any], Awaitable[steps.Event]]] = {
    steps.Pull: SyncRun._pull,
    steps.Push: SyncRun._push,
    steps.AskNumber: SyncRun._ask_number,
    steps.RefreshToken: SyncRun._refresh_token,
    steps.Wait: SyncRun._wait,
}
_WRITING: Mapping[type[steps.Command], Callable[[SyncRun, Any], steps.Event]] = {
    steps.ApplyPage: SyncRun._apply_page,
    steps.Resync: SyncRun._resync,
    steps.Sweep: SyncRun._sweep,
    steps.Lease: SyncRun._lease,
    steps.Settle: SyncRun._settle,
    steps.Release: SyncRun._release,
    steps.ParkBatch: SyncRun._park_batch,
}
