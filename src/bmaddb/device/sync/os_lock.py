"""A lock of the operating system on a file of its own, which goes when its process does.

Not on the database file: closing any handle of that would drop SQLite's own locks on it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from bmaddb import errors as e


def try_lock(path: str) -> int | None:
    """An open handle that holds the lock until it is closed; None when another holds it, or there are no locks here."""
    try:
        return _locked(path)
    except (OSError, ImportError):
        return None


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock, where there are locks. StoreBusy when another holds it."""
    handle: int | None = None
    try:
        handle = _locked(path)
    except (BlockingIOError, PermissionError) as error:  # the latter is what Windows says
        raise e.StoreBusy("another process is at work on the file", hint="wait for it, then try again") from error
    except (OSError, ImportError):
        pass
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _locked(path: str) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(handle)
    except BaseException:
        os.close(handle)
        raise
    return handle


if sys.platform == "win32":  # pragma: no cover

    def _lock(handle: int) -> None:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
