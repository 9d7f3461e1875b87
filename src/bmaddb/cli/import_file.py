"""`bmaddb import FILE FROM`: an export, Day One, Markdown, or a table, into a device's file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bmaddb.cli.catalogs import (
    add_catalog_option,
    add_migrations_option,
    add_table_option,
    chosen_catalog,
    chosen_migrations,
    chosen_record,
)
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.device.transfer import Progress
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "bring an export, a Day One export, a folder of Markdown, a .jsonl or a .csv into a device's file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Into what, from where, and how."""
    parser.add_argument("file", type=Path, help="the device's file; made if there is none")
    parser.add_argument("source", type=Path, help="what to import")
    parser.add_argument("--user", help="UUID of the user, for a new file")
    parser.add_argument("--key", help="the column that names a row, where the lines have no id")
    parser.add_argument("--strict", action="store_true", help="take everything or nothing")
    add_table_option(parser)
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Import, with progress; exit code 1 when a line was refused."""
    catalog = chosen_catalog(options)
    migrations, secret = chosen_migrations(options), chosen_secret(options, settings, new=not options.file.exists())
    with open_database(options.file, user=options.user, catalog=catalog, migrations=migrations, **secret) as db:
        report = db.import_from(
            options.source,
            chosen_record(options, catalog),
            key=options.key,
            strict=options.strict,
            progress=_show if sys.stderr.isatty() else None,
        )
    if report.resumed:
        print("went on where an earlier import stopped")
    print(
        f"{report.added} added, {report.updated} updated, {report.same} the same, {report.kept} newer or archived here,"
        f" {report.bad_lines} refused"
    )
    for left in report.left_aside:
        named = ", ".join(left.names) + (", …" if left.count > len(left.names) else "")
        print(f"left aside: {left.count} {left.what} ({named})")
    for bad in report.bad:
        print(f"{bad.source}, line {bad.line}: {bad.reason}", file=sys.stderr)
    return 1 if report.bad_lines else 0


def _show(progress: Progress) -> None:
    percent = 100 * progress.done // max(1, progress.total)
    print(f"\r{progress.source}: {progress.lines} lines, {percent} %", end="", file=sys.stderr)
