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

WAIT_MS_MAX: Final = 5_000
"""So long a saga waits for a resume to end, before it says that it is busy."""
_SUFFIX: Final = "-sagas"
_SQL: Final = statements.load("bmaddb.device.atomic", "sql/alive.sql")


@contextmanager
def running(path: str) -> Iterator[None]:
    """Nobody undoes unfinished sagas of the database at `path` meanwhile. OperationUnfinished while somebody does."""
    lock = _opened(path)
    try:
        lock.set_busy_timeout(WAIT_MS_MAX)
        lock.execute(_SQL["share"])
        lock.execute(_SQL["look"])
        yield
    except apsw.BusyError as error:
        raise e.OperationUnfinished("what was cut off is being undone just now", hint="try again") from error
    finally:
        lock.close(True)


@contextmanager
def alone(path: str) -> Iterator[bool]:
    """True inside, when no saga runs and none can begin; False when one does."""
    lock = _opened(path)
    try:
        try:
            lock.execute(_SQL["alone"])
        except apsw.BusyError:
            yield False
        else:
            yield True
    finally:
        lock.close(True)


def _opened(path: str) -> apsw.Connection:
    return apsw.Connection(f"{path}{_SUFFIX}")
