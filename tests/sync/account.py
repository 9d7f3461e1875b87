"""An account with rows in several tables, as a server holds it."""

from __future__ import annotations

import uuid

from bmaddb import statements
from tests.support.server import USER
from tests.sync.devices import World

OTHER = str(uuid.UUID(int=0xB0B))
_SQL = statements.load("tests.sync", "account.sql")


def fill(world: World, *, tasks: int, entries: int, user: str = USER, mark: str = "of mine") -> int:
    """Give `user` a users row, tasks, a journal with entries and some analytics; how many rows that is."""
    values = {"user": user, "tasks": tasks, "entries": entries, "mark": mark}
    with world.server.database.connect() as connection:
        for block in _SQL.values():
            connection.execute(block.encode(), values)
    return 1 + tasks + entries + 1 + 25
