"""Archived rows back into the file, on demand: out of the file where they are packed, else from the server.

Theory of operation. What a row refers to must stand, so archived parents come along; they are found round by round.
Nothing is written until all is there; then, in one transaction without capture, every row whose stub still stands takes
its place again. A stub that is gone by then means that a pull brought the row, or its delete: newer news than ours.
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
from bmaddb.device.sync.transport import Transport
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import Packer
from bmaddb.protocol import digests as d
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.messages import TablePage
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

    async def fetch(self, table: Table, ids: Sequence[str]) -> None:
        """Bring these rows back, and what they refer to; ids that are not archived are passed over.

        RowArchived when a row must come from the server and there is none, or it cannot be reached.
        """
        packed: Wanted = {}
        pages: list[TablePage] = []
        wanted = await asyncio.to_thread(self._archived, {table.name: dict.fromkeys(ids)})
        for _ in range(ROUNDS_MAX):
            if not wanted:
                break
            from_file, parents = await asyncio.to_thread(self._look_into, wanted)
            fetched = await self._ask(_without(wanted, from_file))
            parents = [*parents, *self._parents_in(fetched)]
            for name, found in from_file.items():
                packed.setdefault(name, {}).update(found)
            pages += fetched
            known = {(part.table, row_id) for part in pages for row_id in _ids(part)}
            fresh = _grouped(key for key in parents if key not in known and key[1] not in packed.get(key[0], {}))
            wanted = await asyncio.to_thread(self._archived, fresh)
        await asyncio.to_thread(self._pages.bring_back, packed, pages)

    def _archived(self, wanted: Wanted) -> Wanted:
        """Those of the rows that are archived."""
        with self._store.read() as connection:
            found = {name: stubs.among(connection, name, list(ids)) for name, ids in wanted.items()}
        return {name: dict.fromkeys(sorted(ids)) for name, ids in found.items() if ids}

    def _look_into(self, wanted: Wanted) -> tuple[Wanted, list[tuple[str, str]]]:
        """Those of the rows that the file holds packed, and what they refer to."""
        found: Wanted = {}
        parents: list[tuple[str, str]] = []
        with self._store.read() as connection:
            packer = Packer(connection)
            for name, ids in wanted.items():
                table = self._store.catalog.table(name)
                for body in stubs.bodies(connection, name, list(ids)):
                    current = body.schema_version == self._store.catalog.version
                    values = packer.unpack(body.body) if current else None
                    if values is not None and values.keys() == table.by_name.keys():
                        found.setdefault(name, {})[body.id] = None
                        parents += self._parents(table, values)
        return found, parents

    def _parents(self, table: Table, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        for column in enforced_references(table, self._store.catalog):
            if values.get(column.name) is not None:
                yield str(column.spec.references), str(values[column.name])

    def _parents_in(self, pages: Iterable[TablePage]) -> Iterator[tuple[str, str]]:
        for part in pages:
            for text in d.row_texts(bytes(part.rows)):
                values = dict(zip(part.columns, row_values(text), strict=True))
                yield from self._parents(self._store.catalog.table(part.table), values)

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
        except e.SyncError as error:
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
    except e.AuthError:
        if not await transport.refresh_token():
            raise
        return await transport.call(d.DIGEST_FUNCTION, body)


def _without(wanted: Wanted, found: Wanted) -> Wanted:
    left = {
        name: dict.fromkeys(row_id for row_id in ids if row_id not in found.get(name, {}))
        for name, ids in wanted.items()
    }
    return {name: ids for name, ids in left.items() if ids}


def fetch_packed(store: Store, outbox: Outbox, table: Table, ids: Sequence[str]) -> None:
    """The same without a server: RowArchived for a row that only a server has."""
    loop = LoopThread("bmaddb-recall")
    try:
        loop.submit(Recall(store, outbox, None).fetch(table, ids)).result()
    finally:
        loop.close()


def _grouped(keys: Iterable[tuple[str, str]]) -> Wanted:
    grouped: Wanted = {}
    for name, row_id in keys:
        grouped.setdefault(name, {})[row_id] = None
    return grouped


def _ids(part: TablePage) -> list[str]:
    place = part.columns.index("id")
    return [str(row_values(text)[place]) for text in d.row_texts(bytes(part.rows))]
