"""A lock of the operating system on a file of its own, which goes when its process does.

Not on the database file: closing any handle of that would drop SQLite's own locks on it.
"""

from __future__ import annotations

import contextlib
import os
import sys


def try_lock(path: str) -> int | None:
    """An open handle that holds the lock until it is closed; None when another holds it, or there are no locks here."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError:
        return None
    try:
        _lock(handle)
    except (OSError, ImportError):
        with contextlib.suppress(OSError):
            os.close(handle)
        return None
    return handle


if sys.platform == "win32":  # pragma: no cover

    def _lock(handle: int) -> None:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
