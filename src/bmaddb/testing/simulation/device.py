"""A device of a simulation: a real file, outbox and sync run, on a clock that is wrong, in a process that can die.

Rules of this room: everything runs on one thread, so that a seed gives one run; a death is an exception nobody may
catch but the world, after which the file is opened anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox import EntryStatus, Outbox
from bmaddb.device.outbox.reasons import NEWER_HERE
from bmaddb.device.requests import RequestQueue
from bmaddb.device.store import Durability, Store
from bmaddb.device.sync import SyncReport, VerifyReport
from bmaddb.device.sync.run import Device as SyncDevice
from bmaddb.device.sync.run import SyncRun
from bmaddb.device.sync.verify import VerifyRun
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.signals import FirstSyncProgress
from bmaddb.testing.clock import ManualClock
from bmaddb.testing.digests import Rows, device_rows
from bmaddb.testing.power import PowerDisk
from bmaddb.testing.simulation.cards import Summaries
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.editions import Edition
from bmaddb.testing.simulation.history import Act, Deed, History
from bmaddb.testing.simulation.tables import Card
from bmaddb.testing.simulation.walks import StreamingWire, Streams, WalkServer
from bmaddb.testing.simulation.wire import DeviceWire, Sent, Wire
from bmaddb.testing.simulation.work import Worker

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
Others = Callable[["SimulatedDevice"], Awaitable[None]]


WRITTEN_BETWEEN = 0.3
"""How often somebody writes when rows of a stream have come."""


class Killed(BaseException):
    """The process of a device is gone."""


async def _at_once(seconds: float) -> None:
    """Waiting costs nothing here."""


@dataclass(kw_only=True)
class SimulatedDevice:
    """One file of one user."""

    name: str
    user: str
    path: Path
    edition: Edition
    wire: Wire
    dice: Dice
    coverage: Coverage
    history: History
    others: Others
    limits: Limits
    clock: ManualClock
    disk: PowerDisk | None = None
    true_ms: Callable[[], int]
    theme: int
    """What everybody in the run likes to edit, as a seed."""
    durability: Durability = "full"
    walk: WalkServer | None = None
    """Where it can read a first sync as a stream."""
    cards: bool = False
    """Does anybody work on cards?"""
    is_twin: bool = False
    """A second process on the file of another device."""
    syncing: bool = False
    store: Store = field(init=False)
    outbox: Outbox = field(init=False)
    requests: RequestQueue = field(init=False)
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self._entropy = self.dice.entropy()
        self._work_dice = self.dice.split("work")
        self._card_dice = self.dice.split("cards") if self.cards else None
        self._reactions = (Summaries(self.coverage),) if self.cards else ()
        self._doubtful: list[Act] = []
        self.faults: list[str] = []
        """Promises of a run that were seen broken."""
        self._newest: str | None = None
        self._walk_dice = self.dice.split("walks")
        self._pages_left: int | None = None
        """After so many pages of a stream the process dies."""
        self._marks = 0
        """How many transactions were marked, at durability "normal"."""
        self._marked: list[tuple[int, list[Act]]] = []
        """What each did, for as long as the power may take it back."""
        self._left: list[bytes] = []
        """What was sent from here, likewise."""
        self.open()

    def twin(self) -> SimulatedDevice:
        """Another process that opens the same file."""
        self.coverage.note("a file open in two processes")
        name = f"{self.name}b"
        return replace(self, name=name, dice=self.dice.split(name), is_twin=True)

    def open(self) -> None:
        """Start the process: open the file."""
        self.store = Store(
            self.path,
            self.edition.catalog,
            migrations=self.edition.migrations,
            clock=self.clock,
            entropy=self._entropy,
            user=self.user,
            vfs=None if self.disk is None else self.disk.name,
            durability=self.durability,
        )
        self.outbox = Outbox(self.store)
        self.outbox.listened = frozenset().union(*(reaction.tables for reaction in self._reactions))
        self.requests = RequestQueue(self.store, self.outbox)
        if self.walk is not None:
            self.store.signals.listen(FirstSyncProgress, self._page_came)
        self.worker = Worker(
            self.store,
            self.edition,
            self.name,
            self._work_dice,
            Dice(self.theme),
            self.coverage,
            self.true_ms,
            self._card_dice,
        )

    def close(self) -> None:
        """End the process; also without a word to anybody, when it is killed."""
        with contextlib.suppress(e.BmadError, apsw.Error):
            self.store.close()

    @property
    def dark(self) -> bool:
        """Has the power gone?"""
        return self.disk is not None and self.disk.dark

    def endanger(self, operations: int) -> None:
        """The power will go in one of the next operations of the disk."""
        if self.disk is not None and not self.disk.dark:
            self.disk.crash_at(self.disk.operations + operations)

    def write(self) -> None:
        """One local transaction, and what it did is remembered; after a power cut nobody knows, until `recover`."""
        before = self._newest_entry()
        self._marks += 1
        try:
            acts = self.worker.transact(self._marks if self.durability == "normal" else None)
        except (e.BmadError, apsw.Error):
            if not self.dark:
                raise
            self._doubtful, self._newest = list(self.worker.pending), before
            return
        if acts:
            self.coverage.note("write")
            self.history.tell(acts, entry=self._newest_entry())
            if self.durability == "normal":
                self._marked.append((self._marks, acts))

    def recover(self) -> None:
        """The power is back: open what is left, which must be sound, and see whether the last commit stood."""
        self.coverage.note("power lost")
        self.close()
        if self.disk is not None:
            self.disk.power_on()
        self.open()
        with self.store.read() as connection:
            state = connection.pragma("integrity_check")
        if state != "ok":
            raise AssertionError(f"{self.name} is damaged after a power cut: {state}")
        doubtful, self._doubtful = self._doubtful, []
        newest = self._newest_entry()
        stands = newest is not None and newest != self._newest
        if self.durability == "normal":
            stands = self.worker.last_mark() == self._marks
            self._forget_lost()
        if doubtful and stands:
            self.coverage.note("an interrupted commit stood")
            self.history.tell(doubtful, entry=newest)

    def _forget_lost(self) -> None:
        """At durability "normal" the last commits may go with the power: never one of the middle, or one that left."""
        self.coverage.note("power lost at durability normal")
        reaches = self.worker.last_mark()
        lost = [act for mark, acts in self._marked if mark > reaches for act in acts]
        self.coverage.note("a commit went with the power", sum(mark > reaches for mark, _ in self._marked))
        for word in words_sent(lost, self.name, self._left):
            self.faults.append(f"{self.name} had sent {word}, and a power cut took it back")
        self.history.undo(lost)
        self._marked.clear()
        self._left.clear()

    async def sync(self) -> SyncReport:
        """One run; Killed when the process dies in it."""
        self.syncing = True
        self.coverage.note("sync")
        try:
            run = SyncRun(self._wired())
            report = await run.run("manual")
            if self._pages_left is not None:  # the stream brought less
                raise Killed
            if report.result is Result.OK and self.disk is None:
                with self.store.read() as connection:
                    if not run.lease.is_ours(connection):
                        self.faults.append(f"{self.name} went on to the end after another process took over its sync")
        except (e.BmadError, apsw.Error):
            if not self.dark:
                raise
            raise Killed from None
        finally:
            self.syncing, self._pages_left = False, None
        self.coverage.note("conflict", report.conflicts)
        self.coverage.note("resync", int(report.resynced))
        self.coverage.note(f"sync ended {report.result}")
        if report.failure is not None and report.failure.code == e.StoreBusy.code:
            self.coverage.note(f"sync refused: {report.failure.message}")
        return report

    async def verify(self, *, repair: bool) -> VerifyReport:
        """Compare the file with the server, and `repair` it."""
        return await VerifyRun(self._wired()).run(repair=repair)

    def rot(self) -> bool:
        """A value changes in the file that nobody wrote; False when there is no row for it."""
        with self.store.apply("remote") as connection:
            return bool(connection.execute(_SQL["rot"]).fetchall())

    def kill(self) -> None:
        """The process dies, and is started again; the power may go just then."""
        if not self.dark:
            self.coverage.note("process killed")
            self.close()
        if not self._opens():
            self.recover()

    def upgrade(self, edition: Edition) -> None:
        """The application is updated: the process ends, and a newer one opens the file."""
        self.coverage.note("device upgraded")
        self.coverage.note("entries carried over", self.waiting())
        self.edition = edition
        self.close()
        if not self._opens():
            self.recover()

    def _opens(self) -> bool:
        """Open the file; False when there is no power for it."""
        if self.dark:
            return False
        try:
            self.open()
        except (e.BmadError, apsw.Error):
            if self.disk is None or not self.disk.dark:
                raise
            return False
        return True

    def park_reasons(self) -> list[str]:
        """Why entries are parked here, as codes."""
        return [entry.reason.code for entry in self.outbox.parked() if entry.reason is not None]

    def parked_entries(self) -> list[Sent]:
        """The entries that are parked here."""
        return [(entry.hlc, frozenset(entry.changes)) for entry in self.outbox.parked()]

    def waits_for_newer(self) -> bool:
        """Does an entry wait for a server that knows its names?"""
        return not NEWER_HERE.isdisjoint(self.park_reasons())

    def discard_parked(self) -> int:
        """A person gives up every parked entry; what they did is uncertain from then on."""
        parked = self.outbox.parked()
        known = {entry.id for entry in self.outbox.entries()}
        for entry in parked:
            with contextlib.suppress(e.RecordNotFound):  # it went with another one
                given_up = self.outbox.discard(entry.id)
                self.history.give_up_rows(known, {key[1] for key in (*given_up.rows, *given_up.cut)})
        gone = known - {entry.id for entry in self.outbox.entries()}
        for entry_id in gone:
            self.history.give_up(entry_id)
        self.coverage.note("entry parked", len(parked))
        return len(parked)

    def waiting(self) -> int:
        """Entries that are neither settled nor parked."""
        return sum(entry.status is not EntryStatus.PARKED for entry in self.outbox.entries())

    def rows(self) -> Rows:
        """What the file holds of the user."""
        with self.store.read() as connection:
            return device_rows(connection, self.edition.catalog)

    def foreign_rows(self) -> list[str]:
        """Ids of rows in the file that belong to somebody else."""
        found: list[str] = []
        for table in self.edition.catalog.synced_tables:
            for row_id, owner in self.store.sql(_SQL["device_ids"].format(table=table.name)):
                if owner != self.user:
                    found.append(f"{table.name} {row_id} of {owner}")
        return found

    def kept_sides(self, table: str, row_id: str) -> str:
        """Every value that the verdicts on a row have kept, as one text."""
        return "".join(str(row[0]) for row in self.store.sql(_SQL["kept_sides"], (table, row_id)))

    def note_verdicts(self) -> None:
        """Count by which rules cards were merged here."""
        for policy, count in self.store.sql(_SQL["verdict_policies"], (Card.__table__.name,)):
            self.coverage.note(f"cards merged by {str(policy).partition(':')[0]}", int(count))

    def _newest_entry(self) -> str | None:
        with contextlib.suppress(e.BmadError, apsw.Error):
            rows: list[tuple[Any, ...]] = self.store.sql(_SQL["newest_entry"])
            return str(rows[0][0]) if rows else None
        return None

    def _wired(self) -> SyncDevice:
        left = self._left if self.durability == "normal" else []
        others = partial(self.others, self)
        transport = DeviceWire(self.wire, self.user, others, self._die, left)
        if self.walk is not None:
            streams = Streams(self.walk, self._walk_dice, self.coverage, self._die_later, self.faults)
            transport = StreamingWire(self.wire, self.user, others, self._die, left, streams)
        return SyncDevice(
            store=self.store,
            outbox=self.outbox,
            requests=self.requests,
            transport=transport,
            limits=self.limits,
            sleep=_at_once,
            reactions=self._reactions,
        )

    def _die(self) -> None:
        raise Killed

    def _die_later(self) -> None:
        """The process dies some pages on; whoever reads a stream only reads, so it is not the one to say so."""
        self._pages_left = self._walk_dice.number(1, 3)

    def _page_came(self, _: FirstSyncProgress) -> None:
        """Rows of a stream are in the file: the process may die here, somebody may write."""
        if self._pages_left is not None:
            self._pages_left -= 1
            if not self._pages_left:
                self.coverage.note("killed during a stream")
                raise Killed
        if self._walk_dice.chance(WRITTEN_BETWEEN):
            self.coverage.note("written during a stream")
            self.write()


def words_sent(acts: Sequence[Act], name: str, bodies: Sequence[bytes]) -> list[str]:
    """Of the words that these acts of device `name` brought into the world, those that are in one of the bodies.

    Such a word has the name of its device in it; ids of rows, and words that are only moved or removed, are none.
    """
    words: list[str] = []
    for act in acts:
        if act.deed in (Deed.INSERT, Deed.SET, Deed.ADD):
            values = act.new.values() if isinstance(act.new, Mapping) else (act.new,)
            words += [value.strip() for value in values if isinstance(value, str) and name in value]
    return [word for word in words if any(word.encode() in body for body in bodies)]
