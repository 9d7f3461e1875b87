"""Which Unix user runs the embedded Postgres: root may not, so root borrows a user of its own."""

from __future__ import annotations

import fcntl
import logging
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bmaddb import errors as e

USER_NAME = "bmaddb"
_SEARCH_BY_OTHERS = 0o001

_log = logging.getLogger("bmaddb.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixUser:
    """Whom to become; `None` for both ids means: stay who we are."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Give `path` (not what is in it) to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def own_tree(self, folder: Path) -> None:
        """Give `folder` and all that is in it to this user."""
        if self.uid is None or self.gid is None:
            return
        self.own(folder)
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.lchown(os.path.join(parent, name), self.uid, self.gid)

    def let_in(self, path: Path) -> None:
        """Let this user walk to `path`: folders above it get the search bit (not the read bit)."""
        if self.uid is None:
            return
        for folder in reversed(path.resolve().parents):
            mode = folder.stat().st_mode
            if not mode & _SEARCH_BY_OTHERS:
                _log.warning("letting other users pass through %s, so that %r reaches %s", folder, USER_NAME, path)
                folder.chmod(mode | _SEARCH_BY_OTHERS)


def postgres_user() -> UnixUser:
    """The current user, or for root the system user `bmaddb`, created when missing."""
    if os.geteuid() != 0:
        return UnixUser()
    if not _exists():
        with _one_at_a_time():
            if not _exists():
                _create()
    entry = pwd.getpwnam(USER_NAME)
    return UnixUser(uid=entry.pw_uid, gid=entry.pw_gid)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two servers that start at once make one user: the second `useradd` may write over what the first has written."""
    handle = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create() -> None:
    command = [
        "useradd",
        "--system",
        "--no-create-home",
        "--user-group",
        "--shell",
        "/usr/sbin/nologin",
        USER_NAME,
    ]
    _log.warning("making the system user %r, for Postgres does not run as root", USER_NAME)
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as cause:
        if _exists():  # another process was faster
            return
        raise e.ServerError(
            f"Postgres does not run as root, and the system user {USER_NAME!r} could not be created",
            hint=f"run as another user, or create it yourself: {' '.join(command)}",
        ) from cause


def _exists() -> bool:
    try:
        pwd.getpwnam(USER_NAME)
    except KeyError:
        return False
    return True
