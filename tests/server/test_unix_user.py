"""The user that Postgres runs as: one, though several servers start at once."""

from __future__ import annotations

import fcntl
import os
import pwd
import tempfile
import threading
from types import SimpleNamespace

import pytest

from bmaddb.server import unix_user
from tests.store.threads import together

SERVERS = 8


def test_servers_that_start_at_once_make_one_user(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    all_looked, looked = threading.Barrier(SERVERS), threading.local()

    def exists() -> bool:
        """The first look of each comes before anybody has made it."""
        if not getattr(looked, "once", False):
            looked.once = True
            all_looked.wait(30)
            return False
        return bool(made)

    def create() -> None:
        """Nobody else is let in meanwhile, whatever opens the folder anew."""
        handle = os.open(tempfile.gettempdir(), os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(handle)
        made.append(unix_user.USER_NAME)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=995, pw_gid=994))
    monkeypatch.setattr(unix_user, "_exists", exists)
    monkeypatch.setattr(unix_user, "_create", create)
    together(*[unix_user.postgres_user] * SERVERS)
    assert made == [unix_user.USER_NAME]
