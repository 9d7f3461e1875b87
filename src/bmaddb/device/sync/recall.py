"""Archived rows back into the file, on demand: out of the file where they are packed, else from the server.

Theory of operation. What a row refers to must stand, so archived parents come along; they are found round by round.
Nothing is written until all is there; then, in one transaction without capture, every row whose stub still stands takes
its place again. A stub that is gone by then means that a pull brought the row, or its delete: newer news than ours.
One that refers to a row which was deleted here stays archived until the server has heard of that, and says what it did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync.loop import LoopThread
from bmaddb.device.sync.pages import Pages
from bmaddb.device.sync.transport import Transport, failure_of
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import Packer
from bmaddb.protocol import digests as d
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.messages import TablePage
from bmaddb.protocol.steps import FailureKind
from bmaddb.schema.sqlite_ddl import enforced_references
from bmaddb.schema.tables import Table

ROUNDS_MAX: Final = 1_000
"""Generations of parents; a request each where they are not packed."""
ROWS_PER_REQUEST: Final = 1_000
Wanted = dict[str, dict[str, None]]


class Recall:
    """Brings rows back into one store; without a `transport` only those that the file holds packed."""

    def __init__(self, store: Store, outbox: Outbox, transport: Transport | None) -> None:
        self._store = store
        self._pages = Pages(store, outbox)
        self._transport = transport

    async def fetch(self, table: Table, ids: Sequence[str]) -> frozenset[str]:
        """Bring these rows back, and what they refer to; ids that are not archived are passed over.

        The answer is which of them cannot come back: the server does not have them any more, or what they refer to
        was deleted here. RowArchived when a row must come from the server and there is none, or it cannot be reached.
        """
        packed: Wanted = {}
        pages: list[TablePage] = []
        refers: dict[RowKey, list[RowKey]] = {}
        asked: set[RowKey] = set()
        wanted: Wanted = {table.name: dict.fromkeys(ids)}
        for _ in range(ROUNDS_MAX):
            from_file, elsewhere, found = await asyncio.to_thread(self._look_into, wanted)
            fetched = await self._ask(elsewhere)
            found |= self._references_in(fetched)
            for name, rows in from_file.items():
                packed.setdefault(name, {}).update(rows)
            pages += fetched
            asked |= {(name, row_id) for name, rows in elsewhere.items() for row_id in rows}
            refers |= found
            wanted = _grouped(key for keys in found.values() for key in keys if key not in refers and key not in asked)
            if not wanted:
                break
        lost = await asyncio.to_thread(self._pages.bring_back, packed, pages, refers)
        return frozenset(row_id for name, row_id in lost | (asked - refers.keys()) if name == table.name)

    def _look_into(self, wanted: Wanted) -> tuple[Wanted, Wanted, dict[RowKey, list[RowKey]]]:
        """Of one moment: those that the file holds packed, those archived elsewhere, and what the first refer to."""
        packed: Wanted = {}
        elsewhere: Wanted = {}
        refers: dict[RowKey, list[RowKey]] = {}
        with self._store.read() as connection:
            packer = Packer(connection)
            for name, ids in wanted.items():
                table = self._store.catalog.table(name)
                for body in stubs.bodies(connection, name, list(ids)):
                    current = body.schema_version == self._store.catalog.version
                    values = packer.unpack(body.body) if current else None
                    if values is not None and values.keys() == table.by_name.keys():
                        packed.setdefault(name, {})[body.id] = None
                        refers[name, body.id] = list(self._references(table, values))
                left = stubs.among(connection, name, list(ids)) - packed.get(name, {}).keys()
                if left:
                    elsewhere[name] = dict.fromkeys(sorted(left))
        return packed, elsewhere, refers

    def _references(self, table: Table, values: Mapping[str, Any]) -> Iterator[RowKey]:
        for column in enforced_references(table, self._store.catalog):
            if values.get(column.name) is not None:
                yield str(column.spec.references), str(values[column.name])

    def _references_in(self, pages: Iterable[TablePage]) -> dict[RowKey, list[RowKey]]:
        found: dict[RowKey, list[RowKey]] = {}
        for part in pages:
            table = self._store.catalog.table(part.table)
            for text in d.row_texts(bytes(part.rows)):
                values = dict(zip(part.columns, row_values(text), strict=True))
                found[part.table, str(values["id"])] = list(self._references(table, values))
        return found

    async def _ask(self, wanted: Wanted) -> list[TablePage]:
        pages: list[TablePage] = []
        for name, listed in wanted.items():
            ids = list(listed)
            for start in range(0, len(ids), ROWS_PER_REQUEST):
                pages += await self._request(name, tuple(ids[start : start + ROWS_PER_REQUEST]))
        return pages

    async def _request(self, table: str, ids: tuple[str, ...]) -> tuple[TablePage, ...]:
        if self._transport is None:
            raise e.RowArchived(
                f"{len(ids)} rows of {table} are archived, and this database has no server",
                hint="bmaddb.open(..., url=..., token=...)",
            )
        request = d.DigestRequest(
            schema_version=self._store.catalog.version,
            device_id=self._store.device_id,
            user=self._store.user,
            rows=(d.RowsAsked(table=table, ids=ids),),
        )
        body = d.encode(request)
        try:
            return d.digest_answer(await _called(self._transport, body)).rows
        except (e.SyncError, e.RemoteProtocolError) as error:
            raise e.RowArchived(
                f"{len(ids)} rows of {table} are archived, and no server is reachable: {error.message}",
                hint="they are on the server; ask again when it can be reached",
            ) from error


async def bring_wanted(recall: Recall, store: Store) -> None:
    """What rows that came refer to, and is archived, comes back; without a network it waits for the next run."""
    for _ in range(ROUNDS_MAX):
        wanted = await asyncio.to_thread(_wanted, store)
        if not wanted:
            return
        for name, ids in wanted.items():
            await recall.fetch(store.catalog.table(name), ids)
        if await asyncio.to_thread(_wanted, store) == wanted:
            return  # the server does not have them any more; the news of that comes with a pull


def _wanted(store: Store) -> dict[str, list[str]]:
    with store.read() as connection:
        return stubs.wanted(connection, ROWS_PER_REQUEST)


async def _called(transport: Transport, body: bytes) -> bytes:
    """The answer; with a new token once, when this one is refused."""
    try:
        return await transport.call(d.DIGEST_FUNCTION, body)
    except e.SyncError as error:
        if failure_of(error).kind is not FailureKind.TOKEN or not await transport.refresh_token():
            raise
        return await transport.call(d.DIGEST_FUNCTION, body)


def fetch_packed(store: Store, outbox: Outbox, table: Table, ids: Sequence[str]) -> frozenset[str]:
    """The same without a server: RowArchived for a row that only a server has."""
    loop = LoopThread("bmaddb-recall")
    try:
        return loop.submit(Recall(store, outbox, None).fetch(table, ids)).result()
    finally:
        loop.close()


def _grouped(keys: Iterable[RowKey]) -> Wanted:
    grouped: Wanted = {}
    for name, row_id in keys:
        grouped.setdefault(name, {})[row_id] = None
    return grouped
