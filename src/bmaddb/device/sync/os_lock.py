"""A lock of the operating system on a file of its own, which goes when its process does.

Not on the database file: closing any handle of that would drop SQLite's own locks on it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from bmaddb import errors as e


def lock_file(path: str) -> str:
    """What says that somebody syncs or salvages the database at `path`."""
    return f"{path}-sync"


def try_lock(path: str) -> int | None:
    """An open handle that holds the lock until it is closed; None when another holds it, or there are no locks here."""
    try:
        return _locked(path)
    except (OSError, ImportError):
        return None


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the lock, where there are locks, and leave no file behind. StoreBusy when another holds it."""
    handle: int | None = None
    try:
        handle = _locked(path)
    except _Held as error:
        raise e.StoreBusy("another process is at work on the file", hint="wait for it, then try again") from error
    except (OSError, ImportError):
        pass
    try:
        yield
    finally:
        if handle is not None:
            with contextlib.suppress(OSError):
                os.unlink(path)
            os.close(handle)


class _Held(OSError):
    """Another has the lock."""


def _locked(path: str) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        _lock(handle)
        if not _is_at(handle, path):
            raise _Held("whoever had it took its file away a moment ago")
    except BaseException:
        os.close(handle)
        raise
    return handle


def _is_at(handle: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError:
        return False


if sys.platform == "win32":  # pragma: no cover

    def _lock(handle: int) -> None:
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise _Held from error

else:

    def _lock(handle: int) -> None:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _Held from error
