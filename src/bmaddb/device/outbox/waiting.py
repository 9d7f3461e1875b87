"""What waits, in memory: entries in order, and for each row the entries that touch it.

Rules of this room: the picture is only read and edited inside `store.apply()`, which keeps every writer out;
whoever loses the transaction throws the picture away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bmaddb import errors as e
from bmaddb.device.outbox.entries import Entry, EntryStatus
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op, RowKey
from bmaddb.protocol.merge import Pending


class Waiting:
    """All entries of the outbox by position, and an index from row to entries."""

    def __init__(self) -> None:
        self.last_position = 0
        self._edited: set[int] = set()
        self._entries: dict[int, Entry] = {}
        self._rows: dict[str, dict[str, list[int]]] = {}

    def __iter__(self) -> Iterator[Entry]:
        """The entries, oldest first."""
        return iter(list(self._entries.values()))

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """One more entry, newer than all before."""
        self._entries[entry.position] = entry
        self.last_position = max(self.last_position, entry.position)
        for table, row_id in entry.changes:
            self._rows.setdefault(table, {}).setdefault(row_id, []).append(entry.position)

    def rows_of(self, table: str) -> tuple[str, ...]:
        """The ids of the table's rows that something waits for."""
        return tuple(self._rows.get(table, ()))

    def chain(self, key: RowKey) -> tuple[Pending, ...]:
        """What waits for one row, oldest first."""
        entries = [self._entries[position] for position in self._rows.get(key[0], {}).get(key[1], ())]
        return tuple(Pending(position=entry.position, stamp=entry.hlc, change=entry.changes[key]) for entry in entries)

    def leased(self) -> tuple[Entry, ...]:
        """The entries under a number, in the order of their numbers."""
        found = [entry for entry in self._entries.values() if entry.status is EntryStatus.LEASED]
        return tuple(sorted(found, key=lambda entry: entry.number or 0))

    def find(self, entry_id: str) -> Entry | None:
        """The entry with this id."""
        return next((entry for entry in self._entries.values() if entry.id == entry_id), None)

    def restate(self, entry: Entry) -> None:
        """The same entry with another status, number or reason."""
        self._entries[entry.position] = entry

    def rewrite(self, position: int, key: RowKey, change: Change | None) -> None:
        """The entry's change to one row is another now, or gone; LocalProtocolError while it is leased."""
        entry = self._entries[position]
        if entry.status is EntryStatus.LEASED:
            raise e.LocalProtocolError(
                "a change whose fate is unknown would have been edited",
                hint="does another process sync this file at the same time?",
            )
        self._edited.add(position)
        if change is None:
            del entry.changes[key]
            self._forget_row(position, key)
        else:
            entry.changes[key] = change

    def remove(self, position: int) -> Entry:
        """The entry is gone."""
        entry = self._entries.pop(position)
        for key in entry.changes:
            self._forget_row(position, key)
        self._edited.discard(position)
        return entry

    def take_edited(self) -> tuple[Entry, ...]:
        """The entries that differ from the file; they count as equal from now on."""
        found = tuple(self._entries[position] for position in sorted(self._edited))
        self._edited.clear()
        return found

    def rebase_deletes(self, keys: Iterable[RowKey], server_seq: int) -> None:
        """The server's version of these rows is another now: tell the first delete that waits for each."""
        for key in keys:
            for item in self.chain(key):
                if item.change.op is Op.DELETE:
                    self.rewrite(item.position, key, item.change.with_old(**{SERVER_SEQ: server_seq}))
                    break

    def _forget_row(self, position: int, key: RowKey) -> None:
        table, row_id = key
        positions = self._rows[table][row_id]
        positions.remove(position)
        if not positions:
            del self._rows[table][row_id]
