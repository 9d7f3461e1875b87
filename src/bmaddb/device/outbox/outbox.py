"""The outbox: the one place through which entries come, leave, wait and end.

Rules of this room: an entry is written in the same transaction as its data; it never changes while it is
leased; numbers are in the file before they are on the wire.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb import signals, statements
from bmaddb.device.outbox.capture import Capture
from bmaddb.device.outbox.cone import Cone
from bmaddb.device.outbox.discard import discard_entry
from bmaddb.device.outbox.entries import Entry, EntryStatus, ParkReason, read_entry, write_changes
from bmaddb.device.outbox.layouts import Layouts
from bmaddb.device.outbox.sending import concerns_server, encode_entry, row_versions
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.protocol.changes import Change, Op, RowKey, entry_fault
from bmaddb.protocol.steps import Settlement
from bmaddb.schema.sqlite_ddl_rows import write_version

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")
_DURABLE_AT_COMMIT = (2, 3)  # PRAGMA synchronous: FULL, EXTRA
DEPENDS = "depends_on_parked"
UNSENDABLE = "cannot_be_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCounts:
    """How many entries stand where."""

    queued: int = 0
    leased: int = 0
    parked: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.leased + self.parked


class Outbox:
    """The entries of one store. Making one joins the store's commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._layouts = Layouts(store)
        self._waiting: Waiting | None = None
        self._data_version = -1
        self._encoded: dict[int, bytes] = {}
        self._told: list[signals.Signal] = []
        self.capture = Capture(store, self._layouts.current)

    # --- for people ---

    def counts(self) -> OutboxCounts:
        """How many entries wait, are on their way, are parked."""
        with self._store.read() as connection:
            return OutboxCounts(**dict(connection.execute(_SQL["counts"])))

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the outbox, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(_SQL["entries_after"], (-1,))
            return tuple(read_entry(row, self._layouts, self._store.catalog) for row in rows)

    def parked(self) -> tuple[Entry, ...]:
        """The entries that wait for a person, each with its reason."""
        return tuple(entry for entry in self.entries() if entry.status is EntryStatus.PARKED)

    def retry(self, entry_id: str) -> None:
        """Send a parked entry again, and with it what was parked only because it depends on another.

        RecordNotFound when no parked entry has this id.
        """
        with self.edit() as (connection, waiting):
            self._parked_entry(waiting, entry_id)
            for entry in waiting:
                depends = entry.reason is not None and entry.reason.code == DEPENDS
                if entry.id == entry_id or depends:
                    self._requeue(connection, waiting, entry)

    def discard(self, entry_id: str) -> None:
        """Give a parked entry up: its rows go back to what the server last said, where nothing newer stands.

        Entries that cannot live without a row it inserted go with it; others that were parked behind it are
        sent again. RecordNotFound when no parked entry has this id.
        """
        with self.edit(loose_keys=True) as (connection, waiting):
            entry = self._parked_entry(waiting, entry_id)
            cone = Cone(self._store.catalog)
            doomed = [entry]
            cone.add(entry)
            for other in waiting:
                if other.position > entry.position and _lives_by(other, doomed, cone):
                    doomed.append(other)
                    cone.add(other)
            for item in reversed(doomed):
                discard_entry(connection, self._store.catalog, waiting, item)
                connection.execute(_SQL["remove"], (item.position,))
                waiting.remove(item.position)
            for other in waiting:
                if other.reason is not None and other.reason.code == DEPENDS:
                    self._requeue(connection, waiting, other)

    # --- for the sync engine ---

    @contextmanager
    def edit(self, *, loose_keys: bool = False) -> Iterator[tuple[apsw.Connection, Waiting]]:
        """A transaction that keeps writers out, with the picture of what waits; edits are saved at its end.

        With `loose_keys` foreign keys are not enforced in it: no cascade, and parents may come later.
        """
        try:
            with self._store.apply("remote") as connection, _keys(connection, loose=loose_keys):
                waiting = self._refreshed(connection)
                yield connection, waiting
                self._save(connection, waiting)
        except BaseException:
            self._waiting = None
            self._told.clear()
            raise
        told, self._told = self._told, []
        for signal in told:
            self._store.signals.emit(signal)

    def in_flight(self) -> tuple[int, ...]:
        """The numbers of entries that may have left and were never answered."""
        with self._store.read() as connection:
            return tuple(int(row[0]) for row in connection.execute(_SQL["in_flight"]))

    def last_number(self) -> int:
        """The highest number whose answer this device knows."""
        with self._store.read() as connection:
            row = connection.execute(_SQL["last_number"]).fetchone()
        return 0 if row is None else int(row[0])

    def lease(self, limit_entries: int, limit_bytes: int) -> tuple[int, ...]:
        """Give numbers to the next entries that may leave, durably; parks what can never leave.

        At least one entry is taken if there is one, however large. Returns the numbers, ascending.
        """
        with self.edit() as (connection, waiting):
            in_doubt = connection.pragma("synchronous") not in _DURABLE_AT_COMMIT
            if waiting.leased():
                raise e.StoreBusy("entries of this file are in flight already", hint="another process syncs it")
            chosen = self._choose(connection, waiting, limit_entries)
            base = row_versions(connection, self._store.catalog, waiting, chosen)
            row = connection.execute(_SQL["last_number"]).fetchone()
            number = 0 if row is None else int(row[0])
            self._encoded, size = {}, 0
            for entry in chosen:
                stamp = self.capture.believable(entry.hlc)
                leased = replace(entry, status=EntryStatus.LEASED, number=number + 1, hlc=stamp)
                body = encode_entry(self._store.catalog, leased, base[entry.position])
                size += len(body)
                if self._encoded and size > limit_bytes:
                    break
                number += 1
                connection.execute(_SQL["lease"], (entry.position, number, stamp))
                waiting.restate(replace(leased, attempts=entry.attempts + 1))
                self._encoded[number] = body
        if in_doubt and self._encoded:
            _write_through(self._store.path)
        return tuple(self._encoded)

    def batch(self) -> tuple[bytes, ...]:
        """The leased entries as the server reads them: the same bytes each time, until they are answered."""
        numbers = self.in_flight()
        if not numbers or numbers != tuple(self._encoded):
            with self.edit() as (connection, waiting):
                leased = waiting.leased()
                base = row_versions(connection, self._store.catalog, waiting, leased)
                self._encoded = {
                    entry.number or 0: encode_entry(self._store.catalog, entry, base[entry.position])
                    for entry in leased
                }
        return tuple(self._encoded.values())

    def settle(self, connection: apsw.Connection, waiting: Waiting, applied: Sequence[Settlement]) -> int:
        """The server holds these entries: they leave, their rows take the version. Returns rows pushed.

        What it did not answer is released first: a later delete of such a row is rebased with it.
        """
        versions: dict[RowKey, int] = {}
        by_number = {entry.number: entry for entry in waiting.leased()}
        rows = 0
        for item in applied:
            entry = by_number.get(item.number)
            if entry is None:
                continue  # settled by another process that shares this file
            waiting.remove(entry.position)
            connection.execute(_SQL["remove"], (entry.position,))
            rows += len(entry.changes)
            versions.update({key: item.version for key, change in entry.changes.items() if change.op is not Op.DELETE})
            self.tell(signals.EntrySettled(position=entry.position, version=item.version))
        self.release(connection, waiting)
        self._write_versions(connection, waiting, versions)
        return rows

    def release(self, connection: apsw.Connection, waiting: Waiting) -> None:
        """Entries still leased never reached the server: their numbers are free again."""
        connection.execute(_SQL["release"])
        self._encoded = {}
        for entry in waiting.leased():
            waiting.restate(replace(entry, status=EntryStatus.QUEUED, number=None))

    def park(self, connection: apsw.Connection, waiting: Waiting, entry: Entry, reason: ParkReason) -> None:
        """The entry waits for a person from now on; what depends on it follows at the next lease."""
        text = msgspec.json.encode(reason).decode()
        connection.execute(_SQL["park"], (entry.position, text))
        waiting.restate(replace(entry, status=EntryStatus.PARKED, number=None, reason=reason))
        self.tell(signals.EntryParked(position=entry.position, code=reason.code, message=reason.message))

    def give_back(
        self, connection: apsw.Connection, waiting: Waiting, entries: Sequence[tuple[str, Sequence[Change]]]
    ) -> None:
        """Entries, each a stamp and changes, that leave before all that waits; the last thing in an `edit`."""
        if not entries:
            return
        if waiting.leased():
            raise e.StoreBusy("entries of this file are in flight", hint="another process syncs it")
        self._save(connection, waiting)
        self.capture.prepend(connection, [(stamp, write_changes(changes)) for stamp, changes in entries])
        self._waiting = None  # the positions are others now

    def know_number(self, connection: apsw.Connection, number: int) -> None:
        """The highest number the server has from this device."""
        values = (number, self._store.catalog.version, self._store.clock.now_ms())
        connection.execute(_SQL["save_last_number"], values)

    def tell(self, signal: signals.Signal) -> None:
        """Emit `signal` when the transaction of the surrounding `edit` is durable."""
        self._told.append(signal)

    # --- inside ---

    def _choose(self, connection: apsw.Connection, waiting: Waiting, limit: int) -> list[Entry]:
        """The next entries free to leave, oldest first."""
        catalog = self._store.catalog
        cone = Cone(catalog)
        chosen: list[Entry] = []
        for entry in waiting:
            if len(chosen) == limit:
                break
            if entry.status is EntryStatus.PARKED:
                cone.add(entry)
                continue
            reason = self._obstacle(entry, cone)
            if reason is not None:
                self.park(connection, waiting, entry, reason)
                cone.add(entry)
            elif concerns_server(catalog, entry):
                chosen.append(entry)
            else:  # nothing in it concerns the server
                connection.execute(_SQL["remove"], (entry.position,))
                waiting.remove(entry.position)
        return chosen

    def _obstacle(self, entry: Entry, cone: Cone) -> ParkReason | None:
        holder = cone.holder(entry)
        if holder is not None:
            return ParkReason(code=DEPENDS, message="it depends on a parked entry", entry=holder)
        fault = entry.broken or entry_fault(self._store.catalog, entry.changes.values())
        return None if fault is None else ParkReason(code=UNSENDABLE, message=fault)

    def _requeue(self, connection: apsw.Connection, waiting: Waiting, entry: Entry) -> None:
        connection.execute(_SQL["requeue"], (entry.position,))
        waiting.restate(replace(entry, status=EntryStatus.QUEUED, reason=None))

    def _parked_entry(self, waiting: Waiting, entry_id: str) -> Entry:
        entry = waiting.find(entry_id)
        if entry is None or entry.status is not EntryStatus.PARKED:
            raise e.RecordNotFound(f"no parked entry has the id '{entry_id}'", hint="see outbox.parked()")
        return entry

    def _write_versions(self, connection: apsw.Connection, waiting: Waiting, versions: dict[RowKey, int]) -> None:
        groups: dict[tuple[str, int], list[str]] = {}
        for (table, row_id), version in versions.items():
            groups.setdefault((table, version), []).append(row_id)
        for (table, version), ids in groups.items():
            statement = write_version(self._store.catalog.table(table))
            connection.execute(statement, (version, msgspec.json.encode(ids).decode()))
            waiting.rebase_deletes([(table, row_id) for row_id in ids], version)

    def _refreshed(self, connection: apsw.Connection) -> Waiting:
        """The picture, with what was committed since; drawn anew when another process wrote to the file."""
        [(data_version,)] = connection.execute(_SQL["data_version"])
        if self._waiting is None or data_version != self._data_version:
            self._waiting = Waiting()
        self._data_version = data_version
        # Not the highest ever seen: positions are given again once their entries have left.
        newest = max((entry.position for entry in self._waiting), default=0)
        rows = connection.execute(_SQL["entries_after"], (newest,)).fetchall()
        for row in rows:
            self._waiting.add(read_entry(row, self._layouts, self._store.catalog))
        return self._waiting

    def _save(self, connection: apsw.Connection, waiting: Waiting) -> None:
        for entry in waiting.take_edited():
            if entry.changes:
                text = write_changes(entry.changes.values())
                connection.execute(_SQL["edit"], (entry.position, text, len(text), entry.schema_version))
            else:
                connection.execute(_SQL["remove"], (entry.position,))
                waiting.remove(entry.position)


@contextmanager
def _keys(connection: apsw.Connection, *, loose: bool) -> Iterator[None]:
    """The pragma is deaf inside a transaction; the configuration is not."""
    if not loose:
        yield
        return
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
    try:
        yield
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)


def _write_through(path: str) -> None:
    """Force the write-ahead log to the disk.

    Under durability "normal" a power cut could otherwise take back a number that has left the device, and its
    next entry would be taken for a repeat of this one.
    """
    with open(f"{path}-wal", "rb+") as log:
        os.fsync(log.fileno())


def _lives_by(other: Entry, doomed: Sequence[Entry], cone: Cone) -> bool:
    """Does `other` touch or refer to a row that one of `doomed` inserted?"""
    inserted = {key for item in doomed for key, change in item.changes.items() if change.op is Op.INSERT}
    return bool(inserted & other.changes.keys()) or cone.parent_holder(other) is not None
