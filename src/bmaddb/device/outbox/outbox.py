"""The outbox: the one place through which entries come, leave, wait and end.

Rules of this room: an entry is written in the same transaction as its data; it never changes while it is
leased; numbers are in the file before they are on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

import apsw
import msgspec
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb import signals, statements
from bmaddb.device.outbox import reasons, unreacted
from bmaddb.device.outbox.amend import amend_entry
from bmaddb.device.outbox.capture import Capture
from bmaddb.device.outbox.discard import discard_entry
from bmaddb.device.outbox.entries import Entry, EntryStatus, GivenUp, ParkReason, read_entry, write_changes
from bmaddb.device.outbox.layouts import Layouts
from bmaddb.device.outbox.leasing import Leasing, encode_leased, leased_units
from bmaddb.device.outbox.parking import Parking
from bmaddb.device.outbox.row_index import BEFORE_ALL, RowIndex
from bmaddb.device.outbox.sizing import Sizing
from bmaddb.device.outbox.upgrade import Names
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.protocol.changes import Change, Op, RowKey
from bmaddb.protocol.outcomes import Settlement
from bmaddb.schema.sqlite_ddl_rows import mark_row_unseen, write_version

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")
Fence: TypeAlias = Callable[[apsw.Connection], None]
FENCE: ContextVar[Fence | None] = ContextVar("bmaddb_outbox_fence", default=None)
"""Asked at the start of every edit made in this context; it raises when somebody else syncs the file now."""


class OutboxCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many entries stand where."""

    queued: int = 0
    leased: int = 0
    parked: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.leased + self.parked


class _OnlyAsked(Exception):
    """Carries the answer out of the edit."""

    def __init__(self, answer: GivenUp) -> None:
        self.answer = answer


class Outbox:
    """The entries of one store. Making one joins the store's commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._layouts = Layouts(store)
        self._waiting = self._picture(RowIndex(store, self._layouts))
        self._data_version = -1
        self._encoded: dict[int, bytes] = {}
        self._told: list[signals.Signal] = []
        self.listened: frozenset[str] = frozenset()
        """The tables whose rows, when they come from the server, are noted for who reacts to them."""
        self.given_up: list[Callable[[apsw.Connection, Sequence[str]], None]] = []
        """Asked with the ids of entries that are given up, in the transaction that does it."""
        self._parking = Parking(store.clock, self.tell)
        store.before_commit.append(Sizing(store, self._layouts).check)
        self.capture = Capture(store, self._layouts.current)

    # --- for people ---

    def counts(self) -> OutboxCounts:
        """How many entries wait, are on their way, are parked."""
        with self._store.read() as connection:
            return OutboxCounts(**dict(connection.execute(_SQL["counts"])))

    def count_parked(self) -> int:
        """How many entries wait for a person; counts none of the others."""
        with self._store.read() as connection:
            [(count,)] = connection.execute(_SQL["count_parked"])
            return int(count)

    def entries(self) -> tuple[Entry, ...]:
        """Everything in the outbox, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(_SQL["all"])
            return tuple(self._read(row) for row in rows)

    def first_to_go(self, limit: int) -> tuple[Entry, ...]:
        """The first `limit` entries that no person need look at: queued, or on their way; oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(_SQL["first_to_go"], (limit,))
            return tuple(self._read(row) for row in rows)

    def parked(self) -> tuple[Entry, ...]:
        """The entries that wait for a person, each with its reason."""
        with self._store.read() as connection:
            rows = connection.execute(_SQL["set_aside_after"], (str(EntryStatus.PARKED), BEFORE_ALL, -1))
            return tuple(self._read(row) for row in rows)

    def retry(self, entry_id: str) -> None:
        """Send a parked entry again, and with it what was parked only because it depends on it.

        RecordNotFound when no parked entry has this id.
        """
        with self.edit() as (_, waiting):
            self._parking.requeue(waiting, [self._parked_entry(waiting, entry_id)])

    def amend(self, entry_id: str, values: Mapping[RowKey, Mapping[str, Any]]) -> None:
        """Change what a parked entry says, (table, id) -> column -> Python value, and send it again.

        The local row changes too, where nothing newer stands; values are held to the same rules as a local
        write (RecordInvalid, ReadOnlyTable). RecordNotFound when no parked entry has this id, or it does not
        write such a row.
        """
        with self.edit() as (connection, waiting):
            entry = self._parked_entry(waiting, entry_id)
            for key, given in values.items():
                amend_entry(connection, self._store, waiting, entry, key, given)
            self._parking.requeue(waiting, [waiting.find(entry_id) or entry])

    def discard(self, entry_id: str) -> GivenUp:
        """Give a parked entry up: its rows go back to what the server last said, where nothing newer stands.

        What refers to a row it inserted lives on without that reference; where it cannot (the column must have a
        value, or cascades) the row goes too. Nothing else of the same transactions does. Every row that goes and
        every reference that is cut leaves a verdict; the answer names them. What was parked behind the entry is
        sent again. RecordNotFound when no parked entry has this id; StoreBusy while what builds on it is on its way.
        """
        with self.edit(loose_keys=True) as (connection, waiting):
            given_up = self._discard(connection, waiting, entry_id)
            self._parking.requeue_behind(waiting, given_up.entries)
            unreacted.note_keys(connection, unreacted.listeners(connection), given_up.touched)
            for hook in tuple(self.given_up):
                hook(connection, given_up.entries)
            return given_up

    def discardable(self, entry_id: str) -> GivenUp:
        """What `discard` would give up; nothing is changed. The same errors."""
        try:
            with self.edit(loose_keys=True) as (connection, waiting):
                raise _OnlyAsked(self._discard(connection, waiting, entry_id))
        except _OnlyAsked as asked:
            return asked.answer

    def _discard(self, connection: apsw.Connection, waiting: Waiting, entry_id: str) -> GivenUp:
        from bmaddb.device.outbox.giving_up import GivingUp

        entry = self._parked_entry(waiting, entry_id)
        made = [(key, entry.position) for key, change in entry.changes.items() if change.op is Op.INSERT]
        known = [made_by for made_by in made if made_by[0][0] in self._store.catalog.tables]
        try:
            discard_entry(connection, self._store.catalog, waiting, entry)
            waiting.remove(entry.position)
            giving = GivingUp(self._store, connection, waiting, self.tell)
            giving.inserted(known)
        except e.LocalProtocolError as error:
            raise e.StoreBusy(
                "a newer change to the same row is on its way", hint="discard it after the sync"
            ) from error
        gone = (entry.id, *giving.emptied())
        back = tuple(key for key, change in entry.changes.items() if change.op is not Op.INSERT)
        return GivenUp(entries=gone, rows=tuple(giving.rows), cut=tuple(giving.cut), back=back)

    # --- for the sync engine ---

    def names_of(self, version: int) -> Names | None:
        """From the names of an older schema version to today's; None when no migrations lead from there."""
        try:
            return self._layouts.upgrade.names(version)
        except e.MigrationError:
            return None

    @contextmanager
    def edit(self, *, loose_keys: bool = False, durable: bool = False) -> Iterator[tuple[apsw.Connection, Waiting]]:
        """A transaction that keeps writers out, with the picture of what waits; edits are saved at its end.

        With `loose_keys` foreign keys are not enforced in it: no cascade, and parents may come later. `durable`:
        it and all before it survive a power cut, whatever the durability of the file.
        """
        began = False
        try:
            with self._store.apply("remote", durable=durable) as connection, ExitStack() as stack:
                began = True
                if loose_keys:
                    stack.enter_context(keys_loose(connection))
                fence = FENCE.get()
                if fence is not None:
                    fence(connection)
                waiting = self._refreshed(connection)
                yield connection, waiting
                self._parking.after_rewrite(waiting, waiting.save())
        except BaseException:
            if began:
                self._data_version = -1
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
            return _last_number(connection)

    def requeue_due(self) -> None:
        """Send again what is parked until a time that has come: trouble of the server's, columns it did not know."""
        with self._store.read() as connection:
            timed = [int(row[0]) for row in connection.execute(_SQL["parked_for_a_time"])]
        if timed:
            with self.edit() as (_, waiting):
                self._parking.requeue_due(waiting, timed)

    def lease(self, limit_entries: int, limit_bytes: int) -> tuple[int, ...]:
        """Give numbers to the next entries that may leave, durably; parks what can never leave.

        At least one is taken if there is one, however large; neighbours that touch the same rows may share a
        number (see squash.py). Returns the numbers, ascending.
        """
        # Under durability "normal" a power cut could take back a number that has left the device, and its next
        # entry would be taken for a repeat of this one.
        with self.edit(durable=True) as (connection, waiting):
            if next(waiting.of_status(EntryStatus.LEASED), None) is not None:
                raise e.StoreBusy("entries of this file are in flight already", hint="another process syncs it")
            self._forget_deleted(connection, waiting)
            leasing = Leasing(self._store.catalog, connection, waiting, self._parking)
            self._encoded = leasing.lease(self.capture, _last_number(connection), limit_entries, limit_bytes)
        return tuple(self._encoded)

    def batch(self) -> tuple[bytes, ...]:
        """The leased entries as the server reads them: the same bytes each time, until they are answered."""
        numbers = self.in_flight()
        if not numbers or numbers != tuple(self._encoded):
            with self.edit() as (connection, waiting):
                self._encoded = encode_leased(connection, self._store.catalog, waiting)
        return tuple(self._encoded.values())

    def settle(
        self,
        connection: apsw.Connection,
        waiting: Waiting,
        applied: Sequence[Settlement],
        *,
        seen: bool = True,
        note: Callable[[Iterable[RowKey]], None] | None = None,
    ) -> int:
        """The server holds these entries: they leave, their rows take the version. Returns rows pushed.

        What it did not answer is released first: a later delete of such a row is rebased with it. Not `seen`: the
        rows are read again from nothing, and an answer as old as its first time does not say that they still stand.
        `note` is told which rows they were.
        """
        versions: dict[RowKey, int] = {}
        units = leased_units(waiting)
        rows = 0
        stamps: list[str] = []
        for item in applied:
            unit = units.get(item.number)
            if unit is None:
                continue  # settled by another process that shares this file
            for entry in unit.entries:
                waiting.remove(entry.position)
                stamps.append(entry.hlc)
                self.tell(signals.EntrySettled(position=entry.position, version=item.version))
            rows += len(unit.changes)
            if note is not None:
                note(unit.changes)
            versions.update({key: item.version for key, change in unit.changes.items() if change.op is not Op.DELETE})
        self.capture.leave(connection, stamps)
        self.release(connection, waiting)
        self._write_versions(connection, waiting, versions)
        self._parking.after_settling(waiting, versions)
        if not seen:
            for table, row_id in versions:
                connection.execute(mark_row_unseen(self._store.catalog.table(table)), (row_id,))
        return rows

    def release(self, connection: apsw.Connection, waiting: Waiting) -> None:
        """Entries still leased never reached the server: their numbers are free again."""
        self._encoded = {}
        for entry in waiting.leased():
            waiting.restate(replace(entry, status=EntryStatus.QUEUED, number=None))

    def park(self, connection: apsw.Connection, waiting: Waiting, entry: Entry, reason: ParkReason) -> None:
        """The entry waits for a person from now on; what depends on it follows at the next lease."""
        self._parking.park(waiting, entry, reason)

    def refuse(self, waiting: Waiting, refused: Sequence[Entry], reason: ParkReason, *, passes: bool = False) -> None:
        """The server refused this unit: its one entry is parked; of several each is sent alone, to find which.

        `passes`: it is trouble of the server's own, and the entry is sent again by itself after a while.
        """
        if len(refused) == 1:
            self._parking.park(waiting, refused[0], reason, passes=passes)
            return
        for entry in refused:
            alone = replace(entry, status=EntryStatus.QUEUED, number=None, reason=reasons.sent_apart())
            waiting.restate(alone)

    def give_back(
        self, connection: apsw.Connection, waiting: Waiting, entries: Sequence[tuple[str, Sequence[Change]]]
    ) -> None:
        """Entries, each a stamp and changes, that leave before all that waits; the last thing in an `edit`."""
        if not entries:
            return
        if waiting.leased():
            raise e.StoreBusy("entries of this file are in flight", hint="another process syncs it")
        self._parking.after_rewrite(waiting, waiting.save())
        written = [(stamp, write_changes(changes), len(changes)) for stamp, changes in entries]
        for position, (_, changes) in zip(self.capture.prepend(connection, written), entries, strict=True):
            waiting.index.replace(position, changes)

    def send_apart(
        self, connection: apsw.Connection, waiting: Waiting, entry: Entry, parts: Sequence[Sequence[Change]]
    ) -> None:
        """What is given back, and was refused together, is tried again in these parts, to find which is to blame."""
        waiting.remove(entry.position)
        for position, changes in enumerate(parts, start=entry.position):
            self.capture.place(connection, position, entry.hlc, write_changes(changes))
            waiting.index.replace(position, changes)

    def know_number(self, connection: apsw.Connection, number: int) -> None:
        """The highest number the server has from this device."""
        values = (number, self._store.catalog.version, self._store.clock.now_ms())
        connection.execute(_SQL["save_last_number"], values)

    def look_again(self) -> None:
        """The file is open through another connection now: nothing that was seen through the old one counts."""
        self._data_version = -1
        self.capture.forget()

    def tell(self, signal: signals.Signal) -> None:
        """Emit `signal` when the transaction of the surrounding `edit` is durable."""
        self._told.append(signal)

    # --- inside ---

    def _picture(self, index: RowIndex) -> Waiting:
        return Waiting(self._store.catalog, index, self._read)

    def _read(self, row: tuple[Any, ...]) -> Entry:
        return read_entry(row, self._layouts, self._store.catalog)

    def _forget_deleted(self, connection: apsw.Connection, waiting: Waiting) -> None:
        """Rows whose insert is parked, and that were deleted here since, concern nobody any more."""
        made = [((table, row_id), position) for table, row_id, position in connection.execute(_SQL["made_and_deleted"])]
        if not made:
            return
        from bmaddb.device.outbox.giving_up import GivingUp

        parked = {position: waiting.at(position) for _, position in made}
        giving = GivingUp(self._store, connection, waiting, self.tell)
        giving.inserted([item for item in made if item[0][0] in self._store.catalog.tables])
        self._parking.requeue_behind(waiting, giving.emptied())
        self._parking.requeue(waiting, [entry for entry in parked.values() if entry is not None and entry.changes])

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
        """The picture; drawn anew when another process wrote to the file, or an edit was lost."""
        [(data_version,)] = connection.execute(_SQL["data_version"])
        self._waiting.begin(connection, others_wrote=data_version != self._data_version)
        self._data_version = data_version
        return self._waiting


def _last_number(connection: apsw.Connection) -> int:
    row = connection.execute(_SQL["last_number"]).fetchone()
    return 0 if row is None else int(row[0])


@contextmanager
def keys_loose(connection: apsw.Connection) -> Iterator[None]:
    """No foreign key is enforced meanwhile. Every statement of the connection is compiled again, twice.

    The pragma is deaf inside a transaction; the configuration is not.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 0)
    try:
        yield
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_FKEY, 1)
