"""`bmaddb integrity`: every check of a device's file, with reasons and remedies; repairs what is safe."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.device.upkeep import IntegrityReport
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "check a device's file and repair what is safe; exit code 1 if something is broken still"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and how thoroughly."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("--full", action="store_true", help="every page, every reference, every packed row")
    parser.add_argument("--no-repair", action="store_true", help="only say what is wrong")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Check, print, and answer 0 when nothing is broken."""
    existing(options.file)
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    secret = chosen_secret(options, settings)
    with open_database(options.file, catalog=catalog, migrations=migrations, **secret) as database:
        report = database.integrity(full=options.full, repair=not options.no_repair)
    print(json.dumps(as_json(report)) if options.json else "\n".join(lines(report)))
    return 0 if report.ok else 1


def lines(report: IntegrityReport) -> list[str]:
    """The report for a person."""
    told = []
    for finding in report.findings:
        word = "repaired" if finding.repaired else str(finding.status)
        reason = f": {finding.reason}" if finding.reason else ""
        remedy = f" -> {finding.remedy}" if finding.remedy and not finding.repaired else ""
        told.append(f"{word:8} {finding.check}{reason}{remedy}")
    return told


def as_json(report: IntegrityReport) -> dict[str, object]:
    """The report for a program."""
    return {
        "ok": report.ok,
        "full": report.full,
        "findings": [
            {
                "check": finding.check,
                "status": str(finding.status),
                "reason": finding.reason,
                "remedy": finding.remedy,
                "count": finding.count,
                "repaired": finding.repaired,
            }
            for finding in report.findings
        ],
    }
