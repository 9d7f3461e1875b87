"""A3: no row is lost when writers commit out of order (S1); the same harness loses rows with a cursor on `updated_at`.

BMADDB_A3_COMMITS sets how many commits the closing run makes (default: a small run for every day).
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Json

from bmaddb import statements
from tests.postgres.caller import Caller, caller, insert, rows_of
from tests.support.postgres import Database

COMMITS = int(os.environ.get("BMADDB_A3_COMMITS", "320"))
WRITERS = 10
POLLERS_PER_USER = 2
USERS = tuple(f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 5))
DELAY_MS_MAX = 8
ROLLBACK_SHARE = 0.15
_SQL = statements.load("tests.postgres", "lost_rows.sql")


@dataclass
class Writer(threading.Thread):
    """Commits `goal` transactions of one user: through the door, or in plain SQL; some are rolled back."""

    database: Database
    number: int
    goal: int
    committed: set[str] = field(default_factory=set)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__()
        self.user = USERS[self.number % len(USERS)]
        self.chance = random.Random(self.number)

    def __hash__(self) -> int:
        return self.number

    def run(self) -> None:
        try:
            one = caller(self.database, self.user, device=f"device-{self.number}")
            with one.connection, self.database.connect() as plain:
                while len(self.committed) < self.goal:
                    self.write(one, plain)
        except BaseException as error:
            self.error = error

    def write(self, one: Caller, plain: psycopg.Connection[Any]) -> None:
        key = f"w{self.number}-{len(self.committed)}-{self.chance.randrange(10**6)}"
        keep = self.chance.random() >= ROLLBACK_SHARE
        connection = one.connection if self.number % 2 else plain
        with connection.transaction():
            if self.number % 2:
                one.act()
                number = one.number + 1
                entry = {
                    "number": number,
                    "hlc": "018f00000000-0000-0000000000a1",
                    "changes": [insert("boxes", {"id": key, "title": "t"})],
                }
                body = {"device_id": one.device, "entries": [entry]}
                answer = one.connection.execute(_SQL["push"], [Json(body)]).fetchone()
                assert answer is not None
                assert answer[0]["answers"][0]["status"] == "applied"
                one.number += keep
            else:
                plain.execute(_SQL["insert"], {"user": self.user, "id": key})
            connection.execute(_SQL["dawdle"], [self.chance.randrange(DELAY_MS_MAX) / 1000])
            if not keep:
                raise psycopg.Rollback
        if keep:
            self.committed.add(key)


@dataclass
class Poller(threading.Thread):
    """Polls one user's rows from cursor to cursor until told that all writers are done, then once more."""

    read: Callable[[Poller], None]
    user: str
    connection: psycopg.Connection[Any]
    done: threading.Event
    cursor: Any = None
    seen: set[str] = field(default_factory=set)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            while not self.done.is_set():
                self.read(self)
            self.read(self)
        except BaseException as error:
            self.error = error


def pull(poller: Poller) -> None:
    one = Caller(poller.connection, poller.user)
    more = True
    while more:
        page = one.pull(poller.cursor, limit_rows=50)
        poller.cursor, more = page["cursor"], page["more"]
        poller.seen |= set(rows_of(page, "boxes"))


def read_by_time(poller: Poller) -> None:
    """What many sync backends do: everything newer than the newest moment seen."""
    for key, moment in poller.connection.execute(_SQL["by_time"], {"user": poller.user, "after": poller.cursor}):
        poller.seen.add(key)
        poller.cursor = moment if poller.cursor is None else max(moment, poller.cursor)


def lost_rows(database: Database, commits: int, read: Callable[[Poller], None], login: str) -> tuple[int, int]:
    """Run writers against pollers; how many (poller, row) deliveries never came, and how many commits there were."""
    done = threading.Event()
    writers = [Writer(database, number, commits // WRITERS) for number in range(WRITERS)]
    with ExitStack() as stack:
        pollers = [
            Poller(read, user, stack.enter_context(psycopg.connect(login, autocommit=True)), done)
            for user in USERS
            for _ in range(POLLERS_PER_USER)
        ]
        for thread in (*pollers, *writers):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for poller in pollers:
            poller.join()
    for error in [*(w.error for w in writers), *(p.error for p in pollers)]:
        if error is not None:
            raise error
    written = {user: set[str]().union(*(w.committed for w in writers if w.user == user)) for user in USERS}
    for poller in pollers:
        assert poller.seen <= written[poller.user], "a row that was rolled back was delivered"
    return sum(len(written[poller.user] - poller.seen) for poller in pollers), sum(map(len, written.values()))


def test_no_row_is_lost(small: Database) -> None:
    lost, commits = lost_rows(small, COMMITS, pull, small.login)
    assert (lost, commits) == (0, COMMITS // WRITERS * WRITERS)


def test_the_same_harness_loses_rows_with_a_cursor_on_updated_at(small: Database) -> None:
    lost, _ = lost_rows(small, 320, read_by_time, small.conninfo)
    assert lost > 0
