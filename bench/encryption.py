"""An encrypted file beside a plain one: opening, reading, writing, scanning. The same store, rows and pragmas.

The peer is our own store without a key. A cipher works on pages that come from the disk or go there, and on no other:
so the table is several times as large as the page cache, and a run in which nothing missed the cache is refused. All
is counted in processor time, for the cipher waits for no disk and other processes make a disk wait.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from bench.figure import Figure
from bench.store import USER, compare, given_rows
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.entropy import SystemEntropy
from bmaddb.modules.registry import default_catalog
from bmaddb.modules.tasks_productivity import Task

KEY: Final = bytes(range(32))
ROWS: Final = 40_000
NOTES_TIMES: Final = 8
"""Rows of a good kilobyte: 50 MB of them, beside a cache of 16 MB."""
READS_PER_ROUND: Final = 400
WRITES_PER_ROUND: Final = 40
BULK_ROWS: Final = 5_000
PEER: Final = "the same, plain"
LIMIT: Final = 1.4
"""What the study of the store promised for aegis with a raw key."""


class Side:
    """One file, and the operations that are measured on it."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self._path, self._key = path, key
        self._store = self._opened()
        self._outbox = Outbox(self._store)
        for _ in range(0, ROWS, BULK_ROWS):  # a write no push can carry is refused
            rows = [{**row, "notes": str(row["notes"]) * NOTES_TIMES} for row in given_rows(BULK_ROWS)]
            with self._store.write() as tx:
                tx.insert_many(Task, rows)
        ids = self._store.query(Task).order_by(Task.id).ids()
        self._ids = [ids[number * 7_919 % len(ids)] for number in range(len(ids))]
        self._at = 0

    @property
    def misses(self) -> int:
        """How many pages this thread's reads did not find in the cache so far."""
        with self._store.read() as connection:
            return connection.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0]

    def close(self) -> None:
        self._store.close()

    def _opened(self) -> Store:
        clock, entropy = SystemClock(), SystemEntropy()
        return Store(self._path, default_catalog(), clock=clock, entropy=entropy, user=USER, key=self._key)

    def opening(self) -> int:
        for _ in range(5):
            with self._opened() as store:
                store.get(Task, self._ids[0])
        return 5

    def point_read(self) -> int:
        for _ in range(READS_PER_ROUND):
            self._at = (self._at + 1) % len(self._ids)
            self._store.get(Task, self._ids[self._at])
        return READS_PER_ROUND

    def fifty(self) -> int:
        for _ in range(20):
            query = self._store.query(Task).where(Task.state == "todo", Task.due_on >= "2026-03")
            query.order_by(Task.due_on).limit(50).all()
        return 20

    def scan(self) -> int:
        self._store.sql("select count(*) from tasks where notes like '%nothing of this%'")
        return 1

    def single_write(self) -> int:
        for row in given_rows(WRITES_PER_ROUND):
            with self._store.write() as tx:
                tx.insert(Task, **row)
        return WRITES_PER_ROUND

    def bulk(self) -> int:
        with self._store.write() as tx:
            return tx.insert_many(Task, given_rows(BULK_ROWS))


def measure() -> list[Figure]:
    """Run every comparison once; takes about half a minute."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        sealed, plain = Side(Path(folder) / "sealed.db", KEY), Side(Path(folder) / "plain.db", None)
        try:
            return [
                _figure("open, read one row", sealed.opening, plain.opening),
                _figure("50 records", sealed.fifty, plain.fifty),
                _missing("point read, cache missed", sealed, plain, sealed.point_read, plain.point_read),
                _missing(f"scan of {ROWS:,} rows, cache missed", sealed, plain, sealed.scan, plain.scan),
                _figure("single write, full", sealed.single_write, plain.single_write),
                _figure(f"insert of {BULK_ROWS:,} rows, a row", sealed.bulk, plain.bulk, rounds=7),
            ]
        finally:
            sealed.close()
            plain.close()


def _figure(name: str, ours: Callable[[], int], peer: Callable[[], int], *, rounds: int = 15) -> Figure:
    return compare(f"encrypted: {name}", ours, peer, rounds=rounds, limit=LIMIT, peer_name=PEER)


def _missing(name: str, sealed: Side, plain: Side, ours: Callable[[], int], peer: Callable[[], int]) -> Figure:
    """A comparison in which both sides must have read pages from the disk."""
    before = (sealed.misses, plain.misses)
    figure = _figure(name, ours, peer)
    if sealed.misses == before[0] or plain.misses == before[1]:
        raise RuntimeError(f"{name}: no page was missed, so nothing was decrypted")
    return figure


if __name__ == "__main__":
    for one in measure():
        told = f"limit {one.limit} {'met' if one.met else 'MISSED'}"
        print(f"{one.name:70} {one.ours_us:11.1f} us  {one.peer_us:11.1f} us  {one.ratio:5.2f}x  {told}")
