"""Giving back: what this device holds and a restored server lost is pushed again, ahead of all that waits.

Rules of this room: a row that came in an older version than this device saw, or in one of a lost timeline, is merged
with what stands here; a row that did not come, and that nobody deleted, is inserted again. The stamps say when the
rows were last edited, so that of several devices the one with the newest edit wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bmaddb.device.outbox import Entry, Outbox
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.device.sync.rebase import LOST_POSITION, Rebase
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.unpacking import unpack
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op, RowKey, parents
from bmaddb.protocol.merge import Pending, RemoteRow, Verdict
from bmaddb.protocol.merge.shapes import Chain
from bmaddb.protocol.stamps import Stamps, milliseconds
from bmaddb.protocol.values import same
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.records import writable
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl_rows import read_lost, set_columns
from bmaddb.schema.tables import Table

LOST_VERSIONS = "lost_versions"
ROWS_PER_ENTRY_MAX = 500
ARCHIVED_LOST = "archived_lost"
_UNSENT = frozenset({"id", "user_id", SERVER_SEQ})


class LostUpdates:
    """During a resync: rows that come, and of which this device saw an edit that the server does not have."""

    def __init__(self, store: Store, rebase: Rebase, ranges: str) -> None:
        self._stamps = Stamps(store.device_id)
        self._now_ms = store.clock.now_ms()
        self._rebase = rebase
        self._ranges = ranges

    def find(self, table: Table, columns: Sequence[str], rows: bytes) -> tuple[str, ...]:
        """The ids of such rows among the rows of a page (as jsonb)."""
        if table.scope is not Scope.USER or not writable(table):
            return ()
        query = read_lost(table, columns.index("id"), columns.index(SERVER_SEQ))
        return tuple(str(row[0]) for row in self._rebase.connection.execute(query, (rows, self._ranges)))

    def pending(self, table: Table, remote: RemoteRow) -> Pending | None:
        """What stands here as if it waited, on top of the server's row; None when there is nothing to give."""
        local = self._rebase.local_row(table, remote.id)
        if local is None or remote.values is None or remote.server_seq is None:
            return None
        image = _given(self._rebase, table, local)
        theirs = remote.values
        new = {
            column.name: image[column.name]
            for column in table.columns
            if column.synced and column.client_writable and column.name not in _UNSENT
            if column.name in theirs and not same(image[column.name], theirs[column.name])
        }
        if not new:
            return None
        edited_ms = _edited_ms(image, self._now_ms)
        version = -1 - local[SERVER_SEQ]
        known = self._is_ancestor(remote, version, edited_ms)
        old = {name: theirs[name] for name in new} if known else {}
        change = Change(table=table.name, op=Op.UPDATE, id=remote.id, old=old, new=new)
        return Pending(position=LOST_POSITION, stamp=self._stamps.at(edited_ms), change=change)

    def _is_ancestor(self, remote: RemoteRow, version: int, edited_ms: int) -> bool:
        """Did this device edit what the server holds now?

        Yes, if no restore has come between: below everything that was ever lost there is one history. Above it, a
        lower number says nothing: a backup that is restored twice gives out lower ones the second time. A wrong no
        costs a merge without a base; a wrong yes would cost the other device's edit.
        """
        theirs = remote.server_seq or 0
        lost: list[tuple[int, int]] = msgspec.json.decode(self._ranges)
        if any(low <= version <= high for low, high in lost):
            return theirs < min(low for low, _ in lost)
        return theirs < version and milliseconds(max(remote.hlc, *remote.stamps.values(), "")) <= edited_ms


@dataclass(slots=True)
class LostRow:
    """A row to be inserted again."""

    change: Change
    edited_ms: int
    needs: frozenset[RowKey] = field(default_factory=frozenset)


class GiveBack:
    """Inserts again, on the server, rows that it lost."""

    def __init__(self, store: Store, outbox: Outbox) -> None:
        self._store = store
        self._outbox = outbox
        self._stamps = Stamps(store.device_id)

    def rows(self, lost: Mapping[str, Collection[str]]) -> None:
        """The rows with these ids, by table, in a transaction of their own."""
        with self._outbox.edit(loose_keys=True) as (connection, waiting):
            rebase = Rebase(self._store, self._outbox, connection, waiting)
            self._outbox.give_back(connection, waiting, self.entries(rebase, lost))

    def entries(self, rebase: Rebase, lost: Mapping[str, Collection[str]]) -> list[tuple[str, tuple[Change, ...]]]:
        """(stamp, changes) of the entries that insert these rows, parents first; the rows count as new here."""
        found: dict[RowKey, LostRow] = {}
        for name, ids in lost.items():
            table = self._store.catalog.table(name)
            unpack(self._store, rebase.connection, table, ids)
            self._tell_of_gone(rebase, table, ids)
            for row_id in sorted(ids):
                row = self._row(rebase, table, row_id)
                if row is not None:
                    found[name, row_id] = row
                    rebase.connection.execute(set_columns(table, (SERVER_SEQ,)), (row_id, None))
        return [
            (self._stamps.at(max(row.edited_ms for row in group)), tuple(row.change for row in group))
            for group in grouped(found)
        ]

    def _tell_of_gone(self, rebase: Rebase, table: Table, ids: Collection[str]) -> None:
        """Archived rows that this file no longer held, not even packed: they cannot be given back. A person is told."""
        gone = stubs.among(rebase.connection, table.name, list(ids))
        for row_id in sorted(gone):
            rebase.record(
                Verdict(
                    table=table.name,
                    id=row_id,
                    column=None,
                    base=None,
                    mine=None,
                    theirs=None,
                    resolved=None,
                    rule=ARCHIVED_LOST,
                    needs_attention=True,
                )
            )
        stubs.forget(rebase.connection, table.name, list(gone))

    def _row(self, rebase: Rebase, table: Table, row_id: str) -> LostRow | None:
        local = rebase.local_row(table, row_id)
        chain = rebase.waiting.chain((table.name, row_id))
        if local is None or (chain and chain[0].change.op is Op.INSERT):
            return None
        image = _given(rebase, table, local)
        _start_from(rebase, table, image, chain)
        image.pop(SERVER_SEQ, None)
        change = Change(table=table.name, op=Op.INSERT, id=row_id, new=image)
        return LostRow(change, _edited_ms(image, self._store.clock.now_ms()), parents(table, image))


def _given(rebase: Rebase, table: Table, local: Mapping[str, Any]) -> dict[str, Any]:
    """The row as the server last had it, but for a parent that is deleted here: that may be lost there too."""
    image = before_waiting(local, rebase.waiting, (table.name, local["id"]))
    for column in table.foreign_keys:
        parent = image[column.name]
        if parent is not None and parent != local[column.name] and not rebase.stands(column, parent):
            image[column.name] = local[column.name]
    return image


def _start_from(rebase: Rebase, table: Table, image: Mapping[str, Any], chain: Chain) -> None:
    """What waits for the row finds the references that are given back, also when it is given up."""
    for column in table.foreign_keys:
        name = column.name
        first = next((item for item in chain if name in item.change.new), None)
        if first is not None and first.change.old.get(name) != image[name]:
            now = first.change.with_old(**{name: image[name]})
            rebase.waiting.rewrite(first.position, now.key, now)


def before_waiting(local: Mapping[str, Any], waiting: Waiting, key: RowKey) -> dict[str, Any]:
    """The row as the server last had it from this device or gave it: what waits for it is taken back."""
    image = dict(local)
    for item in reversed(waiting.chain(key)):
        image.update(item.change.old)
    image[SERVER_SEQ] = local[SERVER_SEQ]
    return image


def _edited_ms(image: Mapping[str, Any], now_ms: int) -> int:
    moment = image.get("updated_at")
    return min(max(0, moment), now_ms) if isinstance(moment, int) else 0


def parts_of(catalog: Catalog, entry: Entry) -> list[tuple[Change, ...]]:
    """The parts in which an entry may leave, parents first; one part for what must leave as a whole."""
    if not entry.is_given_back:
        return [tuple(entry.changes.values())]
    rows = {
        key: LostRow(change, 0, parents(catalog.table(change.table), change.new))
        for key, change in entry.changes.items()
    }
    return [tuple(row.change for row in circle) for circle in _circles(rows)]


def grouped(rows: Mapping[RowKey, LostRow]) -> Iterator[list[LostRow]]:
    """Rows that leave together, parents before children; a circle of references is one group."""
    group: list[LostRow] = []
    for circle in _circles(rows):
        same_moment = group and len(circle) == 1 and circle[0].edited_ms == group[-1].edited_ms
        if group and not (same_moment and len(group) < ROWS_PER_ENTRY_MAX):
            yield group
            group = []
        group += circle
    if group:
        yield group


def _circles(rows: Mapping[RowKey, LostRow]) -> Iterator[list[LostRow]]:
    """Tarjan's components without recursion: each row alone, or with those it refers to in a circle; parents first."""
    order: dict[RowKey, int] = {}
    low: dict[RowKey, int] = {}
    stack: list[RowKey] = []
    standing: set[RowKey] = set()
    for root in rows:
        path: list[tuple[RowKey, Iterator[RowKey]]] = [(root, iter(()))] if root not in order else []
        while path:
            key, parents_left = path[-1]
            if key not in order:
                order[key] = low[key] = len(order)
                stack.append(key)
                standing.add(key)
                parents_left = iter(sorted(rows[key].needs & rows.keys()))
                path[-1] = (key, parents_left)
            parent = next(parents_left, None)
            if parent is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[key])
                if low[key] == order[key]:
                    yield [rows[member] for member in _popped(stack, standing, key)]
            elif parent not in order:
                path.append((parent, iter(())))
            elif parent in standing:
                low[key] = min(low[key], order[parent])


def _popped(stack: list[RowKey], standing: set[RowKey], until: RowKey) -> Iterable[RowKey]:
    members: list[RowKey] = []
    while not members or members[-1] != until:
        members.append(stack.pop())
        standing.discard(members[-1])
    return members
