"""Upkeep of a file of 150 MB, with a real server: `python -m bench.upkeep`. Prints; writes nothing.

Five years of use are written to a device and synced; then local logs and what waits are added. One clean-up has to
bring the file below 70 % of 100 MB; every row that waits must be what it was, byte for byte, and every archived row
must come back. A writer and a reader work all the while, and what they had to wait is told.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from bench.upkeep_file import Filler
from bmaddb.cli.demonstration.stage import serving
from bmaddb.clock import SystemClock
from bmaddb.device.upkeep import UpkeepReport, Usage
from bmaddb.modules.sync_status import OutboxOperation
from bmaddb.modules.tasks_productivity import Task
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.service.database import Database
from bmaddb.service.opening import open_database

USER = str(uuid.UUID(int=9))
SECRET = "upkeep-benchmark-" + "0" * 32
SCALE = float(os.environ.get("BMADDB_BENCH_SCALE", "1"))
MEGABYTE = 1_000_000
FETCH_AT_ONCE = 1_000
Image = dict[tuple[str, str], bytes]


def main() -> None:
    """Fill, clean, prove."""
    with tempfile.TemporaryDirectory(prefix="bmaddb-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with EmbeddedPostgres(folder / "server") as postgres, serving(postgres.conninfo, SECRET) as port:
            token = TokenKeeper(SECRET.encode(), SystemClock()).mint(USER, expires_in_s=86_400)
            url = f"http://127.0.0.1:{port}"
            with open_database(folder / "device.db", user=USER, url=url, token=token) as db:
                _fill(db)
                _prove(db, int(100 * MEGABYTE * SCALE))


def _fill(db: Database) -> None:
    began = time.perf_counter()
    filler = Filler(db, SCALE)
    db.sync()
    filler.synced()
    wrote = time.perf_counter()
    while db.outbox.counts().total:
        report = db.sync()
        assert report.failure is None, report
    filler.local()
    filler.unsynced()
    print(f"filled in {wrote - began:.0f} s, synced in {time.perf_counter() - wrote:.0f} s")


def _prove(db: Database, budget_bytes: int) -> None:
    before, waiting = _image(db), _waiting(db)
    outbox = db.query(OutboxOperation).order_by(OutboxOperation.position).all()
    print(f"{len(before):,} rows, {len(waiting):,} of them wait in {len(outbox):,} entries")
    with _Traffic(db) as traffic:
        report = db.upkeep.run(budget_bytes)
    _print(report, traffic)
    now = db.query(OutboxOperation).order_by(OutboxOperation.position).limit(len(outbox)).all()
    assert now == outbox, "the outbox is as it was"
    after = _image(db)
    after = {key: value for key, value in after.items() if key in before}
    changed = [key for key in after if after[key] != before[key]]
    assert not changed, changed[:5]
    assert waiting <= after.keys(), "nothing unsynced went"
    print(f"unsynced rows byte-identical: {len(waiting):,} of {len(waiting):,}")
    print(f"rows that stay: {len(after):,}, all identical")
    _bring_back(db, before)


def _bring_back(db: Database, before: Image) -> None:
    began, back = time.perf_counter(), 0
    archived = db.upkeep.archived()
    for name, (rows, packed) in sorted(archived.items()):
        record = db.catalog.record(name)
        ids: list[str] = []
        while True:
            some = db.upkeep.archived_ids(record, after=ids[-1] if ids else "", limit=FETCH_AT_ONCE)
            if not some:
                break
            ids += some
        for start in range(0, len(ids), FETCH_AT_ONCE):
            back += len(db.upkeep.fetch(record, ids[start : start + FETCH_AT_ONCE]))
        print(f"  {name}: {rows:,} archived, {packed:,} of them packed")
    now = _image(db)
    total = sum(rows for rows, _ in archived.values())
    same = sum(now.get(key) == value for key, value in before.items() if key[0] in archived)
    wanted = sum(key[0] in archived for key in before)
    assert same == wanted, (same, wanted)
    assert not db.upkeep.archived()
    took = time.perf_counter() - began
    print(f"archived rows that came back identical: {total:,} of {total:,} in {took:.1f} s ({back:,} asked for)")
    verified = db.verify()
    print(f"verify: {verified.result}, {verified.rows:,} rows compared")


def _image(db: Database) -> Image:
    """A digest of every row of a synced table, of all its columns as SQLite holds them."""
    found: Image = {}
    with db.read() as connection:
        for table in db.catalog.synced_tables:
            for row in connection.execute(f'select * from "{table.name}"'):
                found[table.name, str(row[0])] = hashlib.blake2b(repr(row).encode(), digest_size=16).digest()
    return found


def _waiting(db: Database) -> set[tuple[str, str]]:
    return {key for entry in db.outbox.entries() for key in entry.changes}


def _print(report: UpkeepReport, traffic: _Traffic) -> None:
    print(f"before: {_usage(report.before)}")
    for step in report.steps:
        rate = f"{step.batches} batches, longest {step.longest_ms:.0f} ms"
        kept = f"; kept: {step.kept}" if step.kept else ""
        freed = f"{step.freed_bytes / MEGABYTE:.1f} MB, {step.duration_ms / 1000:.1f} s"
        print(f"  {step.name}: {step.rows:,} rows, {freed}, {rate}{kept}")
    print(f"after: {_usage(report.after)}: {report.ended} in {report.duration_ms / 1000:.1f} s")
    print(f"meanwhile {traffic}")


def _usage(usage: Usage) -> str:
    return (
        f"{usage.used_bytes / MEGABYTE:.1f} MB used, {usage.free_bytes / MEGABYTE:.1f} MB free,"
        f" log {usage.log_bytes / MEGABYTE:.1f} MB, {usage.share:.0%} of the budget"
    )


class _Traffic:
    """Somebody who writes, and somebody who reads, each a little every few milliseconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._ended = threading.Event()
        self._writes: list[float] = []
        self._reads: list[float] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=pair)
            for pair in ((self._write, self._writes), (self._read, self._reads))
        ]

    def __enter__(self) -> _Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def __str__(self) -> str:
        return f"{_waits('writes', self._writes)}, {_waits('reads', self._reads)}"

    def _repeat(self, act: Any, times: list[float]) -> None:
        while not self._ended.wait(0.02):
            began = time.perf_counter()
            act()
            times.append((time.perf_counter() - began) * 1000)

    def _write(self) -> None:
        with self._db.write() as tx:
            tx.insert(Task, title="meanwhile")

    def _read(self) -> None:
        self._db.query(Task).order_by(Task.updated_at.desc()).limit(20).all()


def _waits(word: str, times: list[float]) -> str:
    median, most = statistics.median(times), sorted(times)[int(len(times) * 0.99)]
    return f"{len(times):,} {word} (median {median:.1f} ms, 99 % {most:.0f} ms, longest {max(times):.0f} ms)"


if __name__ == "__main__":
    main()
