"""What waits, as one edit sees it: entries are read when they are asked for, and what is edited is written back.

Rules of this room: it is only read and edited inside `store.apply()`, which keeps every writer out; every
change of an entry's state is in the file at once; whoever loses the transaction throws the picture away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox.cone import Cone
from bmaddb.device.outbox.entries import Entry, EntryStatus, write_changes
from bmaddb.device.outbox.row_index import BEFORE_ALL, RowIndex
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op, RowKey
from bmaddb.protocol.merge.shapes import Chain, Pending
from bmaddb.schema.catalog import Catalog

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")
ENTRIES_KEPT_MAX = 2_000
_READ_AT_ONCE = 500


class Waiting:
    """The entries of the outbox by position, and the index from rows to entries."""

    def __init__(self, catalog: Catalog, index: RowIndex, read: Callable[[tuple[Any, ...]], Entry]) -> None:
        self.index = index
        self.entries_read = 0
        """How many entries were decoded; tests count work by it."""
        self._catalog = catalog
        self._read_row = read
        self._kept: dict[int, Entry] = {}
        self._edited: dict[int, Entry] = {}
        self._cone: Cone | None = None

    def begin(self, connection: apsw.Connection, *, others_wrote: bool) -> None:
        """An edit begins on `connection`; `others_wrote`: what is remembered may be wrong."""
        self._connection = self.index.connection = connection
        self._edited.clear()
        if others_wrote:
            self._kept.clear()
            self._cone = None
        elif len(self._kept) > ENTRIES_KEPT_MAX:
            self._kept.clear()
        self.index.catch_up()

    def __iter__(self) -> Iterator[Entry]:
        """The entries, oldest first."""
        return self._paged(lambda position: self._connection.execute(_SQL["after"], (position, _READ_AT_ONCE)))

    def __len__(self) -> int:
        [(count,)] = self._connection.execute(_SQL["count"])
        return int(count)

    def of_status(self, status: EntryStatus) -> Iterator[Entry]:
        """The entries that stand there, oldest first; what is restated on the way is not met again."""
        if status is EntryStatus.QUEUED:
            return self._paged(
                lambda position: self._connection.execute(_SQL["queued_after"], (position, _READ_AT_ONCE))
            )
        return self._paged(
            lambda position: self._connection.execute(_SQL["set_aside_after"], (str(status), position, _READ_AT_ONCE))
        )

    def any_parked(self) -> bool:
        """Is any entry set aside?"""
        [(count,)] = self._connection.execute(_SQL["count_parked"])
        return bool(count)

    def at(self, position: int) -> Entry | None:
        """The entry at this position."""
        known = self._kept.get(position)
        if known is not None:
            return known
        row = self._connection.execute(_SQL["one"], (position,)).fetchone()
        return None if row is None else self._read(row)

    def find(self, entry_id: str) -> Entry | None:
        """The entry with this id, if it is parked or leased."""
        row = self._connection.execute(_SQL["position_of"], (entry_id,)).fetchone()
        return None if row is None else self.at(row[0])

    def leased(self) -> tuple[Entry, ...]:
        """The entries under a number, in the order of their numbers; entries sent as one share theirs."""
        return tuple(sorted(self.of_status(EntryStatus.LEASED), key=lambda item: (item.number or 0, item.position)))

    def under_number(self, number: int) -> tuple[Entry, ...]:
        """The entries leased under this number."""
        return tuple(entry for entry in self.leased() if entry.number == number)

    def rows_of(self, table: str) -> tuple[str, ...]:
        """The ids of the table's rows that something waits for."""
        return self.index.rows_of(table)

    def chain(self, key: RowKey) -> tuple[Pending, ...]:
        """What waits for one row, oldest first."""
        entries = [self.at(position) for position in self.index.chain(key)]
        return tuple(
            Pending(position=entry.position, stamp=entry.hlc, change=entry.changes[key])
            for entry in entries
            if entry is not None and key in entry.changes
        )

    def referring(self, table: str, ids: Iterable[str]) -> Iterator[Entry]:
        """The entries that make a row refer to one of these rows."""
        found = (self.at(position) for position in self.index.referring(table, ids))
        return (entry for entry in found if entry is not None)

    def first_delete(self, key: RowKey, position: int = 0) -> Pending | None:
        """The first change at `position` or after it that deletes the row."""
        place = self.index.first_delete(key, position)
        entry = None if place is None else self.at(place)
        if entry is None:
            return None
        return Pending(position=entry.position, stamp=entry.hlc, change=entry.changes[key])

    def deleted(self, table: str) -> dict[str, int]:
        """The table's rows that the server held and an entry deletes: id -> the version it had."""
        chains = ((row_id, self.chain((table, row_id))) for row_id in self.index.deleted(table))
        known = {row_id: _version_known(chain) for row_id, chain in chains}
        return {row_id: version for row_id, version in known.items() if version is not None}

    def cone(self) -> Cone:
        """The cone of everything that is parked; kept from edit to edit while it only grows."""
        if self._cone is None:
            self._cone = Cone(self._catalog)
            for entry in self.of_status(EntryStatus.PARKED):
                self._cone.add(entry)
        return self._cone

    def restate(self, entry: Entry) -> None:
        """The same entry with another status, number, stamp or reason; in the file at once."""
        before = self.at(entry.position)
        reason = None if entry.reason is None else msgspec.json.encode(entry.reason).decode()
        self._connection.execute(
            _SQL["restate"],
            (
                entry.position,
                str(entry.status),
                entry.number,
                entry.hlc,
                entry.attempts,
                reason,
                entry.next_attempt_at_ms,
            ),
        )
        self._kept[entry.position] = entry
        if entry.position in self._edited:
            self._edited[entry.position] = entry
        if self._cone is not None:
            if entry.status is EntryStatus.PARKED:
                self._cone.add(entry)
            elif before is not None and before.status is EntryStatus.PARKED:
                self._cone = None

    def rewrite(self, position: int, key: RowKey, change: Change | None) -> None:
        """The entry's change to one row is another now, or gone; LocalProtocolError while it is leased."""
        entry = self.at(position)
        if entry is None:
            raise e.LocalProtocolError(f"no entry stands at {position}")
        if entry.status is EntryStatus.LEASED:
            raise e.LocalProtocolError("a change whose fate is unknown would have been edited")
        if change is None:
            del entry.changes[key]
        else:
            entry.changes[key] = change
        self._kept[position] = self._edited[position] = entry
        self.index.replace(position, entry.changes.values())
        if entry.status is EntryStatus.PARKED:
            self._cone = None

    def remove(self, position: int) -> None:
        """The entry is gone."""
        entry = self._kept.pop(position, None)
        self._edited.pop(position, None)
        self._connection.execute(_SQL["remove"], (position,))
        self.index.forget(position)
        if entry is None or entry.status is EntryStatus.PARKED:
            self._cone = None

    def save(self) -> tuple[Entry, ...]:
        """Write what was edited; an entry that has nothing left goes. Returns the parked ones among them."""
        edited = [self._edited[position] for position in sorted(self._edited)]
        self._edited.clear()
        for entry in edited:
            if entry.changes:
                text = write_changes(entry.changes.values())
                self._connection.execute(_SQL["edit"], (entry.position, text, len(text), entry.schema_version))
            else:
                self.remove(entry.position)
        return tuple(entry for entry in edited if entry.status is EntryStatus.PARKED)

    def rebase_deletes(self, keys: Iterable[RowKey], server_seq: int) -> None:
        """The server's version of these rows is another now: tell the first delete that waits for each."""
        for key in keys:
            item = self.first_delete(key)
            if item is not None:
                self.rewrite(item.position, key, item.change.with_old(**{SERVER_SEQ: server_seq}))

    def _paged(self, ask: Callable[[int], Iterable[tuple[Any, ...]]]) -> Iterator[Entry]:
        position = BEFORE_ALL
        while rows := list(ask(position)):
            for row in rows:
                position = row[1]
                yield self._kept.get(position) or self._read(row)

    def _read(self, row: tuple[Any, ...]) -> Entry:
        self.entries_read += 1
        entry = self._kept[row[1]] = self._read_row(row)
        return entry


def _version_known(chain: Chain) -> int | None:
    """What the first of these changes knew of the server's row; None when the row was made here."""
    if not chain or chain[0].change.op is Op.INSERT:
        return None
    delete = next((item.change for item in chain if item.change.op is Op.DELETE), None)
    version = None if delete is None else delete.old.get(SERVER_SEQ)
    return -1 - version if version is not None and version < 0 else version  # deleted before it was read again
