"""First sync of a large account: Postgres -> HTTP -> SQLite, beside the least that could be done.

The limit is COPY out of Postgres on a local socket, straight into `executemany` on the same tables, same
indexes, same durability: no HTTP, no row-level security, no versions, no merge.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import apsw
import psycopg
from psycopg import sql

from bench.figure import Figure
from bmaddb import statements
from bmaddb.cli.demonstration.stage import serving
from bmaddb.clock import SystemClock
from bmaddb.device.store.connection import open_writer
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.kinds import Kind
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.service.opening import open_database

ROWS = 100_000
ROUNDS = 3
SECRET = "first-sync-benchmark-" + "0" * 32
_SQL = statements.load("bench", "first_sync.sql")
_COLUMNS = tuple(column for column in JournalEntry.__table__.columns if column.name != "user_id")


def measure() -> list[Figure]:
    """Both ways in turn, ROUNDS times; the figure is the median."""
    user = str(uuid.UUID(int=7))
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "server") as postgres, serving(postgres.conninfo, SECRET) as port:
            _fill(postgres.conninfo, user)
            token = TokenKeeper(SECRET.encode(), SystemClock()).mint(user, expires_in_s=3600)
            ours: list[float] = []
            limit: list[float] = []
            for turn in range(ROUNDS):
                ours.append(_sync(folder / f"ours-{turn}.db", user, f"http://127.0.0.1:{port}", token))
                limit.append(_copy(folder / f"copy-{turn}.db", user, postgres.conninfo))
    return [_figure(ours, limit)]


def _figure(ours: list[float], limit: list[float]) -> Figure:
    mine, floor = statistics.median(ours), statistics.median(limit)
    return Figure(
        name=f"first sync of {ROWS:,} journal entries ({ROWS / mine:,.0f} rows/s; limit {ROWS / floor:,.0f})",
        peer="COPY out + executemany in",
        ours_us=round(mine / ROWS * 1e6, 2),
        peer_us=round(floor / ROWS * 1e6, 2),
        ratio=round(mine / floor, 2),
        limit=None,
    )


def _fill(conninfo: str, user: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as owner:
        owner.execute(_SQL["fill"].encode(), {"user": user, "rows": ROWS})
        owner.execute("analyze bmad.journal_entries")


def _sync(path: Path, user: str, url: str, token: str) -> float:
    started = time.perf_counter()
    with open_database(path, user=user, url=url, token=token) as db:
        report = db.sync()
        seconds = time.perf_counter() - started
        held = db.query(JournalEntry).count()
    if not report.ok or held != ROWS:
        raise SystemExit(f"the first sync ended {report.result} with {held} rows: {report.failure}")
    return seconds


def _copy(path: Path, user: str, conninfo: str) -> float:
    started = time.perf_counter()
    target = open_writer(str(path), "full", None)
    target.pragma("foreign_keys", False)  # the parent row is not copied
    for statement in sqlite_ddl.create_all(default_catalog()).split(";\n"):
        target.execute(statement)
    names = ["user_id", *(column.name for column in _COLUMNS)]
    places = ", ".join("?" * len(names))
    insert = _SQL["insert"].format(columns=", ".join(names), places=places)
    with psycopg.connect(conninfo) as source, source.cursor() as cursor:
        query = sql.SQL(_SQL["copy_out"]).format(
            columns=sql.SQL(", ").join(map(_outgoing, _COLUMNS)), user=sql.Literal(user)
        )
        with target, cursor.copy(query) as copy:
            copy.set_types([_TYPES[column.kind] for column in _COLUMNS])
            target.executemany(insert, ((user, *row) for row in copy.rows()))
    seconds = time.perf_counter() - started
    _close(target)
    return seconds


_TYPES = {
    Kind.TEXT: "text",
    Kind.INT: "int8",
    Kind.REAL: "float8",
    Kind.BOOL: "int8",
    Kind.JSON: "text",
    Kind.TS: "int8",
}


def _outgoing(column: Any) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.kind is Kind.TS:
        return sql.SQL("(extract(epoch from {}) * 1000)::int8").format(name)
    if column.kind is Kind.BOOL:
        return sql.SQL("{}::int::int8").format(name)
    return sql.SQL("{}::text").format(name) if column.kind is Kind.JSON else name


def _close(connection: apsw.Connection) -> None:
    connection.close(True)
