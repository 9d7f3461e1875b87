"""`bmaddb status`: what a device's file holds, what waits, the last syncs, and the statements that took most time."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.monitor import MonitorReport, ShapeFigures
from bmaddb.service import open_database
from bmaddb.service.status import DatabaseStatus, RunStatus
from bmaddb.settings import Settings

HELP = "say what a device's file holds, what waits, how the last syncs went, and what took time"
SHAPES_SHOWN: Final = 5
SHAPE_CHARS_SHOWN: Final = 100
MEGABYTE: Final = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and what opens it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Look and print."""
    secret = chosen_secret(options, settings)
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    with open_database(existing(options.file), catalog=catalog, migrations=migrations, **secret) as database:
        status = database.status()
    print(msgspec.json.encode(status).decode() if options.json else "\n".join(lines(status)))
    return 0


def lines(status: DatabaseStatus) -> list[str]:
    """The status for a person."""
    usage, outbox = status.usage, status.outbox
    rows = ", ".join(f"{name} {count}" for name, count in status.rows.items())
    archived = ", ".join(f"{name} {count}" for name, count in status.archived.items())
    oldest = f", the oldest since {_moment(status.oldest_waiting_ms)}" if status.oldest_waiting_ms is not None else ""
    told = [
        f"file: {status.path}, schema {status.schema_version}, {'encrypted' if status.encrypted else 'not encrypted'}",
        f"user: {status.user or 'nobody'}, device {status.device_id}",
        f"size: {usage.used_bytes / MEGABYTE:.1f} MB used, {usage.free_bytes / MEGABYTE:.1f} MB free,"
        f" {usage.attachment_bytes / MEGABYTE:.1f} MB attachments: {usage.share:.0%} of the budget",
        f"rows: {rows or 'none'}",
        f"outbox: {outbox.queued} queued, {outbox.leased} on their way, {outbox.parked} parked{oldest}",
        f"conflicts to look at: {status.open_conflicts}",
    ]
    told += [f"archived: {archived}"] if archived else []
    told += [_run(run) for run in status.runs] or ["last syncs: none"]
    return told + _monitor(status.monitor)


def _run(run: RunStatus) -> str:
    took = "" if run.duration_ms is None else f" in {run.duration_ms} ms"
    code = f" ({run.error_code})" if run.error_code else ""
    return (
        f"sync {_moment(run.started_at_ms)}: {run.result}{code}{took}, {run.pushed_rows} rows up,"
        f" {run.pulled_rows} down, {run.conflicts} conflicts"
    )


def _monitor(report: MonitorReport | None) -> list[str]:
    if report is None:
        return ["monitor: nothing was recorded"]
    since = "" if report.since_ms is None else f" since {_moment(report.since_ms)}"
    told = [f"monitor: {len(report.shapes)} shapes{since}", *(f"  alarm: {alarm}" for alarm in report.alarms)]
    told += [
        f"  {one.name}: {one.count} times, {one.failed} failed, p50 {one.p50_us / 1000:.1f} ms,"
        f" p95 {one.p95_us / 1000:.1f} ms, p99 {one.p99_us / 1000:.1f} ms"
        for one in report.operations
    ]
    return told + [_shape(shape) for shape in report.shapes[:SHAPES_SHOWN]]


def _shape(shape: ShapeFigures) -> str:
    rows = f", {shape.rows / shape.counted:.1f} rows" if shape.counted else ""
    hints = [
        f"{count / shape.measured:.1f} {word} a run"
        for count, word in ((shape.full_scan_steps, "rows scanned"), (shape.sorts, "sorts"))
        if shape.measured and count
    ]
    text = shape.shape if len(shape.shape) <= SHAPE_CHARS_SHOWN else f"{shape.shape[: SHAPE_CHARS_SHOWN - 1]}…"
    more = "".join(f", {hint}" for hint in hints)
    return f"  {shape.calls} times, p50 {shape.p50_us} µs, p95 {shape.p95_us} µs{rows}{more}: {text}"


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
