"""Does a saga run on this file, here or in another process? Told by locks, which go when a process does.

Rules of this room: who runs a saga shares the lock, who undoes what was cut off has it alone; so nobody undoes what is
still under way. The locks are SQLite's own, on an empty file beside the database: they are the same on every system.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store.failures import failure

WAIT_MS_MAX: Final = 5_000
"""So long a saga waits for a resume to end, before it says that it is busy."""
_SUFFIX: Final = "-sagas"
_SQL: Final = statements.load("bmaddb.device.atomic", "sql/alive.sql")


@contextmanager
def running(path: str) -> Iterator[None]:
    """Nobody undoes unfinished sagas of the database at `path` meanwhile. OperationUnfinished while somebody does.

    StoreError when the file beside it cannot be opened.
    """
    with _opened(path) as lock:
        if not _taken(lock, "share", "look", wait_ms=WAIT_MS_MAX):
            raise e.OperationUnfinished("what was cut off is being undone just now", hint="try again")
        yield


@contextmanager
def alone(path: str) -> Iterator[bool]:
    """True inside, when no saga runs and none can begin; False when one does. StoreError as `running`."""
    with _opened(path) as lock:
        yield _taken(lock, "alone")


@contextmanager
def _opened(path: str) -> Iterator[apsw.Connection]:
    try:
        lock = apsw.Connection(f"{path}{_SUFFIX}")
    except apsw.Error as error:
        raise failure(error) from error
    try:
        yield lock
    finally:
        lock.close(True)


def _taken(lock: apsw.Connection, *names: str, wait_ms: int = 0) -> bool:
    try:
        lock.set_busy_timeout(wait_ms)
        for name in names:
            lock.execute(_SQL[name])
    except apsw.BusyError:
        return False
    except apsw.Error as error:
        raise failure(error) from error
    return True
