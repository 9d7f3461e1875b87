"""First sync of a large account: Postgres -> HTTP -> SQLite, durable and indexed, beside the least that could be
done and beside the WatermelonDB npm client.

The least is COPY out of Postgres on a local socket, straight into `executemany` on the same tables, same
indexes, same durability: no HTTP, no row-level security, no versions, no merge. WatermelonDB runs its LokiJS
adapter in memory on fewer rows of the same server, which is kind to it: nothing of it is durable.
"""

from __future__ import annotations

import resource
import statistics
import time
from pathlib import Path
from typing import Any

import apsw
import psycopg
from psycopg import sql

from bench import watermelon
from bench.account import USER, Account, opened_account
from bench.figure import Figure
from bmaddb import statements
from bmaddb.device.store.connection import open_writer
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.kinds import Kind
from bmaddb.service.opening import open_database

ROUNDS = 2
_SQL = statements.load("bench", "first_sync.sql")
_COLUMNS = tuple(column for column in JournalEntry.__table__.columns if column.name != "user_id")


def measure(account: Account) -> list[Figure]:
    """Both ways in turn, ROUNDS times; the figure is the median."""
    ours: list[float] = []
    limit: list[float] = []
    for turn in range(ROUNDS):
        ours.append(_sync(account.folder / f"ours-{turn}.db", account))
        limit.append(_copy(account.folder / f"copy-{turn}.db", account))
    rows, mine, least = account.rows, statistics.median(ours), statistics.median(limit)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = f"{rows / mine:,.0f} rows/s in {mine:.1f} s; peak {peak_mb:.0f} MB"
    name = f"first sync of {rows:,} journal entries, a row ({told})"
    figures = [_figure(name, "COPY out + executemany in", mine / rows, least / rows, limit=None)]
    peer = watermelon.run(account)
    if peer is not None:
        theirs = peer["first"]["seconds"] / peer["rows"]
        name = f"the same beside WatermelonDB 0.28, which took {peer['rows']:,} rows"
        figures.append(_figure(name, "WatermelonDB, LokiJS in memory", mine / rows, theirs, limit=0.33))
    return figures


def _figure(name: str, peer: str, ours_s: float, peer_s: float, limit: float | None) -> Figure:
    return Figure(
        name=name,
        peer=peer,
        ours_us=round(ours_s * 1e6, 2),
        peer_us=round(peer_s * 1e6, 2),
        ratio=round(ours_s / peer_s, 2),
        limit=limit,
    )


def _sync(path: Path, account: Account) -> float:
    started = time.perf_counter()
    with open_database(path, user=USER, url=account.url, token=account.token()) as db:
        report = db.sync()
        seconds = time.perf_counter() - started
        held = db.query(JournalEntry).count()
    if not report.ok or held != account.rows:
        raise SystemExit(f"the first sync ended {report.result} with {held} rows: {report.failure}")
    return seconds


def _copy(path: Path, account: Account) -> float:
    started = time.perf_counter()
    target = open_writer(str(path), "full", None)
    target.pragma("foreign_keys", False)  # the parent row is not copied
    for statement in sqlite_ddl.create_all(default_catalog()).split(";\n"):
        target.execute(statement)
    names = ["user_id", *(column.name for column in _COLUMNS)]
    places = ", ".join("?" * len(names))
    insert = _SQL["insert"].format(columns=", ".join(names), places=places)
    with psycopg.connect(account.conninfo) as source, source.cursor() as cursor:
        query = sql.SQL(_SQL["copy_out"]).format(
            columns=sql.SQL(", ").join(map(_outgoing, _COLUMNS)), user=sql.Literal(USER)
        )
        with target, cursor.copy(query) as copy:
            copy.set_types([_TYPES[column.kind] for column in _COLUMNS])
            target.executemany(insert, ((USER, *row) for row in copy.rows()))
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


if __name__ == "__main__":
    with opened_account() as opened:
        for one in measure(opened):
            print(f"{one.name}: {one.ours_us} us, {one.peer} {one.peer_us} us, ratio {one.ratio}")
