"""A server with accounts, as every benchmark of sync needs it: a large journal, a small one, and a large mixed one.

A journal entry has 28 columns on the wire, 577 bytes of JSON, 5 indexes on the device. A day of the mixed account has
80 rows of 9 tables, 314 bytes of JSON each: see SHARES.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bmaddb import statements
from bmaddb.cli.demonstration.stage import serving
from bmaddb.clock import SystemClock
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.embedded import EmbeddedPostgres

ROWS = int(os.environ.get("BMADDB_BENCH_ROWS", "200000"))
SMALL_ROWS = 10_000
USER = str(uuid.UUID(int=7))
SMALL_USER = str(uuid.UUID(int=8))
MIXED_USER = str(uuid.UUID(int=9))
SECRET = "first-sync-benchmark-" + "0" * 32
SHARES = {
    "habit_logs": 20,
    "mood_checkins": 12,
    "interaction_analytics": 16,
    "messages": 16,
    "record_links": 5,
    "tasks": 4,
    "feature_usage_daily": 3,
    "journal_entries": 2,
    "user_progress": 2,
}
"""Rows a day. Nobody's account was counted: it is a busy day of somebody who uses every module. Twenty habits are
ticked off, a widget asks for the mood twelve times, eight questions get eight answers, and every screen is an event;
what is written at length (an entry of 150 words, a task) is the least of it. A million rows are 34 years of that, or
a few years of an import: no more than a size."""
ROWS_A_DAY = sum(SHARES.values())
_SQL = statements.load("bench", "first_sync.sql")
_MIXED = statements.load("bench", "mixed.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the server is. `folder` is for device files; `rows` of each of the large accounts."""

    folder: Path
    conninfo: str
    url: str
    rows: int

    def token(self, user: str = USER) -> str:
        """A token for an hour."""
        return TokenKeeper(SECRET.encode(), SystemClock()).mint(user, expires_in_s=3600)


@contextlib.contextmanager
def opened_account(rows: int = ROWS, *, mixed: bool = False) -> Iterator[Account]:
    """Postgres, our server in a process of its own, and the accounts filled; the mixed one takes its time."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "server") as postgres, serving(postgres.conninfo, SECRET) as port:
            _fill(postgres.conninfo, USER, rows)
            _fill(postgres.conninfo, SMALL_USER, SMALL_ROWS)
            if mixed:
                _fill_days(postgres.conninfo, MIXED_USER, rows // ROWS_A_DAY)
            yield Account(folder=folder, conninfo=postgres.conninfo, url=f"http://127.0.0.1:{port}", rows=rows)


def _fill(conninfo: str, user: str, rows: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as owner:
        owner.execute(_SQL["fill"].encode(), {"user": user, "rows": rows})
        owner.execute("vacuum analyze bmad.journal_entries")


def _fill_days(conninfo: str, user: str, days: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as owner:
        for parent in _MIXED["parents"].split(";\n"):
            owner.execute(parent.encode(), {"user": user})
        for block in ("id_of_time", "id_of_key", "words", "days", "no_wait"):
            owner.execute(_MIXED[block].encode())
        owner.execute(_MIXED["fill_days"].encode(), {"user": user, "days": days})
        owner.execute(_MIXED["analyze"].encode())
