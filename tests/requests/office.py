"""A world of devices, and what the server's handlers did in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bmaddb import statements
from bmaddb.modules.registry import catalog_with
from bmaddb.modules.sync_status import ServerRequest
from bmaddb.server.handlers import Handlers
from bmaddb.server.limits import Limits
from bmaddb.server.migrator import install
from tests.protocol.things import MODULE
from tests.support.postgres import Clusters, Database
from tests.support.server import RunningServer, serve
from tests.sync.devices import Device, World, world_of

SQL = statements.load("tests.requests", "handlers.sql")
PYTHON = statements.load("tests.requests", "python.sql")


@dataclass(frozen=True, kw_only=True)
class Office:
    """`world` makes devices; the rest looks at the server or changes its mood."""

    world: World
    database: Database

    def device(self, **more: Any) -> Device:
        """One more device of the user."""
        return self.world.device(**more)

    def effects(self) -> list[tuple[str, str]]:
        """(kind, key) of everything the handlers did, in order."""
        with self.database.connect() as connection:
            return [(str(kind), str(key)) for kind, key in connection.execute(SQL["effects"])]

    def answers(self) -> dict[str, tuple[str | None, int]]:
        """Key -> status and attempts, as the server remembers them."""
        with self.database.connect() as connection:
            return {str(key): (status, int(tries)) for key, status, tries in connection.execute(SQL["answers"])}

    def give_quota(self, left: int) -> None:
        """So many reservations are left."""
        self._execute("give_quota", left)

    def install_again(self) -> None:
        """As a newer program does: every function of ours is made anew."""
        self.database.run(PYTHON["forget_fingerprint"])
        with psycopg.connect(self.database.conninfo) as connection:
            install(connection, self.world.catalog)

    def trouble(self, *names: str) -> None:
        """The flaky handler dies 'before' or 'after' its effect from now on; without a name it is well."""
        self._execute("end_trouble")
        for name in names:
            self._execute("make_trouble", name)

    def _execute(self, block: str, *values: Any) -> None:
        with self.database.connect() as connection:
            connection.execute(SQL[block], values or None)


def status(device: Device, request: ServerRequest) -> str:
    """Where the request stands now."""
    return device.engine.requests.get(request.id).status


@contextmanager
def opened(
    folder: Path, clusters: Clusters, version: int, handlers: Handlers | None = None, limits: Limits | None = None
) -> Iterator[tuple[Office, RunningServer]]:
    """An office on a fresh database of this version of Postgres."""
    catalog = catalog_with(MODULE, include_defaults=False)
    with clusters.of(version).database() as database:
        with psycopg.connect(database.conninfo) as connection:
            install(connection, catalog)
        for block in ("ground", "handlers", "register"):
            database.run(SQL[block])
        with (
            serve(database, handlers=handlers, limits=limits) as server,
            world_of(folder, server, catalog) as world,
        ):
            yield Office(world=world, database=database), server
