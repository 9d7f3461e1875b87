"""`bmaddb export FILE TO`: everything of the user as one ZIP, or one table as JSON Lines or CSV."""

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
from bmaddb.cli.device_file import existing, shown
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "write everything of a device's file to a ZIP, or one table to .jsonl or .csv"


def configure(parser: argparse.ArgumentParser) -> None:
    """From where, to where, and what."""
    parser.add_argument("file", type=Path, help="the device's file")
    parser.add_argument("to", type=Path, help="the ZIP, .jsonl or .csv to write")
    add_table_option(parser)
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write it, and say that it is not encrypted."""
    catalog = chosen_catalog(options)
    file, migrations, secret = existing(options.file), chosen_migrations(options), chosen_secret(options, settings)
    with open_database(file, catalog=catalog, migrations=migrations, **secret) as db:
        report = db.export(options.to, chosen_record(options, catalog))
    print(options.to)
    for table, count in report.only_on_server.items():
        print(f"not in it: {count} archived rows of {table}, which only the server has", file=sys.stderr)
    if report.undeclared:
        print(
            f"not in it: {', '.join(map(shown, report.undeclared))}, which the catalog does not declare",
            file=sys.stderr,
        )
        print("  (where an application does, --catalog MODULE:NAME brings them in)", file=sys.stderr)
    if report.oddities:
        print(f"{report.oddities} values are written as the file holds them, and may not be taken:", file=sys.stderr)
    for odd in report.odd:
        print(f"  {odd.table} {odd.id}: {odd.column or 'its note is left out'}", file=sys.stderr)
    print("it is not encrypted: keep it where only you can read it", file=sys.stderr)
    return 0
