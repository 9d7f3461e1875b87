"""An encrypted file beside a plain one: opening, reading, writing, scanning. The same store, rows and pragmas.

The peer is our own store without a key; the physical limit of the cipher is what it adds to each page that is read
from or written to the disk. Point reads go to keys in changing order, in a file larger than the page cache.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

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
        with self._store.write() as tx:
            tx.insert_many(Task, given_rows(ROWS))
        ids = self._store.query(Task).order_by(Task.id).ids()
        self._ids = [ids[number * 7_919 % len(ids)] for number in range(len(ids))]
        self._at = 0

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
                _figure("encrypted: open and read one row", sealed.opening, plain.opening),
                _figure(
                    "encrypted: point read, spread over a file larger than the cache",
                    sealed.point_read,
                    plain.point_read,
                ),
                _figure("encrypted: 50 records", sealed.fifty, plain.fifty),
                _figure(f"encrypted: scan of {ROWS:,} rows", sealed.scan, plain.scan, rounds=9),
                _figure("encrypted: single write, full", sealed.single_write, plain.single_write, wall=True),
                _figure(
                    f"encrypted: insert of {BULK_ROWS:,} rows, a row", sealed.bulk, plain.bulk, rounds=7, wall=True
                ),
            ]
        finally:
            sealed.close()
            plain.close()


def _figure(
    name: str, ours: Callable[[], int], peer: Callable[[], int], *, rounds: int = 15, wall: bool = False
) -> Figure:
    clock = time.perf_counter if wall else time.process_time
    return compare(name, ours, peer, rounds=rounds, limit=LIMIT, peer_name=PEER, clock=clock)


if __name__ == "__main__":
    for one in measure():
        told = f"limit {one.limit} {'met' if one.met else 'MISSED'}"
        print(f"{one.name:70} {one.ours_us:11.1f} us  {one.peer_us:11.1f} us  {one.ratio:5.2f}x  {told}")
