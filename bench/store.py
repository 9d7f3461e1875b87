"""The device store beside bare apsw: reads, records, single writes, bulk inserts. Same tables and durability.

Both sides run in one process, interleaved round by round in changing order, and the figure is the median of
the rounds' ratios, so that a busy machine slows both. What waits for no disk is counted in processor time.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from bench.figure import Figure
from bench.settled import settled
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.query import compiler_writes
from bmaddb.device.store import CACHE_BYTES, Store
from bmaddb.device.store.connection import Durability, open_writer
from bmaddb.entropy import SeededEntropy, SystemEntropy, uuid7
from bmaddb.modules.registry import ModuleRegistry
from bmaddb.modules.tasks_productivity import Task
from bmaddb.schema import param, sqlite_ddl

USER: Final = "0190f3d2-6f1a-7c3b-8a2e-5b1d9c4e7f60"
ROWS: Final = 10_000
ROUNDS: Final = 15
BULK_ROUNDS: Final = 7
READS_PER_ROUND: Final = 400
WRITES_PER_ROUND: Final = 10
WRITE_ROUNDS: Final = 60
STATES: Final = ("todo", "doing", "waiting", "cancelled", "done")


def measure() -> list[Figure]:
    """Run every comparison once; takes about half a minute."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        return [
            *_reads(Path(folder)),
            *_writes(Path(folder), "full", limit=1.4),
            *_writes(Path(folder), "normal", limit=None),
            *_bulk(Path(folder)),
        ]


def compare(
    name: str,
    ours: Callable[[], int],
    peer: Callable[[], int],
    *,
    rounds: int = ROUNDS,
    limit: float | None,
    peer_name: str = "bare apsw",
    clock: Callable[[], float] = time.process_time,
) -> Figure:
    """Interleaved rounds of both; each call runs some operations and answers with how many."""
    ours(), peer()
    mine: list[float] = []
    theirs: list[float] = []
    with settled():
        for turn in range(rounds):
            for run, times in ((ours, mine), (peer, theirs)) if turn % 2 else ((peer, theirs), (ours, mine)):
                gc.collect()
                start = clock()
                count = run()
                times.append((clock() - start) / count * 1e6)
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return Figure(
        name=name,
        peer=peer_name,
        ours_us=round(statistics.median(mine), 2),
        peer_us=round(statistics.median(theirs), 2),
        ratio=round(ratio, 2),
        limit=limit,
    )


def opened(path: Path, durability: Durability, *, cache_bytes: int = 0) -> Store:
    """A store with the tables of all twelve modules and an outbox; it holds nothing it read unless told to."""
    store = Store(
        path,
        ModuleRegistry().default_catalog(),
        clock=SystemClock(),
        entropy=SystemEntropy(),
        user=USER,
        durability=durability,
        cache_bytes=cache_bytes,
    )
    Outbox(store)
    return store


def bare(path: Path, durability: Durability) -> apsw.Connection:
    """The same tables and pragmas, without the store."""
    connection = open_writer(str(path), durability, None)
    connection.execute(sqlite_ddl.create_all(ModuleRegistry().default_catalog()))
    return connection


def ready_rows(count: int, seed: int) -> list[tuple[object, ...]]:
    """Raw rows of `tasks`, finished: what a bare executemany is given."""
    entropy, now_ms = SeededEntropy(seed), SystemClock().now_ms()
    ids = sorted(uuid7(entropy, now_ms) for _ in range(count))
    columns = Task.__table__.columns
    usual = {column.name: column.bind(column.spec.default) for column in columns if column.spec.has_default}
    usual |= {"user_id": USER, "created_at": now_ms, "updated_at": now_ms}
    rows = ({**usual, **given, "id": row_id} for given, row_id in zip(given_rows(count), ids, strict=True))
    return [tuple(row.get(column.name) for column in columns) for row in rows]


def given_rows(count: int) -> list[dict[str, object]]:
    """The same rows as an application has them."""
    return [
        {
            "title": f"task {index} of the list",
            "notes": f"notes about {index} " * 8,
            "state": STATES[index % 5],
            "priority": index % 5,
            "due_on": f"2026-{index % 12 + 1:02}-{index % 28 + 1:02}",
            "estimate_min": index % 120,
        }
        for index in range(count)
    ]


def _reads(folder: Path) -> list[Figure]:
    store = opened(folder / "reads.db", "normal")
    with store.write() as tx:
        tx.insert_many(Task, given_rows(ROWS))
    ids = store.query(Task).order_by(Task.id).ids()[:: ROWS // READS_PER_ROUND]
    raw = apsw.Connection(store.path, flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=512)
    raw.pragma("cache_size", -16384)
    by_id = compiler_writes.select_by_id(Task)

    def get() -> int:
        for row_id in ids:
            store.get(Task, row_id)
        return len(ids)

    def find() -> int:
        for row_id in ids:
            store.query(Task).where(Task.id == row_id).one_or_none()
        return len(ids)

    by_param = store.query(Task).where(Task.id == param("row")).prepare()

    def find_prepared() -> int:
        for row_id in ids:
            by_param.one_or_none(row=row_id)
        return len(ids)

    def raw_get() -> int:
        for row_id in ids:
            raw.execute(by_id, (row_id,)).fetchone()
        return len(ids)

    figures = [
        compare("point read, typed (get)", get, raw_get, limit=1.2),
        compare("point read, query built each time", find, raw_get, limit=1.7),
        compare("point read, prepared query", find_prepared, raw_get, limit=1.4),
        _fifty(store, raw, "50 typed records, query built each time", limit=1.25),
    ]
    store.close()
    with opened(folder / "reads.db", "normal", cache_bytes=CACHE_BYTES) as store:
        figures += [
            compare("point read of what was read before (get)", get, raw_get, limit=0.1),
            _fifty(store, raw, "50 typed records that were read before", limit=0.5),
        ]
    raw.close()
    return figures


def _fifty(store: Store, raw: apsw.Connection, name: str, limit: float) -> Figure:
    by_id = compiler_writes.select_by_id(Task)
    listing = by_id.replace('where "id" = ?', 'where "state" = ? and "due_on" >= ? order by "due_on" limit 50')

    def fifty() -> int:
        for _ in range(20):
            store.query(Task).where(Task.state == "todo", Task.due_on >= "2026-03").order_by(Task.due_on).limit(
                50
            ).all()
        return 20

    def raw_fifty() -> int:
        for _ in range(20):
            raw.execute(listing, ("todo", "2026-03")).fetchall()
        return 20

    return compare(name, fifty, raw_fifty, limit=limit)


def _writes(folder: Path, durability: Durability, limit: float | None) -> list[Figure]:
    store, raw = (
        opened(folder / f"one-{durability}.db", durability),
        bare(folder / f"raw-{durability}.db", durability),
    )
    text = compiler_writes.insert(Task)
    ready = iter(ready_rows(WRITES_PER_ROUND * (WRITE_ROUNDS + 1), 1))
    given = iter(given_rows(WRITES_PER_ROUND * (WRITE_ROUNDS + 1)))

    def ours() -> int:
        for _ in range(WRITES_PER_ROUND):
            with store.write() as tx:
                tx.insert(Task, **next(given))
        return WRITES_PER_ROUND

    def peer() -> int:
        for _ in range(WRITES_PER_ROUND):
            raw.execute("begin immediate")
            raw.execute(text, next(ready))
            raw.execute("commit")
        return WRITES_PER_ROUND

    figure = compare(
        f"single write transaction, {durability}",
        ours,
        peer,
        rounds=WRITE_ROUNDS,
        limit=limit,
        clock=time.perf_counter,
    )
    raw.close()
    store.close()
    return [figure]


def _bulk(folder: Path) -> list[Figure]:
    store, raw = opened(folder / "bulk.db", "full"), bare(folder / "bulk-raw.db", "full")
    text = compiler_writes.insert(Task)
    given = given_rows(ROWS)
    prepared = iter([ready_rows(ROWS, seed) for seed in range(BULK_ROUNDS + 1)])

    def ours() -> int:
        with store.write() as tx:
            return tx.insert_many(Task, given)

    def peer() -> int:
        rows = next(prepared)
        raw.execute("begin immediate")
        raw.executemany(text, rows)
        raw.execute("commit")
        return len(rows)

    figure = compare(
        f"insert of {ROWS} rows, captured and queued, a row",
        ours,
        peer,
        rounds=BULK_ROUNDS,
        limit=1.5,
        peer_name="bare executemany",
        clock=time.perf_counter,
    )
    raw.close()
    store.close()
    return [figure]


if __name__ == "__main__":
    for one in measure():
        limit = "" if one.limit is None else f"  limit {one.limit}  {'met' if one.met else 'MISSED'}"
        print(f"{one.name:55} {one.ours_us:9.2f} us  {one.peer_us:9.2f} us  {one.ratio:5.2f}x{limit}")
