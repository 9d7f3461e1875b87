"""`bmaddb salvage FILE`: after damage, a new file in the place of the old one, with what can be read of it."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import shown
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.service import salvage
from bmaddb.settings import Settings

HELP = "set a damaged file aside and make a new one of what can be read; the next sync brings the rest"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, whose, and what it opens with."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the damaged file; nothing may have it open")
    parser.add_argument("--user", metavar="UUID", help="whose file it is, if that can no longer be read")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Do it, and say what was found and where to doubt."""
    secret = chosen_secret(options, settings)
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    found = salvage(options.file, catalog=catalog, migrations=migrations, user=options.user, **secret)
    print(f"{options.file}: {found.rows} rows and {found.entries} waiting entries were read")
    print(f"the damaged file is {found.aside}: keep it until a sync has brought the rest")
    if found.unread:
        print(f"a part could not be read of: {', '.join(found.unread)}; what a server has comes with the next sync")
    if found.undeclared:
        print(f"left in it: {', '.join(map(shown, found.undeclared))}, which the catalog does not declare")
        print(f"  (where an application does: put {found.aside} back, and salvage it with --catalog MODULE:NAME)")
    return 0
