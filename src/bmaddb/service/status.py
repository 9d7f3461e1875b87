"""`db.status()`: what a device's file holds, what waits, how the last syncs went, and what the monitor saw.

Rules of this room: a look changes nothing and sees one state of the file; it counts rows, so it grows with the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox import Outbox, OutboxCounts
from bmaddb.device.store import Store
from bmaddb.device.upkeep import Usage, stubs
from bmaddb.monitor import MonitorReport

RUNS_SHOWN: Final = 5
SHAPES_KEPT_MAX: Final = 20
MONITOR_KEY: Final = "monitor"
"""Where the file notes what the last monitor saw."""
_SQL: Final = statements.load("bmaddb.service", "status.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """One sync that is over."""

    started_at_ms: int
    duration_ms: int | None
    trigger: str
    result: str
    pushed_rows: int
    pulled_rows: int
    bytes_up: int
    bytes_down: int
    conflicts: int
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStatus:
    """`rows` by table, tables that hold none left out; `runs` the newest first; `open_conflicts` wait for a person.

    `monitor` is what is being recorded, or what the last monitor of this file had seen when it stopped.
    """

    path: str
    user: str | None
    device_id: str
    schema_version: int
    encrypted: bool
    rows: dict[str, int]
    archived: dict[str, int]
    usage: Usage
    outbox: OutboxCounts
    oldest_waiting_ms: int | None
    open_conflicts: int
    runs: tuple[RunStatus, ...]
    monitor: MonitorReport | None


def status_of(store: Store, outbox: Outbox, usage: Usage, monitor: MonitorReport | None) -> DatabaseStatus:
    """Look at everything, in one snapshot. `monitor`: what is recorded now, if anything is."""
    with store.read() as connection:
        counts = {table.name: _count(connection, table.name) for table in store.catalog.device_tables}
        archived = {name: count for name, (count, _) in stubs.counts(connection).items()}
        [(oldest_ms,)] = connection.execute(_SQL["oldest_waiting"])
        [(conflicts,)] = connection.execute(_SQL["open_conflicts"])
        runs = [_run(row) for row in connection.execute(_SQL["last_runs"], (RUNS_SHOWN,))]
        return DatabaseStatus(
            path=store.path,
            user=store.user,
            device_id=store.device_id,
            schema_version=store.catalog.version,
            encrypted=store.key is not None,
            rows={name: count for name, count in counts.items() if count},
            archived=archived,
            usage=usage,
            outbox=outbox.counts(),
            oldest_waiting_ms=oldest_ms,
            open_conflicts=conflicts,
            runs=tuple(runs),
            monitor=monitor or kept(store),
        )


def keep(store: Store, report: MonitorReport) -> None:
    """Note in the file what a monitor saw, the shapes that took the most time; nobody is told of the write."""
    short = replace(report, shapes=report.shapes[:SHAPES_KEPT_MAX])
    with store.maintain() as connection:
        store.meta_set(MONITOR_KEY, msgspec.json.encode(short).decode(), connection)


def kept(store: Store) -> MonitorReport | None:
    """What the last monitor saw; None when there was none, or one of another edition of this program."""
    text = store.meta_get(MONITOR_KEY)
    try:
        return None if text is None else msgspec.json.decode(text, type=MonitorReport)
    except msgspec.ValidationError:
        return None


def _count(connection: apsw.Connection, table: str) -> int:
    [(count,)] = connection.execute(_SQL["count_rows"].format(table=table))
    return int(count)


def _run(row: tuple[Any, ...]) -> RunStatus:
    return RunStatus(**dict(zip(RunStatus.__dataclass_fields__, row, strict=True)))
