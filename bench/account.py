"""A server with two accounts, one large and one small, as every benchmark of sync needs it.

A row is a journal entry: 26 columns on the wire (27 in the file), 573 bytes of JSON, 5 indexes on the device.
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
SECRET = "first-sync-benchmark-" + "0" * 32
_SQL = statements.load("bench", "first_sync.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the server is. `folder` is for device files; `rows` of the large account."""

    folder: Path
    conninfo: str
    url: str
    rows: int

    def token(self, user: str = USER) -> str:
        """A token for an hour."""
        return TokenKeeper(SECRET.encode(), SystemClock()).mint(user, expires_in_s=3600)


@contextlib.contextmanager
def opened_account(rows: int = ROWS) -> Iterator[Account]:
    """Postgres, our server in a process of its own, and both accounts filled."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "server") as postgres, serving(postgres.conninfo, SECRET) as port:
            _fill(postgres.conninfo, USER, rows)
            _fill(postgres.conninfo, SMALL_USER, SMALL_ROWS)
            yield Account(folder=folder, conninfo=postgres.conninfo, url=f"http://127.0.0.1:{port}", rows=rows)


def _fill(conninfo: str, user: str, rows: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as owner:
        owner.execute(_SQL["fill"].encode(), {"user": user, "rows": rows})
        owner.execute("vacuum analyze bmad.journal_entries")
