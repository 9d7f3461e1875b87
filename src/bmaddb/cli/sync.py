"""`bmaddb sync FILE`: send what waits in a device's file, and fetch what others changed; once."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from bmaddb.cli.server_options import add_server_options, opened_with_server, told
from bmaddb.device.sync import SyncReport
from bmaddb.settings import Settings

HELP = "send what waits in a device's file and fetch what others changed; exit code 1 if something is left"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and which server."""
    add_server_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Sync, print, and answer 0 when both sides hold the same."""
    with opened_with_server(options, settings) as database:
        report = database.sync()
    print(json.dumps(as_json(report)) if options.json else "\n".join(as_lines(report, options.file)))
    return 0 if report.ok else 1


def as_lines(report: SyncReport, file: Path) -> list[str]:
    """The report for a person."""
    lines = told(report.failure)
    if report.parked:
        lines.append(f"parked: {report.parked} entries wait for you, see `bmaddb outbox {file}`")
    if report.conflicts:
        lines.append(f"conflicts: {report.conflicts} were decided, see `bmaddb conflicts {file}`")
    if report.resynced:
        lines.append("everything was fetched anew")
    return [
        *lines,
        f"{report.result}: {report.pushed_rows} rows up, {report.pulled_rows} down, {report.pulled_deletes} deleted,"
        f" {report.carried} requests of operations ended; {report.requests} calls, {report.bytes_up} bytes up,"
        f" {report.bytes_down} down, {report.duration_ms:.0f} ms",
    ]


def as_json(report: SyncReport) -> dict[str, object]:
    """The report for a program."""
    failure = report.failure
    return {
        **asdict(report),
        "result": str(report.result),
        "ok": report.ok,
        "failure": None if failure is None else {"code": report.error_code, "message": failure.message},
    }
