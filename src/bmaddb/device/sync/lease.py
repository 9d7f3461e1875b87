"""The sync lease: of all processes (and databases) that have the file open, one syncs it at a time.

The lease is a row of the file with a token that grows with every holder. Each transaction of a run reads the
token first: a holder that was paused, and whose lease somebody took over, finds another token and writes
nothing. The clock only says when a lease may be taken over; a wrong clock costs a run, never data.

A lock of the operating system beside it says at once that a holder is dead. It is a convenience: without it
(a network file system, a child that inherited it) a dead holder's lease ends with its time.
"""

from __future__ import annotations

import os
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.sync.os_lock import lock_file, try_lock

LEASE_MS: Final = 180_000
"""How long a lease lasts that nobody renews: longer than one request takes."""
_RENEW_MS: Final = LEASE_MS // 3
_SQL: Final = statements.load("bmaddb.device.sync", "sql/lease.sql")


class SyncLease:
    """The lease of one run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._token = 0
        self._renew_at_ms = 0
        self._lock: int | None = None

    def take(self) -> None:
        """Become the holder; StoreBusy while another one is at work."""
        self._lock = try_lock(lock_file(self._store.path))
        try:
            with self._store.apply("remote") as connection:
                connection.execute(_SQL["make"])
                held = connection.execute(_SQL["read"]).fetchone()
                if held is not None and self._is_held(until_ms=held[1], locked=bool(held[2])):
                    raise _busy()
                self._token = 1 if held is None else held[0] + 1
                now_ms = self._store.clock.now_ms()
                connection.execute(_SQL["take"], (self._token, now_ms + LEASE_MS, int(self._lock is not None)))
                self._renew_at_ms = now_ms + _RENEW_MS
        except BaseException:
            self.let_go()
            raise

    def is_ours(self, connection: apsw.Connection) -> bool:
        """Has nobody taken over since, as far as this transaction sees?"""
        held = connection.execute(_SQL["read"]).fetchone()
        return held is not None and held[0] == self._token

    def fence(self, connection: apsw.Connection) -> None:
        """Go on inside this transaction only as the holder; StoreBusy when another one took over."""
        if not self.is_ours(connection):
            raise e.StoreBusy(
                "another process took over the sync of this file", hint="this run wrote nothing since; it goes on there"
            )
        now_ms = self._store.clock.now_ms()
        if now_ms >= self._renew_at_ms:
            connection.execute(_SQL["extend"], (self._token, now_ms + LEASE_MS))
            self._renew_at_ms = now_ms + _RENEW_MS

    def renew(self) -> None:
        """Before a request, which may take long: see that the lease lasts; StoreBusy when it is another's."""
        if self._store.clock.now_ms() >= self._renew_at_ms:
            with self._store.apply("remote") as connection:
                self.fence(connection)

    def give_back(self) -> None:
        """The run is over: anybody may sync now."""
        with self._store.apply("remote") as connection:
            connection.execute(_SQL["extend"], (self._token, 0))
        self.let_go()

    def let_go(self) -> None:
        """Let go of the lock alone, as a process does that dies."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _is_held(self, *, until_ms: int, locked: bool) -> bool:
        if locked and self._lock is not None:
            return False  # its holder had the lock that is ours now: it is dead
        now_ms = self._store.clock.now_ms()
        return now_ms < until_ms <= now_ms + 2 * LEASE_MS  # a lease from a clock far ahead says nothing


def _busy() -> e.StoreBusy:
    return e.StoreBusy("another process syncs this file", hint="reading and writing go on; it pushes this too")
