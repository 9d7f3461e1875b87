"""`bmaddb health`: every component of a device's database, healthy, degraded or failing, with reasons and remedies."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.monitor.health import CheckHealth, ComponentHealth, State, worst
from bmaddb.service import open_database
from bmaddb.service.health import as_json, lines
from bmaddb.settings import Settings

HELP = "say how healthy a device's database is; exit code 0 healthy, 1 degraded, 2 failing"
EXITS: Final = {State.HEALTHY: 0, State.DEGRADED: 1, State.FAILING: 2}


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and what opens it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Look, print, and answer how bad it is; one that cannot be looked at is failing, whatever the reason."""
    try:
        secret = chosen_secret(options, settings)
        catalog, migrations = chosen_catalog(options), chosen_migrations(options)
        path = existing(options.file)
        with open_database(path, catalog=catalog, migrations=migrations, **secret) as database:
            components = database.health().components
    except e.BmadError as error:
        components = (_shut(error),)
    print(json.dumps(as_json(components), indent=2) if options.json else "\n".join(lines(components)))
    return EXITS[worst(component.state for component in components)]


def _shut(error: e.BmadError) -> ComponentHealth:
    reason = f"[{error.code}] {error.message}"
    opens = CheckHealth(name="opens", state=State.FAILING, reason=reason, remedy=error.hint or "")
    return ComponentHealth(component="database", checks=(opens,))
