"""`bmaddb backup FILE TO`: a copy of a device's file, while it is in use."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_new_secret_options, add_secret_options, chosen_new_secret, chosen_secret
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "copy a device's file while it is in use, encrypted as the file is unless you say otherwise"


def configure(parser: argparse.ArgumentParser) -> None:
    """From where to where."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("to", type=Path, metavar="TO", help="the backup; nothing may be there yet")
    add_secret_options(parser)
    add_new_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Copy it, and say how large it is."""
    existing(options.file)
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    with open_database(
        options.file, catalog=catalog, migrations=migrations, **chosen_secret(options, settings)
    ) as database:
        database.backup(options.to, plain=options.plain, **chosen_new_secret(options, settings))
    print(f"{options.to}: {options.to.stat().st_size} bytes")
    return 0
