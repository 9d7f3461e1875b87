"""`bmaddb rekey FILE`: another key or passphrase for a device's file, or none."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_new_secret_options, add_secret_options, chosen_new_secret, chosen_secret
from bmaddb.service import open_database
from bmaddb.settings import Settings

HELP = "encrypt a device's file, give it another key or passphrase, or (--plain) store it readable"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and with what from now on."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file; nobody else may have it open")
    add_secret_options(parser)
    add_new_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write it anew under the new secret."""
    existing(options.file)
    new = chosen_new_secret(options, settings)
    if not new and not options.plain:
        raise e.SettingsError("say what opens the file from now on", hint="--new-passphrase, or --plain for nothing")
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    with open_database(
        options.file, catalog=catalog, migrations=migrations, **chosen_secret(options, settings)
    ) as database:
        database.rekey(plain=options.plain, **new)
    print(f"{options.file}: " + ("stored readable" if options.plain else "encrypted anew"))
    return 0
