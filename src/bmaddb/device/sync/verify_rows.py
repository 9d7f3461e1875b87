"""The device's side of a comparison: ranges of ids, their digests, the hashes of single rows.

A row that is archived counts as held: its stub has the hash it left with.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.protocol.digests import HIGHEST_ID, LOWEST_ID, json_token, real_bits, row_hash
from bmaddb.protocol.messages import Cursor
from bmaddb.schema.sqlite_ddl_digests import (
    BITS,
    JSONB,
    read_canonical,
    read_edge,
    read_edge_archived,
    read_held,
    read_never_held,
    read_odd_versions,
)
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring ranges of one table's ids: from each bound up to, not including, the next."""

    table: str
    bounds: tuple[str, ...]

    def range_at(self, place: int) -> Part:
        """One range of it; places count from 1, as on the server."""
        return Part(self.table, (self.bounds[place - 1], self.bounds[place]))

    @property
    def ranges(self) -> int:
        return len(self.bounds) - 1


class Snapshot:
    """The file at one moment; nothing is compared that waits in the outbox."""

    def __init__(self, store: Store, outbox: Outbox, connection: apsw.Connection) -> None:
        self._store = store
        self._connection = connection
        connection.create_scalar_function(BITS, real_bits, 1, deterministic=True)
        connection.create_scalar_function(JSONB, json_token, 1, deterministic=True)
        row = connection.execute(_SQL["cursor"]).fetchone()
        self.cursor: Cursor = None if row is None or row[2] else row[0]
        found: dict[str, dict[str, None]] = {}
        for entry in outbox.entries():
            for table, row_id in entry.changes:
                found.setdefault(table, {})[row_id] = None
        self._waiting: Mapping[str, tuple[str, ...]] = {table: tuple(ids) for table, ids in found.items()}

    @property
    def waiting(self) -> int:
        """How many rows something waits for."""
        return sum(map(len, self._waiting.values()))

    def skipped(self, part: Part) -> tuple[str, ...]:
        """The ids of the part's rows that something waits for."""
        low, high = part.bounds[0], part.bounds[-1]
        return tuple(row_id for row_id in self._waiting.get(part.table, ()) if low <= row_id < high)

    def digests(self, part: Part) -> list[tuple[int, str]]:
        """For each range: how many rows, and the sum of their hashes as text."""
        counts, totals, place = [0] * part.ranges, [0] * part.ranges, 0
        for row_id, value in self._rows(part):
            while row_id >= part.bounds[place + 1]:
                place += 1
            counts[place] += 1
            totals[place] += value
        return [(count, str(total)) for count, total in zip(counts, totals, strict=True)]

    def hashes(self, part: Part) -> dict[str, str]:
        """The hash of each row, by id."""
        return {row_id: str(value) for row_id, value in self._rows(part)}

    def split(self, part: Part, size: int) -> Part:
        """The same ids in ranges of about `size` rows."""
        step = self._edge(self._table(part))
        low, high = part.bounds[0], part.bounds[-1]
        bounds, at = [low], low
        while (row := self._connection.execute(step, (at, size)).fetchone()) is not None and row[0] < high:
            at = str(row[0])
            bounds.append(at)
        return Part(part.table, (*bounds, high))

    def after(self, table: str, at: str, size: int) -> tuple[str, bool]:
        """The id `size` rows behind `at`, and whether there is one; the end of all ids when not."""
        row = self._connection.execute(self._edge(self._store.catalog.table(table)), (at, size)).fetchone()
        return (HIGHEST_ID, False) if row is None else (str(row[0]), True)

    def odd_versions(self, table: Table, head: int) -> list[str]:
        """The ids of rows whose version the server cannot have given."""
        skip = self._waiting.get(table.name, ())
        standing = self._connection.execute(read_odd_versions(table), (head, _listed(skip)))
        return [
            *(str(row[0]) for row in standing),
            *stubs.odd_versions(self._connection, table.name, head, skip),
        ]

    def held(self, table: Table, ids: Sequence[str]) -> dict[str, int]:
        """The versions of those rows that the server gave one."""
        archived = stubs.versions(self._connection, table.name, ids)
        return archived | dict(self._connection.execute(read_held(table), (_listed(ids),)))

    def never_held(self, table: Table, ids: Sequence[str]) -> list[str]:
        """Those rows that never reached a server, and that nothing waits to bring there."""
        waiting = frozenset(self._waiting.get(table.name, ()))
        rows = self._connection.execute(read_never_held(table), (_listed(ids),))
        return [str(row[0]) for row in rows if row[0] not in waiting]

    def _rows(self, part: Part) -> Iterator[tuple[str, int]]:
        """(id, hash) of what stands and of what is archived, by id; what is both counts as it stands."""
        low, high, skip = part.bounds[0], part.bounds[-1], self.skipped(part)
        if not stubs.any_of(self._connection, part.table):
            yield from self._standing(part, skip)
            return
        archived = stubs.hashes(self._connection, part.table, low, high, skip)
        before = ""
        for row_id, value in heapq.merge(self._standing(part, skip), archived, key=itemgetter(0)):
            if row_id != before:
                yield row_id, value
            before = row_id

    def _standing(self, part: Part, skip: Sequence[str]) -> Iterator[tuple[str, int]]:
        query = read_canonical(self._table(part))
        for row_id, canonical in self._connection.execute(query, (part.bounds[0], part.bounds[-1], _listed(skip))):
            yield row_id, row_hash(canonical)

    def _edge(self, table: Table) -> str:
        return (read_edge_archived if stubs.any_of(self._connection, table.name) else read_edge)(table)

    def _table(self, part: Part) -> Table:
        return self._store.catalog.table(part.table)


def whole(table: Table) -> Part:
    """All ids of a table as one range."""
    return Part(table.name, (LOWEST_ID, HIGHEST_ID))


def _listed(ids: Sequence[str]) -> str:
    return msgspec.json.encode(ids).decode()
