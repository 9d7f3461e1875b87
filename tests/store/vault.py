"""What other processes do in the tests of encrypted files: die in a rekey, leave canaries everywhere and stop.

They are forked from a process that has imported everything already, so a start costs little.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

import apsw

from bmaddb.device.store import Secret, Store
from bmaddb.device.store.transaction import WriteTransaction
from bmaddb.entropy import SeededEntropy
from bmaddb.modules.tasks_productivity import Goal, Habit, Task
from bmaddb.service import open_database
from bmaddb.testing import ManualClock
from tests.store.shelf import USER, library

START_S_MAX: Final = 60
STEPS_PER_SIGN: Final = 1_000
"""Of SQLite's machine, while it copies a file."""
PAGES_CACHED: Final = 8
PER_PART: Final = 8
FORKS: Final = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.store.vault"])


class Other:
    """A process that runs `job(says, *arguments)`."""

    def __init__(self, job: Callable[..., None], *arguments: Any) -> None:
        self._here, there = FORKS.Pipe()
        self.process: Any = FORKS.Process(target=job, args=(there, *arguments), daemon=True)
        self.process.start()
        there.close()

    def hear(self) -> str | None:
        """What it says next; None when it is dead."""
        try:
            return str(self._here.recv()) if self._here.poll(START_S_MAX) else None
        except EOFError:
            return None

    def go_on(self) -> None:
        self._here.send("go on")

    def end(self, *, kill: bool = False) -> int:
        """Its exit code, once it is gone."""
        if kill:
            self.process.kill()
        self.process.join(START_S_MAX)
        self._here.close()
        return int(self.process.exitcode)


def die_in_rekey(says: Connection, path: str, before: Secret | None, after: Secret | None, step: int) -> None:
    """Rekey, and be killed at the `step`-th sign of work; 'done' when there are fewer."""
    store = Store(path, library(), clock=ManualClock(), entropy=SeededEntropy(step), user=USER, key=before)
    signs = itertools.count()

    def work(*_: object) -> bool:
        if next(signs) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return False

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.rename", "os.remove", "open") and str(arguments[0]).startswith(os.path.dirname(path)):
            work()

    store.writing_connection.set_progress_handler(work, STEPS_PER_SIGN)
    sys.addaudithook(audit)
    store.rekey(after)
    says.send("done")


def leave_canaries(says: Connection, folder: str, key: bytes | None, canaries: list[str]) -> None:
    """Write them into many columns, and stop where a file might hold one; the parent looks, and says to go on."""
    os.chdir(folder)
    os.environ["TMPDIR"] = os.environ["SQLITE_TMPDIR"] = folder

    def stop(at: str) -> None:
        says.send(at)
        says.recv()

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.rename":
            stop(f"before {os.path.basename(str(arguments[1]))} gets its name")

    sys.addaudithook(audit)
    with open_database("device.db", user=USER, key=key) as db:
        db.store.writing_connection.pragma("cache_size", PAGES_CACHED)
        parts = iter([canaries[start : start + PER_PART] for start in range(0, len(canaries), PER_PART)])
        for _ in range(5):
            with db.write() as tx:
                _insert(tx, next(parts))
        stop("an open log")
        with db.write() as tx:
            for part in parts:
                _insert(tx, part)
            stop("a large transaction, spilled")
            tx.execute("update tasks set notes = notes || title, title = title || ?", (canaries[0],))
            tx.query(Task).order_by(Task.notes, Task.title).all()
            stop("a statement over everything")
        db.sql("select a.notes || b.notes from tasks a join tasks b using (state) order by 1 limit 3000")
        db.sql("select count(*) from (select distinct a.notes, b.title from tasks a, tasks b limit 9000)")
        db.backup("backup.db")
        with db.write() as tx:
            for goal in tx.query(Goal).limit(50).all():
                tx.delete(goal)
        stop("deletes")
        if key is not None:
            db.rekey(key=key[::-1])
    stop("a closed file")
    _journal(stop, None if key is None else key[::-1])


def _insert(tx: WriteTransaction, part: list[str]) -> None:
    goal = tx.insert(Goal, title=part[0], description=part[1] * 9, why=f"{part[2]} " * 90, metric={"unit": part[3]})
    tx.insert(Task, title=part[4], notes=f"- {part[5]}\n" * 40, goal_id=goal.id)
    tx.insert(Habit, name=part[6], cue=part[7], goal_id=goal.id)


def _journal(stop: Callable[[str], None], key: bytes | None) -> None:
    """With a rollback journal, which SQLite uses in place of a log while a file changes its mode."""
    connection = apsw.Connection("device.db", flags=apsw.SQLITE_OPEN_READWRITE)
    if key is not None:
        connection.pragma("cipher", "aegis")
        connection.pragma("key", f"raw:{key.hex()}")
    connection.pragma("temp_store", "MEMORY")
    connection.pragma("cache_size", PAGES_CACHED)
    connection.pragma("journal_mode", "PERSIST")  # what was in the journal stays to be looked at
    connection.execute("vacuum")
    stop("a vacuum")
    with connection:
        connection.execute("update tasks set notes = title || notes")
        stop("a transaction with a journal")
