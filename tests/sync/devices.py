"""Devices for tests: a real file, an outbox, an engine, a network that can fail, and a server to speak to."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmaddb.device.outbox import Outbox, ParkReason
from bmaddb.device.store import Store
from bmaddb.device.sync import HttpTransport, SyncEngine, SyncReport, Transport
from bmaddb.device.sync.arrivals import Reaction
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import default_catalog
from bmaddb.protocol.session import Limits
from bmaddb.schema import Catalog
from bmaddb.testing import LossyTransport, ManualClock
from bmaddb.testing.digests import Rows, device_rows, differences, server_rows
from tests.support.server import USER, RunningServer


async def no_sleep(seconds: float) -> None:
    """Waiting, in a test."""


@dataclass(kw_only=True)
class Device:
    """One file of one user. `reopen` is what a crash and a new start look like."""

    path: Path
    catalog: Catalog
    connect: Callable[[], Transport]
    transport: LossyTransport = field(init=False)
    wrap: Callable[[], Transport] | None = None
    """What to speak through instead of the lossy network."""
    clock: ManualClock
    entropy: SeededEntropy
    user: str
    limits: Limits
    reactions: tuple[Reaction, ...] = ()
    store: Store = field(init=False)
    outbox: Outbox = field(init=False)
    engine: SyncEngine = field(init=False)

    def __post_init__(self) -> None:
        self.transport = LossyTransport(self.connect())
        self._open()

    def _open(self) -> None:
        self.store = Store(self.path, self.catalog, clock=self.clock, entropy=self.entropy, user=self.user)
        self.outbox = Outbox(self.store)
        through = self.transport if self.wrap is None else self.wrap()
        self.engine = SyncEngine(
            self.store, self.outbox, through, limits=self.limits, sleep=no_sleep, reactions=self.reactions
        )

    def reopen(self) -> None:
        """Close the file without a word to the server, and open it again."""
        self.close()
        self.transport = LossyTransport(self.connect())
        self._open()

    def close(self) -> None:
        self.engine.close()
        self.store.close()

    def sync(self) -> SyncReport:
        return self.engine.sync_blocking()

    def park_newest(self) -> str:
        """The newest entry counts as refused from now on; its id."""
        entry = self.outbox.entries()[-1]
        with self.outbox.edit() as (connection, waiting):
            self.outbox.park(connection, waiting, entry, ParkReason(code="23514", message="no"))
        return entry.id

    def rows(self) -> Rows:
        """What the file holds of the user, as plain values."""
        with self.store.read() as connection:
            return device_rows(connection, self.catalog)

    def verdicts(self) -> list[tuple[Any, ...]]:
        """(table, column, policy, resolved) of every conflict, oldest first."""
        return self.store.sql(
            "select table_name, column_name, policy, resolved_value from sync_conflicts order by rowid"
        )


class World:
    """Devices around one server."""

    def __init__(self, folder: Path, server: RunningServer, catalog: Catalog) -> None:
        self.server = server
        self.catalog = catalog
        self.clock = ManualClock()
        self.devices: list[Device] = []
        self.reactions: tuple[Reaction, ...] = ()
        """Of the devices that are made from now on."""
        self._folder = folder
        self._numbers = itertools.count(1)

    def device(
        self,
        user: str = USER,
        *,
        limits: Limits | None = None,
        connect: Callable[[], Transport] | None = None,
        wrap: Callable[[], Transport] | None = None,
    ) -> Device:
        """One more device of `user`, with an empty file."""
        number = next(self._numbers)
        made = Device(
            path=self._folder / f"device{number}.db",
            catalog=self.catalog,
            connect=connect or (lambda: HttpTransport(self.server.url, lambda: self.server.token(user))),
            clock=self.clock,
            entropy=SeededEntropy(number),
            user=user,
            limits=limits or Limits(),
            reactions=self.reactions,
            wrap=wrap,
        )
        self.devices.append(made)
        return made

    def settle(self, *devices: Device) -> None:
        """Sync until nobody has news for anybody."""
        for _ in range(2):
            for device in devices:
                report = device.sync()
                assert report.ok, (report, device.outbox.parked())

    def server_rows(self, user: str = USER) -> Rows:
        with self.server.database.connect() as connection:
            return server_rows(connection, self.catalog, user)

    def assert_equal(self, *devices: Device) -> None:
        """Every device holds what the server holds for its user, and nothing waits."""
        for device in devices:
            assert differences(device.rows(), self.server_rows(device.user)) == []
            assert device.outbox.counts().total == 0


@contextlib.contextmanager
def world_of(folder: Path, server: RunningServer, catalog: Catalog | None = None) -> Iterator[World]:
    """A world whose devices are closed at the end."""
    world = World(folder, server, catalog or default_catalog())
    try:
        yield world
    finally:
        for device in world.devices:
            device.close()
