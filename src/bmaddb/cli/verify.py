"""`bmaddb verify`: does a device's file hold what the server shows its user? Repairs what it does not."""

from __future__ import annotations

import argparse
import json

from bmaddb.cli.server_options import add_server_options, opened_with_server, told
from bmaddb.device.sync import VerifyReport
from bmaddb.settings import Settings

HELP = "compare a device's file with the server and repair it; exit code 1 if they still differ"
SHOWN_IDS_MAX = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and which server."""
    add_server_options(parser)
    parser.add_argument("--no-repair", action="store_true", help="only say what differs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Verify, print, and answer 0 when the file is whole and both sides are equal now."""
    with opened_with_server(options, settings) as database:
        report = database.verify(repair=not options.no_repair)
    print(json.dumps(as_json(report)) if options.json else "\n".join(as_lines(report)))
    return 0 if report.ok else 1


def as_lines(report: VerifyReport) -> list[str]:
    """The report for a person."""
    lines = [f"file: {fault}" for fault in report.file_faults] or ["file: whole"]
    if report.broken_references:
        lines.append(f"file: {report.broken_references} rows referred to a row that is not there")
    for check in report.tables:
        for word, ids in (("missing", check.missing), ("changed", check.changed), ("extra", check.extra)):
            if ids:
                shown = ", ".join(sorted(ids)[:SHOWN_IDS_MAX]) + (", ..." if len(ids) > SHOWN_IDS_MAX else "")
                lines.append(f"{check.table}: {len(ids)} {word} ({shown})")
        if check.returned:
            lines.append(f"{check.table}: {len(check.returned)} given back to the server, which had lost them")
        if check.unlike:
            lines.append(f"{check.table}: not compared, the server has other columns in it")
    if report.waiting:
        lines.append(f"waiting: {report.waiting} rows were left out, for changes of them have yet to leave")
    lines += told(report.failure)
    cost = f"{report.requests} requests, {report.bytes_up} bytes up, {report.bytes_down} down"
    return [*lines, f"{report.result}: {report.rows} rows compared, {cost}"]


def as_json(report: VerifyReport) -> dict[str, object]:
    """The report for a program."""
    return {
        "result": str(report.result),
        "ok": report.ok,
        "rows": report.rows,
        "waiting": report.waiting,
        "file_faults": list(report.file_faults),
        "broken_references": report.broken_references,
        "failure": None if report.failure is None else report.failure.error_code,
        "requests": report.requests,
        "bytes_up": report.bytes_up,
        "bytes_down": report.bytes_down,
        "tables": {
            check.table: {
                "rows": check.rows,
                "missing": sorted(check.missing),
                "changed": sorted(check.changed),
                "extra": sorted(check.extra),
                "returned": sorted(check.returned),
                "unlike": check.unlike,
            }
            for check in report.tables
            if check.rows or check.differing or check.unlike
        },
    }
