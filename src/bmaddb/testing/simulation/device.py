"""A device of a simulation: a real file, outbox and sync run, on a clock that is wrong, in a process that can die.

Rules of this room: everything runs on one thread, so that a seed gives one run; a death is an exception nobody may
catch but the world, after which the file is opened anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.outbox import EntryStatus, Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync import SyncReport
from bmaddb.device.sync.run import Device as SyncDevice
from bmaddb.device.sync.run import SyncRun
from bmaddb.protocol.session import Limits
from bmaddb.schema import Catalog
from bmaddb.testing.clock import ManualClock
from bmaddb.testing.digests import Rows, device_rows
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.history import Act, Certainty, History
from bmaddb.testing.simulation.wire import DeviceWire, Wire
from bmaddb.testing.simulation.work import Worker

_SQL = statements.load("bmaddb.testing.simulation", "simulation.sql")
Others = Callable[["SimulatedDevice"], Awaitable[None]]


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
    catalog: Catalog
    wire: Wire
    dice: Dice
    coverage: Coverage
    history: History
    others: Others
    limits: Limits
    clock: ManualClock
    syncing: bool = False
    store: Store = field(init=False)
    outbox: Outbox = field(init=False)
    worker: Worker = field(init=False)

    def __post_init__(self) -> None:
        self._entropy = self.dice.entropy()
        self._work_dice = self.dice.split("work")
        self.open()

    def open(self) -> None:
        """Start the process: open the file."""
        self.store = Store(self.path, self.catalog, clock=self.clock, entropy=self._entropy, user=self.user)
        self.outbox = Outbox(self.store)
        self.worker = Worker(self.store, self.name, self._work_dice, self.coverage)

    def close(self) -> None:
        """End the process; also without a word to anybody, when it is killed."""
        self.store.close()

    def write(self) -> None:
        """One local transaction, and what it did is remembered."""
        acts = self.worker.transact()
        if acts:
            self.history.tell(acts, entry=self._newest_entry())
            self.coverage.note("write")

    async def sync(self) -> SyncReport:
        """One run; Killed when the process dies in it."""
        self.syncing = True
        self.coverage.note("sync")
        transport = DeviceWire(self.wire, self.user, lambda: self.others(self), self._die)
        try:
            run = SyncRun(
                SyncDevice(
                    store=self.store, outbox=self.outbox, transport=transport, limits=self.limits, sleep=_at_once
                )
            )
            report = await run.run("manual")
        finally:
            self.syncing = False
        self.coverage.note("conflict", report.conflicts)
        self.coverage.note("resync", int(report.resynced))
        self.coverage.note(f"sync ended {report.result}")
        return report

    def kill(self) -> None:
        """The process dies, and is started again."""
        self.coverage.note("process killed")
        self.close()
        self.open()

    def park_reasons(self) -> list[str]:
        """Why entries are parked here, as codes."""
        return [entry.reason.code for entry in self.outbox.parked() if entry.reason is not None]

    def discard_parked(self) -> int:
        """A person gives up every parked entry; what they did is uncertain from then on."""
        parked = self.outbox.parked()
        known = {entry.id for entry in self.outbox.entries()}
        for entry in parked:
            with contextlib.suppress(e.RecordNotFound):  # it went with another one
                self.outbox.discard(entry.id)
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
            return device_rows(connection, self.catalog)

    def foreign_rows(self) -> list[str]:
        """Ids of rows in the file that belong to somebody else."""
        found: list[str] = []
        for table in self.catalog.synced_tables:
            for row_id, owner in self.store.sql(_SQL["device_ids"].format(table=table.name)):
                if owner != self.user:
                    found.append(f"{table.name} {row_id} of {owner}")
        return found

    def kept_sides(self, table: str, row_id: str) -> str:
        """Every value that the verdicts on a row have kept, as one text."""
        return "".join(str(row[0]) for row in self.store.sql(_SQL["kept_sides"], (table, row_id)))

    def _newest_entry(self) -> str | None:
        rows: list[tuple[Any, ...]] = self.store.sql(_SQL["newest_entry"])
        return str(rows[0][0]) if rows else None

    def _die(self) -> None:
        raise Killed

    def maybe(self, acts: list[Act]) -> None:
        """The commit of these was cut: nobody knows yet whether they happened."""
        for act in acts:
            act.certainty = Certainty.MAYBE
        self.history.tell(acts)
