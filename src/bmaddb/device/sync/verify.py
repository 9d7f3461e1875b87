"""Verify: does this device hold what the server shows its user? And repair of what it does not.

Theory of operation. Sync, then compare digests of ranges of ids; split the ranges that differ, list the small ones
row by row, fetch the rows that differ. Every request names the cursor of the snapshot it was made from, and the server
compares only when it stands there too; else the device syncs and asks again, a bounded number of times.

Rules of this room: rows that something waits for are left out on both sides; a row that is overwritten or removed is
kept in sync_conflicts; a row that the server lost and nobody deleted is pushed again, not removed, and so is one that
never reached a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox.retry import backoff_ms
from bmaddb.device.sync.giveback import GiveBack
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.rebase import Rebase
from bmaddb.device.sync.run import Device, SyncRun
from bmaddb.device.sync.transport import failure_of
from bmaddb.device.sync.verify_report import TableCheck, Verified, VerifyReport
from bmaddb.device.sync.verify_rows import Part, Snapshot, whole
from bmaddb.protocol import digests as d
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.merge import Verdict
from bmaddb.protocol.messages import Cursor, TablePage
from bmaddb.protocol.steps import Failure, FailureKind, Result
from bmaddb.protocol.values import Spoiled, same
from bmaddb.schema.records import writable
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl_digests import form_of
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.sync", "sql/verify.sql")
T = TypeVar("T")
RANGE_ROWS = 1_000
LEAF_ROWS = 64
SPLIT_INTO = 16
RANGES_PER_REQUEST = 200
ROWS_PER_REQUEST = 1_000
PARTS_PER_REQUEST = 50
ROUNDS = 8
SAMPLE_AT = "verify_at"
_BOOKKEEPING = frozenset({"id", "user_id", "server_seq"})


class Halt(Exception):
    """The verify ends here, and says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(slots=True)
class Spent:
    """What a verify cost on the wire, the syncs in it left out."""

    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class VerifyRun:
    """Made for one verify and thrown away."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._store = device.store
        self._pages = Pages(device.store, device.outbox)
        self._spent = Spent()
        self._checks: dict[str, TableCheck] = {}
        self._heads = (0, 0)
        self._waiting = 0

    async def run(self, *, repair: bool, sample_rows: int = 0) -> VerifyReport:
        """Compare everything, or the next `sample_rows` rows; repair what differs. Raises StoreError for the file."""
        began = self._store.clock.monotonic_ms()
        faults: tuple[str, ...] = ()
        broken, failure, result = 0, None, Verified.UNKNOWN
        try:
            if not sample_rows:
                faults, broken = await asyncio.to_thread(self._examine)
                await self._sync()  # a sample follows a sync, and syncs again only where the server moved on
            parts = await asyncio.to_thread(self._parts, sample_rows)
            result = await self._verify(parts, repair=repair, thorough=not sample_rows)
        except Halt as halt:
            failure = halt.failure
        except e.RemoteProtocolError as error:
            failure = Failure(kind=FailureKind.REFUSED, code=error.code, message=error.message, hint=error.hint)
        return VerifyReport(
            result=result,
            failure=failure,
            tables=tuple(self._checks.values()),
            file_faults=faults,
            broken_references=broken,
            waiting=self._waiting,
            requests=self._spent.requests,
            bytes_up=self._spent.bytes_up,
            bytes_down=self._spent.bytes_down,
            duration_ms=self._store.clock.monotonic_ms() - began,
        )

    async def _verify(self, parts: Sequence[Part], *, repair: bool, thorough: bool) -> Verified:
        leaves = await self._narrow(parts, first=True)
        await self._list(leaves)
        if thorough:
            await asyncio.to_thread(self._look_for_odd_versions)
        if not any(check.differing for check in self._checks.values()):
            return Verified.EQUAL
        if not repair:
            return Verified.DIFFERS
        await self._repair()
        return Verified.DIFFERS if await self._narrow(leaves) else Verified.REPAIRED

    # --- the file ---

    def _examine(self) -> tuple[tuple[str, ...], int]:
        with self._store.read() as connection:
            lines = tuple(str(row[0]) for row in connection.execute(_SQL["integrity"]) if row[0] != "ok")
            return lines, len(connection.execute(_SQL["broken_references"]).fetchall())

    def _parts(self, sample_rows: int) -> list[Part]:
        tables = self._store.catalog.synced_tables
        if not sample_rows:
            with self._store.read() as connection:
                snapshot = Snapshot(self._store, self._device.outbox, connection)
                return [snapshot.split(whole(table), RANGE_ROWS) for table in tables]
        return self._next_sample([table.name for table in tables], sample_rows)

    def _next_sample(self, names: list[str], rows: int) -> list[Part]:
        """The next rows in a walk through all tables, which goes on where the last sample ended."""
        name, _, at = (self._store.meta_get(SAMPLE_AT) or "").partition(" ")
        place = names.index(name) if name in names else 0
        at = at if name in names else d.LOWEST_ID
        parts: list[Part] = []
        with self._store.read() as connection:
            snapshot = Snapshot(self._store, self._device.outbox, connection)
            left = rows
            for _ in range(len(names)):
                to, more = snapshot.after(names[place], at, left)
                part = Part(names[place], (at, to))
                parts.append(part)
                left -= sum(count for count, _ in snapshot.digests(part))
                place, at = (place, to) if more else ((place + 1) % len(names), d.LOWEST_ID)
                if more or left <= 0:
                    break
        self._store.meta_set(SAMPLE_AT, f"{names[place]} {at}")
        return parts

    # --- comparing ---

    async def _narrow(self, parts: Iterable[Part], *, first: bool = False) -> list[Part]:
        """The small ranges in which both sides differ."""
        leaves: list[Part] = []
        work = list(parts)
        fresh = set(work) if first else set()
        while work:
            work, batch = _batch(work)
            local, answer = await self._ask(partial(self._digest_request, batch))
            split: list[tuple[Part, int]] = []
            for part, ours, theirs in zip(batch, local, _as_many(batch, answer.digests), strict=True):
                if part in fresh:
                    self._check(part.table).rows += sum(count for count, _ in ours)
                if theirs.unlike:
                    self._check(part.table).unlike = True
                    continue
                for place, mine in enumerate(ours, start=1):
                    if mine == theirs.ranges.get(str(place), (0, "0")):
                        continue
                    if mine[0] <= LEAF_ROWS:
                        leaves.append(part.range_at(place))
                    else:
                        split.append((part.range_at(place), mine[0]))
            work += await asyncio.to_thread(self._split, split)
        return leaves

    def _digest_request(
        self, parts: Sequence[Part], snapshot: Snapshot
    ) -> tuple[list[list[tuple[int, str]]], d.DigestRequest]:
        asked = tuple(
            d.RangesAsked(
                table=part.table,
                form=form_of(self._store.catalog.table(part.table)),
                bounds=part.bounds,
                skip=snapshot.skipped(part),
            )
            for part in parts
        )
        return [snapshot.digests(part) for part in parts], self._request(snapshot.cursor, digests=asked)

    def _split(self, parts: Sequence[tuple[Part, int]]) -> list[Part]:
        with self._store.read() as connection:
            snapshot = Snapshot(self._store, self._device.outbox, connection)
            return [snapshot.split(part, max(1, rows // SPLIT_INTO)) for part, rows in parts]

    async def _list(self, leaves: Iterable[Part]) -> None:
        """Compare small ranges row by row; what differs goes into the checks."""
        work = list(leaves)
        while work:
            batch, work = work[:PARTS_PER_REQUEST], work[PARTS_PER_REQUEST:]
            local, answer = await self._ask(partial(self._list_request, batch))
            for part, ours, listed in zip(batch, local, _as_many(batch, answer.lists), strict=True):
                theirs = dict(listed.rows)
                if listed.more:  # the last row belongs to the next list
                    edge = max(theirs, default=part.bounds[0])
                    if not part.bounds[0] < edge < part.bounds[-1]:
                        raise e.RemoteProtocolError(f"the list of {part.table} goes on, and not forward")
                    del theirs[edge]
                    ours = {row_id: value for row_id, value in ours.items() if row_id < edge}
                    work.append(Part(part.table, (edge, part.bounds[-1])))
                check = self._check(part.table)
                check.missing |= theirs.keys() - ours.keys()
                check.extra |= ours.keys() - theirs.keys()
                check.changed |= {row_id for row_id in ours.keys() & theirs.keys() if ours[row_id] != theirs[row_id]}

    def _list_request(self, parts: Sequence[Part], snapshot: Snapshot) -> tuple[list[dict[str, str]], d.DigestRequest]:
        asked = tuple(
            d.ListAsked(table=part.table, from_=part.bounds[0], to=part.bounds[-1], skip=snapshot.skipped(part))
            for part in parts
        )
        return [snapshot.hashes(part) for part in parts], self._request(snapshot.cursor, lists=asked)

    def _look_for_odd_versions(self) -> None:
        with self._store.read() as connection:
            snapshot = Snapshot(self._store, self._device.outbox, connection)
            for table in self._store.catalog.synced_tables:
                check = self._check(table.name)
                head = self._heads[table.scope is Scope.USER]
                check.changed |= set(snapshot.odd_versions(table, head)) - check.extra - check.missing

    # --- repairing ---

    async def _repair(self) -> None:
        for check in self._checks.values():
            table = self._store.catalog.table(check.table)
            if check.extra and not check.unlike:
                check.returned = await self._lost(table, sorted(check.extra))
                check.returned |= await asyncio.to_thread(self._never_sent, table, sorted(check.extra))
            ids = sorted((check.missing | check.changed | check.extra) - check.returned)
            for start in range(0, len(ids), ROWS_PER_REQUEST):
                await self._mend(table, tuple(ids[start : start + ROWS_PER_REQUEST]))
        returned = {check.table: check.returned for check in self._checks.values() if check.returned}
        if returned:  # all tables at once: a parent must leave before its children
            giving = GiveBack(self._device.store, self._device.outbox)
            await asyncio.to_thread(giving.rows, returned)
            await self._sync()

    async def _lost(self, table: Table, ids: Sequence[str]) -> set[str]:
        """Of rows the server does not show, those that it lost and nobody deleted."""
        lost: set[str] = set()
        for start in range(0, len(ids), ROWS_PER_REQUEST):
            some = ids[start : start + ROWS_PER_REQUEST]

            def build(snapshot: Snapshot, some: Sequence[str] = some) -> tuple[None, d.DigestRequest]:
                held = snapshot.held(table, some)
                asked = d.UnseenAsked(table=table.name, ids=tuple(held), versions=tuple(held.values()))
                return None, self._request(snapshot.cursor, unseen=(asked,))

            _, answer = await self._ask(build)
            lost |= {row_id for part in answer.unseen for row_id in part.ids}
        return lost

    def _never_sent(self, table: Table, ids: Sequence[str]) -> set[str]:
        """Of rows the server does not show, those that it never got and no entry will bring it."""
        if table.scope is not Scope.USER or not writable(table):
            return set()
        with self._store.read() as connection:
            return set(Snapshot(self._store, self._device.outbox, connection).never_held(table, ids))

    async def _mend(self, table: Table, ids: tuple[str, ...]) -> None:
        """Fetch rows and write them, unless the file moved on in between; then once more."""
        for _ in range(ROUNDS):
            cursor, answer = await self._ask(
                lambda snapshot: (
                    snapshot.cursor,
                    self._request(snapshot.cursor, rows=(d.RowsAsked(table=table.name, ids=ids),)),
                )
            )
            if await asyncio.to_thread(self._pages.mend, answer.rows, cursor, note_overwritten) is not None:
                return
        raise Halt(_restless())

    # --- asking ---

    async def _ask(self, build: Callable[[Snapshot], tuple[T, d.DigestRequest]]) -> tuple[T, d.DigestAnswer]:
        """The answer to a request built from one snapshot, and what was computed from that same snapshot."""
        for _ in range(ROUNDS):
            local, request = await asyncio.to_thread(self._in_snapshot, build)
            if request.cursor is not None:
                answer = d.digest_answer(await self._call(d.encode(request)))
                if not answer.moved:
                    self._heads = answer.heads
                    return local, answer
            await self._sync()
        raise Halt(_restless())

    def _in_snapshot(self, build: Callable[[Snapshot], tuple[T, d.DigestRequest]]) -> tuple[T, d.DigestRequest]:
        with self._store.read() as connection:
            snapshot = Snapshot(self._store, self._device.outbox, connection)
            self._waiting = snapshot.waiting
            return build(snapshot)

    def _request(self, cursor: Cursor, **asked: Any) -> d.DigestRequest:
        return d.DigestRequest(
            cursor=cursor,
            schema_version=self._store.catalog.version,
            device_id=self._store.device_id,
            user=self._store.user,
            **asked,
        )

    async def _call(self, body: bytes) -> bytes:
        attempt, refreshed = 1, False
        while True:
            self._spent.requests += 1
            self._spent.bytes_up += len(body)
            try:
                answer = await self._device.transport.call(d.DIGEST_FUNCTION, body)
            except e.RemoteProtocolError:
                raise
            except e.SyncError as error:
                failure = failure_of(error)
                if failure.kind is FailureKind.TOKEN and not refreshed:
                    refreshed = True
                    if await self._refreshed():
                        continue
                elif failure.kind is FailureKind.LINK and attempt < self._device.limits.attempts:
                    delay_ms = backoff_ms(self._device.limits.wait_ms, attempt, self._store.entropy.fraction())
                    await self._device.sleep(max(delay_ms, failure.retry_after_ms) / 1000)
                    attempt += 1
                    continue
                raise Halt(failure) from error
            self._spent.bytes_down += len(answer)
            return answer

    async def _refreshed(self) -> bool:
        try:
            return await self._device.transport.refresh_token()
        except e.SyncError as error:
            raise Halt(failure_of(error)) from error

    async def _sync(self) -> None:
        """Bring both sides together; what is parked stays, and is not compared."""
        report = await SyncRun(self._device).run("manual")
        if report.result not in (Result.OK, Result.PARTIAL) or report.failure is not None:
            raise Halt(report.failure or _restless())

    def _check(self, table: str) -> TableCheck:
        return self._checks.setdefault(table, TableCheck(table=table))


def note_overwritten(rebase: Rebase, table: Table, part: TablePage) -> None:
    """Keep what the server's row is about to replace, or remove, in sync_conflicts."""
    if table.scope is not Scope.USER:
        return
    theirs = {values[0]: values for values in map(row_values, d.row_texts(bytes(part.rows)))}
    for row_id in (*theirs, *part.deleted):
        if rebase.waiting.chain((table.name, row_id)):
            continue
        remote = dict(zip(part.columns, theirs[row_id], strict=True)) if row_id in theirs else None
        mine = _differing(table, _readable_row(rebase, table, row_id), remote)
        if mine:
            kept = None if remote is None else {name: remote[name] for name in mine}
            verdict = Verdict(
                table=table.name,
                id=row_id,
                column=None,
                base=None,
                mine=mine,
                theirs=kept,
                resolved=kept,
                rule="verify",
                needs_attention=True,
            )
            rebase.record(verdict)


def _readable_row(rebase: Rebase, table: Table, row_id: str) -> Mapping[str, Any]:
    """The row of the file; nothing of it when there is none, or a text in it is not Unicode."""
    try:
        return rebase.local_row(table, row_id) or {}
    except UnicodeDecodeError:
        return {}


def _differing(table: Table, local: Mapping[str, Any], remote: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns of the local row that the server's row will change; all of them when it has none."""
    return {
        name: str(value) if isinstance(value, Spoiled) else value
        for name, value in local.items()
        if name not in _BOOKKEEPING
        and table.by_name[name].synced
        and (remote is None or (name in remote and not same(value, remote[name])))
    }


def _batch(work: list[Part]) -> tuple[list[Part], list[Part]]:
    """What is left, and what goes into one request."""
    size = taken = 0
    for part in work:
        size += part.ranges
        if taken and size > RANGES_PER_REQUEST:
            break
        taken += 1
    return work[taken:], work[:taken]


def _as_many(asked: Sequence[Part], told: Sequence[T]) -> Sequence[T]:
    """What the server told of each part; RemoteProtocolError when it told of more, or of fewer."""
    if len(told) != len(asked):
        raise e.RemoteProtocolError(f"{len(asked)} parts were to be compared, and {len(told)} came")
    return told


def _restless() -> Failure:
    text = "the server changes faster than it can be compared"
    return Failure(kind=FailureKind.CONFLICTS, code="moving", message=text, hint="verify again in a quiet moment")
