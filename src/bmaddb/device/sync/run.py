"""One run of the sync: each command of the session done, each outcome told back, everything counted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox import Entry, Outbox, reasons
from bmaddb.device.outbox.entries import ParkReason
from bmaddb.device.outbox.outbox import FENCE
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.requests import RequestQueue
from bmaddb.device.store import Store
from bmaddb.device.sync import arrivals
from bmaddb.device.sync.arrivals import Reaction
from bmaddb.device.sync.carrying import Carrying
from bmaddb.device.sync.giveback import parts_of
from bmaddb.device.sync.lease import SyncLease
from bmaddb.device.sync.pages import PageCounts, Pages, heard_schema, served_schema
from bmaddb.device.sync.rebase import Rebase, reads_anew
from bmaddb.device.sync.recall import Recall, bring_wanted
from bmaddb.device.sync.report import SyncReport, Tally
from bmaddb.device.sync.senseless import believed
from bmaddb.device.sync.transport import CallFailed, Transport, failure_of
from bmaddb.device.sync.walk import Walk
from bmaddb.device.sync.wishes import first_sync_order
from bmaddb.entropy import uuid7
from bmaddb.protocol import codec, digests, steps
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.digests import DigestRequest, UnseenAsked
from bmaddb.protocol.messages import (
    PULL_FUNCTION,
    PUSH_FUNCTION,
    WALK_CURSOR,
    Cursor,
    PullRequest,
    PushAnswer,
    PushRequest,
    WalkRequest,
)
from bmaddb.protocol.session import Limits, Session
from bmaddb.signals import SyncEnded

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
UNSEEN_PER_REQUEST = 1_000
SWEEPS_MAX = 8
CARRYINGS_MAX = 1_000
REACTIONS_MAX = 4
UNKNOWN_TABLE = "unknown_table"
Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a run works on."""

    store: Store
    outbox: Outbox
    requests: RequestQueue
    transport: Transport
    limits: Limits
    sleep: Sleep
    reactions: tuple[Reaction, ...] = ()
    """What is done when rows of certain tables have come."""
    wishes: list[str] = field(default_factory=list)
    """Names of the tables that a first sync should bring first."""


class SyncRun:
    """Made for one run and thrown away."""

    def __init__(self, device: Device) -> None:
        self._store = device.store
        self._outbox = device.outbox
        self._transport = device.transport
        self._limits = device.limits
        self._sleep = device.sleep
        self._carrying = Carrying(device.requests, self._call, device.transport.refresh_token)
        self._wishes = device.wishes
        self._reactions = device.reactions
        self._pages = Pages(device.store, device.outbox)
        self.lease = SyncLease(device.store)
        self._tally = Tally()
        self._walk = Walk(device.transport, self._walk_request, self._count_bytes)
        # What is read again stands here already, and meets it page by page, by the ordinary pull.
        self._rereads = False
        self._sweeps = 0

    async def run(self, trigger: str) -> SyncReport:
        """Run to the end; the report says which end. Raises StoreError for the file."""
        began_ms, began = self._store.clock.now_ms(), self._store.clock.monotonic_ms()
        try:
            done = await self._hold_and_drive()
        finally:
            await self._walk.close()
        report = SyncReport(
            result=done.result,
            failure=done.failure,
            started_at_ms=began_ms,
            duration_ms=self._store.clock.monotonic_ms() - began,
            parked=self._outbox.count_parked(),
            **self._tally.as_fields(),
        )
        await asyncio.to_thread(self._write_down, report, trigger)
        ended = SyncEnded(result=str(done.result), error_code=report.error_code, duration_ms=report.duration_ms)
        self._store.signals.emit(ended)
        return report

    async def _hold_and_drive(self) -> steps.Done:
        """Drive as the one that syncs this file; every edit of the run is fenced."""
        try:
            await asyncio.to_thread(self.lease.take)
        except e.StoreBusy as error:
            return _partial(error)
        fence = FENCE.set(self.lease.fence)
        try:
            done = await self._drive()
            if _is_through(done) and await asyncio.to_thread(self._reads_again):
                done = await self._drive()  # the server has just learned names that this device knew before it
            done = await self._react(await self._carry(done))
            with contextlib.suppress(e.RowArchived, e.RemoteProtocolError):
                await bring_wanted(Recall(self._store, self._outbox, self._transport), self._store)
            await asyncio.to_thread(self.lease.give_back)
        finally:
            FENCE.reset(fence)
            self.lease.let_go()
        return done

    async def _carry(self, done: steps.Done) -> steps.Done:
        """Requests, once what waits is there: they may speak of it. What they did comes back as rows."""
        for _ in range(CARRYINGS_MAX):
            if not _is_through(done):
                return done
            try:
                carried = await self._carrying.carry()
            except e.StoreBusy as error:
                return _partial(error)
            self._tally.carried += carried.ended
            done = await self._drive() if carried.ended else done
            if carried.failure is not None and _is_through(done):
                return _stopped(carried.failure)
            if not carried.more:
                return done
        return done

    async def _react(self, done: steps.Done) -> steps.Done:
        """To what came, once everything is there: of half the rows nothing follows. What is written leaves at once."""
        for turn in range(REACTIONS_MAX):
            if not _is_through(done) or not await asyncio.to_thread(self._written_in_reaction, turn):
                return done
            done = await self._drive()
        return done

    def _written_in_reaction(self, turn: int) -> int:
        try:
            return arrivals.react(self._store, self._reactions, sweeping=not turn)
        except Exception:  # what came is there; the note stays, and the next sync reacts
            logging.getLogger("bmaddb.sync").exception("a reaction to what came failed")
            return 0

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
                return _partial(error)

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
        if not self._rereads and self._walk.carries(command.cursor):
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
        tables = first_sync_order(self._store.catalog, self._wishes)
        request = WalkRequest(
            cursor=cursor,
            schema_version=self._store.catalog.version,
            device_id=self._store.device_id,
            limit_rows=self._limits.stream_rows,
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
        settled = await asyncio.to_thread(self._outbox.last_number)
        answer = await self._send((), settled, None, 1)
        await asyncio.to_thread(self._know_number, answer.last_number)
        return steps.NumberKnown()

    async def _sweep(self, command: steps.Sweep) -> steps.Event:
        lost: dict[str, set[str]] = {}
        alive: dict[str, set[str]] = {}
        gone: dict[str, set[str]] = {}
        for table, rows in (await asyncio.to_thread(self._pages.unseen)).items():
            found = await self._ask_after(table, rows)
            if found is not None:
                lost[table], alive[table] = found
        self._sweeps += 1
        if any(alive.values()) and self._sweeps < SWEEPS_MAX:
            return steps.Swept(again=True)
        for table, rows in (await asyncio.to_thread(self._pages.deleted)).items():
            found = await self._ask_after(table, rows)
            if found is not None:
                gone[table] = rows.keys() - found[1]
        self._count(await asyncio.to_thread(self._pages.sweep, lost, alive, gone))
        return steps.Swept()

    async def _ask_after(self, table: str, rows: Mapping[str, int]) -> tuple[set[str], set[str]] | None:
        """As `_lost`; None where the server has another name for the table: nobody can say what became of the rows
        before both names meet."""
        try:
            return await self._lost(table, rows)
        except CallFailed as error:
            if error.failure.code != UNKNOWN_TABLE:
                raise
            return None

    async def _lost(self, table: str, rows: Mapping[str, int]) -> tuple[set[str], set[str]]:
        """Of these rows (id and version): those that are not there and nobody deleted, and those that stand there."""
        lost: set[str] = set()
        alive: set[str] = set()
        ids = list(rows)
        for start in range(0, len(ids), UNSEEN_PER_REQUEST):
            some = ids[start : start + UNSEEN_PER_REQUEST]
            asked = UnseenAsked(table=table, ids=tuple(some), versions=tuple(rows[row_id] for row_id in some))
            request = DigestRequest(
                schema_version=self._store.catalog.version,
                device_id=self._store.device_id,
                user=self._store.user,
                unseen=(asked,),
            )
            answer = digests.digest_answer(await self._call(digests.DIGEST_FUNCTION, digests.encode(request)))
            lost.update(row_id for part in answer.unseen for row_id in part.ids)
            alive.update(row_id for part in answer.unseen for row_id in part.alive)
        return lost, alive

    async def _refresh_token(self, command: steps.RefreshToken) -> steps.Event:
        return steps.TokenRefreshed(refreshed=await self._transport.refresh_token())

    async def _wait(self, command: steps.Wait) -> steps.Event:
        # Never sooner than a server asked for, and not all devices at once.
        spread = 1 + self._store.entropy.fraction() / 2
        await self._sleep(command.delay_ms * spread / 1000)
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
        await asyncio.to_thread(self.lease.renew)
        self._tally.requests += 1
        self._tally.bytes_up += len(body)
        answer = await self._transport.call(function, body)
        self._tally.bytes_down += len(answer)
        return answer

    # --- writing: the file, on a worker thread ---

    def _start(self) -> steps.Started:
        self._outbox.requeue_due()
        with self._store.read() as connection:
            row = connection.execute(_SQL["cursor"]).fetchone()
            served = heard_schema(connection)
        in_flight = self._outbox.in_flight()
        if row is None:
            return steps.Started(cursor=None, in_flight=in_flight, served_schema=served)
        cursor, _, resyncing = row
        if self._reads_again():
            # A pull from nothing tells of no delete, so what does not come is swept, as after any resync.
            self._pages.mark_unseen()
            self._rereads = True
            return steps.Started(cursor=None, in_flight=in_flight, resyncing=True, served_schema=served)
        self._rereads = bool(resyncing)
        stands = cursor is not None and not cursor.startswith(WALK_CURSOR) and not resyncing
        return steps.Started(
            cursor=cursor,
            in_flight=in_flight,
            resyncing=self._rereads,
            push_first=stands and self._outbox.counts().queued > 0,
            served_schema=served,
        )

    def _reads_again(self) -> bool:
        """Device and server both know a newer schema than rows were read under: they may have columns, or whole
        tables, that were skipped because one of the two had no name for them."""
        ours = self._store.catalog.version
        with self._store.read() as connection:
            row = connection.execute(_SQL["cursor"]).fetchone()
            return row is not None and row[0] is not None and row[1] < min(ours, served_schema(connection, ours))

    def _apply_page(self, command: steps.ApplyPage) -> steps.Event:
        parsed = self._walk.parts_of(command.page)
        self._count(self._pages.apply(command.page, self._walk.progress, parsed))
        self._tally.expected_rows = max(self._tally.expected_rows, self._walk.progress.expected)
        return steps.PageApplied()

    def _resync(self, command: steps.Resync) -> steps.Event:
        self._pages.begin_resync()
        self._tally.resynced = self._rereads = True
        return steps.ResyncBegun()

    def _lease(self, command: steps.Lease) -> steps.Event:
        numbers = self._outbox.lease(command.limit_entries, command.limit_bytes)
        return steps.Leased(numbers=numbers, parked=0 if numbers else self._outbox.count_parked())

    @believed("the answer to a push")
    def _settle(self, command: steps.Settle) -> steps.Event:
        with self._outbox.edit(loose_keys=command.clash is not None) as (connection, waiting):
            refused = [] if command.rejection is None else waiting.under_number(command.rejection.number)
            sent: list[RowKey] = []
            note = sent.extend if self._outbox.listened else None
            anew = reads_anew(connection)
            rows = self._outbox.settle(connection, waiting, command.applied, seen=not anew, note=note)
            arrivals.note_keys(self._outbox, connection, sent)
            verdicts = 0
            if command.rejection is not None and refused:
                reason = reasons.of_rejection(self._store.catalog, command.rejection)
                self._refuse(connection, waiting, refused, reason)
            if command.clash is not None:
                rebase = Rebase(self._store, self._outbox, connection, waiting)
                for row in command.clash.rows:
                    rebase.merge_answer(row)
                    arrivals.note_rows(self._outbox, connection, [(row.table, (row.id,))])
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
        with self._outbox.edit() as (connection, waiting):
            passes = failure.kind in reasons.PASSES
            self._refuse(connection, waiting, waiting.leased(), reasons.of_failure(failure), passes=passes)
        return steps.Released()

    def _refuse(
        self,
        connection: apsw.Connection,
        waiting: Waiting,
        refused: Sequence[Entry],
        reason: ParkReason,
        *,
        passes: bool = False,
    ) -> None:
        parts = parts_of(self._store.catalog, refused[0]) if len(refused) == 1 else []
        if len(parts) > 1:
            self._outbox.send_apart(connection, waiting, refused[0], parts)
        else:
            self._outbox.refuse(waiting, refused, reason, passes=passes)

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
                    report.error_code,
                ),
            )


def _is_through(done: steps.Done) -> bool:
    """Has all come, and left what could? What is parked waits for its person, and holds nothing else up."""
    return done.failure is None and done.result in (steps.Result.OK, steps.Result.PARTIAL)


def _stopped(failure: steps.Failure) -> steps.Done:
    """All rows are where they belong, but requests could not be carried."""
    offline = failure.kind in (steps.FailureKind.LINK, steps.FailureKind.TOKEN)
    return steps.Done(result=steps.Result.OFFLINE if offline else steps.Result.PARTIAL, failure=failure)


def _partial(error: e.StoreBusy) -> steps.Done:
    failure = steps.Failure(kind=steps.FailureKind.LINK, code=error.code, message=error.message, hint=error.hint)
    return steps.Done(result=steps.Result.PARTIAL, failure=failure)


_ASKING: Mapping[type[steps.Command], Callable[[SyncRun, Any], Awaitable[steps.Event]]] = {
    steps.Pull: SyncRun._pull,
    steps.Push: SyncRun._push,
    steps.AskNumber: SyncRun._ask_number,
    steps.RefreshToken: SyncRun._refresh_token,
    steps.Sweep: SyncRun._sweep,
    steps.Wait: SyncRun._wait,
}
_WRITING: Mapping[type[steps.Command], Callable[[SyncRun, Any], steps.Event]] = {
    steps.ApplyPage: SyncRun._apply_page,
    steps.Resync: SyncRun._resync,
    steps.Lease: SyncRun._lease,
    steps.Settle: SyncRun._settle,
    steps.Release: SyncRun._release,
    steps.ParkBatch: SyncRun._park_batch,
}
