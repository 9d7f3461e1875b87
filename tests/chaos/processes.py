"""The processes that are killed: a device that writes and syncs, a `bmaddb serve`, a Postgres.

Device and server are forked from a process that has imported everything already, so a start costs little.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from bmaddb.cli.main import main
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Durability, Store
from bmaddb.device.sync import BackgroundSync, HttpTransport, Schedule, SyncEngine
from bmaddb.entropy import SystemEntropy
from bmaddb.protocol.session import Limits
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.server.run import create_database
from tests.chaos.scripted import CATALOG, USER
from tests.protocol.things import Job, Note
from tests.support.postgres import open_folder

SECRET: Final = "a secret of the chaos tests, long enough for HS256"
DATABASE: Final = "chaos"
PAUSE_S: Final = 0.004
START_S_MAX: Final = 60
_EAGER: Final = Schedule(poll_ms=300, gather_ms=5, retry_ms=20, retry_ms_max=200)
_READY: Final = re.compile(rb"ready (http://127\.0\.0\.1:(\d+))\n")
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.chaos.processes", "bmaddb.cli.serve", "bmaddb.server.app"])


def token() -> str:
    """Good for a day, at every server of this file."""
    return TokenKeeper(SECRET.encode(), SystemClock()).mint(USER, expires_in_s=86_400)


def opened(path: Path, url: str, durability: Durability = "full") -> tuple[Store, Outbox, SyncEngine]:
    """A device on `path`."""
    store = Store(path, CATALOG, clock=SystemClock(), entropy=SystemEntropy(), user=USER, durability=durability)
    outbox = Outbox(store)
    transport = HttpTransport(url, token())
    limits = Limits(page_rows=500, batch_entries=40, attempts=2, wait_ms=10)
    return store, outbox, SyncEngine(store, outbox, transport, limits=limits)


def write_without_end(path: str, url: str, first: int, acknowledged: Connection) -> None:
    """Rows `first`, `first` + 1, ...: each in a transaction, told to the parent once it is durable; syncing."""
    store, _, engine = opened(Path(path), url)
    BackgroundSync(engine, schedule=_EAGER).start()
    pause = threading.Event()
    for number in itertools.count(first):
        with store.write() as tx:
            note = tx.insert(Note, title=str(number), body="b" * (number % 900))
            tx.insert(Job, title=str(number), note_id=note.id)
        acknowledged.send_bytes(str(number).encode())
        pause.wait(PAUSE_S)


def serve(port: int, conninfo: str, says: Connection) -> None:
    """`bmaddb serve`, its first words sent to the parent."""
    os.dup2(says.fileno(), 1)
    os.environ["BMADDB_JWT_SECRET"] = SECRET
    catalog = "tests.chaos.scripted:CATALOG"
    main(["serve", "--port", str(port), "--database-url", conninfo, "--catalog", catalog])


def apart(job: Callable[[str, Connection], None], argument: str) -> Any:
    """What `job` sends from a process of its own."""
    hears, says = _FORKS.Pipe(duplex=False)
    process: Any = _FORKS.Process(target=job, args=(argument, says), daemon=True)
    process.start()
    says.close()
    try:
        assert hears.poll(START_S_MAX), "it says nothing"
        return hears.recv()
    finally:
        hears.close()
        process.join()


class Device:
    """A process that writes; `kill` is SIGKILL."""

    def __init__(self, path: Path, url: str, first: int) -> None:
        self._hears, says = _FORKS.Pipe(duplex=False)
        arguments = (str(path), url, first, says)
        self._process: Any = _FORKS.Process(target=write_without_end, args=arguments, daemon=True)
        self._process.start()
        says.close()

    def acknowledged(self, wait_s: float) -> int | None:
        """The next row it says is durable; None when it says nothing for so long, or is dead."""
        try:
            return int(self._hears.recv_bytes()) if self._hears.poll(wait_s) else None
        except EOFError:
            return None

    def kill(self) -> list[int]:
        """End it at once; the rows it had still told of."""
        self._process.kill()
        self._process.join()
        rest = []
        with contextlib.suppress(EOFError):
            while self._hears.poll():
                rest.append(int(self._hears.recv_bytes()))
        self._hears.close()
        return rest


class Server:
    """A `bmaddb serve` on one port, for as many lives as one likes."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._port = 0
        self._process: Any = None
        self.url = ""
        self.start()

    def start(self) -> None:
        hears, says = _FORKS.Pipe(duplex=False)
        arguments = (self._port, self._conninfo, says)
        self._process = _FORKS.Process(target=serve, args=arguments, daemon=True)
        self._process.start()
        says.close()
        words = b""
        while not (found := _READY.search(words)):
            assert hears.poll(START_S_MAX), "the server did not start"
            words += os.read(hears.fileno(), 4096) or _died(words)
        hears.close()
        self.url, self._port = found[1].decode(), int(found[2])

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


class Postgres:
    """A cluster with default settings; `crash` is an immediate stop and a new start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = EmbeddedPostgres(folder)
        self._running.start()
        create_database(self._running.conninfo, DATABASE)
        self.conninfo = self._running.conninfo_of(DATABASE)

    def crash(self) -> None:
        pid = int((self._folder / "postgres" / "postmaster.pid").read_text(encoding="ascii").split("\n", 1)[0])
        os.kill(pid, signal.SIGQUIT)
        self._running.stop()
        self._running.start()

    def close(self) -> None:
        self._running.close()


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    with open_folder() as folder:
        running = Postgres(folder)
        try:
            yield running
        finally:
            running.close()


def _died(words: bytes) -> bytes:
    raise AssertionError(f"the server ended: {words!r}")
