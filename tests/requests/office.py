"""A world of devices, and what the server's handlers did in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bmaddb import statements
from bmaddb.modules.sync_status import ServerRequest
from tests.support.postgres import Database
from tests.sync.devices import Device, World

SQL = statements.load("tests.requests", "handlers.sql")


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
