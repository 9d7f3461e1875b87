"""`bmaddb upkeep`: what a device's file takes of its budget, and a clean-up when that is too much."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.device.upkeep import Ended, UpkeepReport, Usage
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "bring a device's file below its budget; exit code 1 if it is still above"
MEGABYTE = 1_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and how much it may take."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("--budget-mb", type=float, default=100.0, help="what it may take (default: 100)")
    parser.add_argument("--always", action="store_true", help="also between 70 and 80 %% of the budget")
    parser.add_argument("--look", action="store_true", help="only say what it takes")
    parser.add_argument("--rebuild", action="store_true", help="first write the file anew (old and encrypted files)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Clean up, print, and answer 0 when the file is within its budget."""
    existing(options.file)
    wanted_bytes = options.budget_mb * MEGABYTE
    budget_bytes = int(wanted_bytes) if math.isfinite(wanted_bytes) else 0
    if budget_bytes <= 0:
        raise e.SettingsError("a budget is more than nothing", hint="--budget-mb 100")
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    secret = chosen_secret(options, settings)
    with open_database(options.file, catalog=catalog, migrations=migrations, **secret) as database:
        if options.look:
            usage = database.upkeep.usage()
            print(json.dumps(asdict(usage)) if options.json else _usage(usage))
            return 0
        if options.rebuild and not database.upkeep.usage().vacuums:
            database.upkeep.rebuild()
        report = database.upkeep.run(budget_bytes, always=options.always)
    print(json.dumps(asdict(report)) if options.json else "\n".join(lines(report)))
    return 1 if report.ended is Ended.STILL_OVER else 0


def lines(report: UpkeepReport) -> list[str]:
    """The report for a person."""
    told = [f"before: {_usage(report.before)}"]
    for step in report.steps:
        kept = f" ({step.kept})" if step.kept else ""
        told.append(f"{step.name}: {step.rows} gone, {step.freed_bytes / MEGABYTE:.1f} MB freed{kept}")
    if not report.after.vacuums:
        told.append("the file cannot give free pages back: --rebuild writes it anew")
    return [*told, f"after: {_usage(report.after)}", f"{report.ended}"]


def _usage(usage: Usage) -> str:
    parts = ((usage.used_bytes, "used"), (usage.free_bytes, "free"), (usage.attachment_bytes, "attachments"))
    return ", ".join(f"{size / MEGABYTE:.1f} MB {word}" for size, word in parts) + f": {usage.share:.0%} of the budget"
