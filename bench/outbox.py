"""The outbox with many entries waiting: append, open, first lease, each further lease and settle, counts, memory.

Two shapes: each entry inserts a row of its own, or all entries edit the same fifty rows in turn. What a single
entry costs must not grow with how many wait.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.store import USER
from bmaddb.clock import SystemClock
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.entropy import SystemEntropy
from bmaddb.modules.registry import ModuleRegistry
from bmaddb.modules.tasks_productivity import Task
from bmaddb.protocol.steps import Settlement

SIZES: Final = (1_000, 10_000, 100_000)
ROWS_SHARED: Final = 50
BATCH: Final = 500
BATCH_BYTES: Final = 1_000_000
BATCHES_TIMED: Final = 8
EDITS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxFigure:
    """Times of one outbox; memory is what the process grew by from opening the file on."""

    shape: str
    entries: int
    append_us: float
    open_ms: float
    counts_ms: float
    first_lease_ms: float
    lease_ms: float
    settle_ms: float
    grown_mib: float


def measure(sizes: tuple[int, ...] = SIZES) -> Iterator[OutboxFigure]:
    """One figure for each size and shape; 100,000 entries take about a minute to write on an idle machine."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        for size in sizes:
            for shape in ("own rows", "fifty rows"):
                yield _measure(Path(folder) / f"{shape}-{size}.db", shape, size)


def edits_squashed(folder: Path) -> tuple[int, int]:
    """How many entries a hundred edits of one text are, and how many units leave."""
    store, outbox = _opened(folder / "squash.db")
    with store.write() as tx:
        task = tx.insert(Task, title="t")
    _round_trip(outbox)
    for number in range(EDITS):
        with store.write() as tx:
            tx.update(Task, task.id, notes=f"{number}")
    waiting = outbox.counts().queued
    leaving = len(outbox.lease(BATCH, BATCH_BYTES))
    store.close()
    return waiting, leaving


def _measure(path: Path, shape: str, size: int) -> OutboxFigure:
    store, outbox = _opened(path)
    began = time.process_time()
    _fill(store, size, shared=shape == "fifty rows")
    append_us = (time.process_time() - began) / size * 1e6
    store.close()
    before = _resident_mib()
    began = time.perf_counter()
    store, outbox = _opened(path)
    open_ms = (time.perf_counter() - began) * 1e3
    began = time.perf_counter()
    outbox.counts()
    counts_ms = (time.perf_counter() - began) * 1e3
    first_ms, _ = _round_trip(outbox)
    trips: list[tuple[float, float]] = []
    while len(trips) < BATCHES_TIMED and outbox.counts().queued:
        trips.append(_round_trip(outbox))
    figure = OutboxFigure(
        shape=shape,
        entries=size,
        append_us=append_us,
        open_ms=open_ms,
        counts_ms=counts_ms,
        first_lease_ms=first_ms,
        lease_ms=statistics.median([trip[0] for trip in trips] or [first_ms]),
        settle_ms=statistics.median([trip[1] for trip in trips] or [0.0]),
        grown_mib=_resident_mib() - before,
    )
    store.close()
    return figure


def _opened(path: Path) -> tuple[Store, Outbox]:
    catalog = ModuleRegistry().default_catalog()
    store = Store(path, catalog, clock=SystemClock(), entropy=SystemEntropy(), user=USER, durability="normal")
    return store, Outbox(store)


def _fill(store: Store, size: int, *, shared: bool) -> None:
    ids: list[str] = []
    for number in range(size):
        with store.write() as tx:
            if shared and number >= ROWS_SHARED:
                tx.update(Task, ids[number % ROWS_SHARED], title=f"title {number}")
            else:
                ids.append(tx.insert(Task, title=f"task {number}").id)


def _round_trip(outbox: Outbox) -> tuple[float, float]:
    """Milliseconds of one lease with its bytes, and of its settle."""
    began = time.process_time()
    numbers = outbox.lease(BATCH, BATCH_BYTES)
    outbox.batch()
    leased = time.process_time()
    with outbox.edit() as (connection, waiting):
        outbox.settle(connection, waiting, [Settlement(number=number, version=number) for number in numbers])
        outbox.know_number(connection, numbers[-1])
    return (leased - began) * 1e3, (time.process_time() - leased) * 1e3


def _resident_mib() -> float:
    """What the process holds in memory now; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    [line] = [line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print the table; sizes may be given as arguments."""
    sizes = tuple(int(word) for word in sys.argv[1:]) or SIZES
    print("| shape | waiting | append µs | open ms | counts ms | first lease ms | lease ms | settle ms | grown MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for one in measure(sizes):
        print(
            f"| {one.shape} | {one.entries:,} | {one.append_us:.0f} | {one.open_ms:.1f} | {one.counts_ms:.1f} |"
            f" {one.first_lease_ms:.0f} | {one.lease_ms:.0f} | {one.settle_ms:.0f} | {one.grown_mib:.1f} |",
            flush=True,
        )
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as folder:
        waiting, leaving = edits_squashed(Path(folder))
    print(f"\n{waiting} edits of one text leave as {leaving} unit(s).")


if __name__ == "__main__":
    main()
