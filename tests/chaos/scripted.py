"""A device whose disk can lose power, and a server in memory that remembers what every number meant."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
import msgspec

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Durability, Store
from bmaddb.device.sync import SyncEngine, SyncReport
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.registry import catalog_with
from bmaddb.protocol.messages import (
    PULL_FUNCTION,
    EntryAnswer,
    ErrorBody,
    PullAnswer,
    PullRequest,
    PushAnswer,
    PushRequest,
    TablePage,
)
from bmaddb.protocol.session import Limits
from bmaddb.testing import ManualClock
from tests.protocol.things import MODULE, Job, Note
from tests.sync.devices import no_sleep

CATALOG = catalog_with(MODULE, include_defaults=False)
USER = str(uuid.UUID(int=0xA11CE))
POISON = "poison"
PAGES = 3
ROWS_IN_PAGE = 4
CHECKPOINT_PAGES = 12
"""A log this short is moved into the file again and again, so that the cuts hit that too."""


class ScriptedServer:
    """Gives out PAGES pages, takes every entry but the poisoned, and holds that a number means one thing."""

    def __init__(self) -> None:
        self.meanings: dict[int, Any] = {}
        self.last_number = 0

    async def call(self, function: str, body: bytes) -> bytes:
        answer: Any
        if function == PULL_FUNCTION:
            answer = self._pull(msgspec.json.decode(body, type=PullRequest))
        else:
            answer = self._push(msgspec.json.decode(body, type=PushRequest))
        return msgspec.json.encode(answer)

    async def refresh_token(self) -> bool:
        return False

    async def close(self) -> None:
        """Nothing to close."""

    def _pull(self, request: PullRequest) -> PullAnswer:
        page = 0 if request.cursor is None else int(request.cursor)
        if page == PAGES:
            return PullAnswer(cursor=request.cursor)
        rows = [[f"p{page}-{row}", 1, 1, f"page {page}", page + 1] for row in range(ROWS_IN_PAGE)]
        gone = (f"p{page - 1}-0",) if page else ()
        part = TablePage(
            table="notes",
            columns=("id", "created_at", "updated_at", "title", "server_seq"),
            rows=msgspec.Raw(json.dumps(rows).encode()),
            deleted=gone,
        )
        return PullAnswer(cursor=str(page + 1), more=page + 1 < PAGES, tables=(part,))

    def _push(self, request: PushRequest) -> PushAnswer:
        answers: list[EntryAnswer] = []
        for body in request.entries:
            entry = json.loads(bytes(body))
            answer = self._answer(entry)
            answers.append(answer)
            if answer.status != "applied":
                break
        return PushAnswer(answers=tuple(answers), last_number=self.last_number)

    def _answer(self, entry: dict[str, Any]) -> EntryAnswer:
        number, changes = entry["number"], entry["changes"]
        if number <= self.last_number:
            assert self.meanings[number] == changes, f"number {number} meant something else"
        else:
            assert number == self.last_number + 1, "a gap"
        self.last_number = max(self.last_number, number)
        self.meanings[number] = changes
        if f'"{POISON}"' in json.dumps(changes):
            error = ErrorBody(code="23514", message="no")
            return EntryAnswer(number=number, status="rejected", error=error, table="jobs", id="x")
        return EntryAnswer(number=number, status="applied", version=100 + number)


@dataclass
class Machine:
    """One start of the device: store, outbox, engine, and how many commits it was told of."""

    store: Store
    outbox: Outbox
    engine: SyncEngine
    commits: int = 0

    def sync(self) -> SyncReport:
        return self.engine.sync_blocking()


@contextmanager
def machine(
    path: Path, server: ScriptedServer, *, vfs: str | None = None, durability: Durability = "full", seed: int = 1
) -> Iterator[Machine]:
    """Open the file; the same seed makes the same ids. Closes it however it ends."""
    store = Store(
        path,
        CATALOG,
        clock=ManualClock(),
        entropy=SeededEntropy(seed),
        user=USER,
        durability=durability,
        vfs=vfs,
    )
    engine = None
    try:
        store.writing_connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        outbox = Outbox(store)
        engine = SyncEngine(store, outbox, server, limits=Limits(batch_entries=2), sleep=no_sleep)
        made = Machine(store, outbox, engine)
        yield made
    finally:
        if engine is not None:
            engine.close()
        store.close()


def workload(device: Machine) -> Iterator[None]:
    """Writes of each kind, a sync that pulls pages and pushes, more writes, a refused one, another sync."""
    with device.store.write() as tx:
        first = tx.insert(Note, title="first", body="x" * 3_000)
        tx.insert(Job, title="with it", note_id=first.id)
    yield
    for number in range(3):
        with device.store.write() as tx:
            tx.insert(Note, title=f"n{number}", body="y" * 900)
        yield
    with device.store.write() as tx:
        tx.update(first, title="changed")
    yield
    device.sync()
    yield
    with device.store.write() as tx:
        tx.delete(first)
    yield
    with device.store.write() as tx:
        tx.insert(Job, title=POISON)
    yield
    with device.store.write() as tx:
        tx.update(Note, "p1-1", title="edited here")
    yield
    device.sync()
    yield


_TABLES = ("notes", "jobs", "outbox_operations", "sync_cursors")


def state(path: Path) -> tuple[Any, ...]:
    """Everything in the file that counts; read through a connection of its own."""
    connection = apsw.Connection(str(path))
    try:
        assert connection.pragma("integrity_check") == "ok"
        return tuple(tuple(sorted(map(repr, connection.execute(f"select * from {table}")))) for table in _TABLES)
    finally:
        connection.close()


def states(folder: Path) -> list[tuple[Any, ...]]:
    """The states of the file after 0, 1, 2, ... commits of the workload."""
    found: list[tuple[Any, ...]] = []
    path = folder / "reference.db"
    with machine(path, ScriptedServer()) as device:
        found.append(state(path))
        device.store.after_commit.append(lambda _: found.append(state(path)))
        for _ in workload(device):
            pass
    return found


def counting(device: Machine) -> None:
    """Count the commits that returned."""
    numbers = itertools.count(1)

    def count(_: object) -> None:
        device.commits = next(numbers)

    device.store.after_commit.append(count)
