"""`bmaddb conflicts`: what was decided between two devices on a file, and the other way round if a person says so."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.modules.sync_status import SyncConflict
from bmaddb.service import Database, open_database
from bmaddb.settings import Settings

HELP = "show what was decided where two devices changed the same, or overturn it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Which file, and what to overturn."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the file of a device")
    parser.add_argument("--all", action="store_true", help="every verdict that is kept, not only the open ones")
    parser.add_argument(
        "--overturn", metavar="ID", help="let the side of --choose stand; it is pushed by the next sync"
    )
    parser.add_argument("--choose", choices=("mine", "theirs"), help="mine: what this device had")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print them, or overturn one and print that."""
    if (options.overturn is None) != (options.choose is None):
        raise e.SettingsError("--overturn and --choose go together")
    existing(options.file)
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    secret = chosen_secret(options, settings)
    with open_database(options.file, catalog=catalog, migrations=migrations, **secret) as db:
        if options.overturn is not None:
            print(_told(db.overturn(options.overturn, choose=options.choose)))
        else:
            _print_all(db, open_only=not options.all)
    return 0


def _print_all(db: Database, *, open_only: bool) -> None:
    found = db.conflicts(open_only=open_only)
    for conflict in found:
        print(_told(conflict))
    if not found:
        print("nothing to look at; --all shows what was decided without you" if open_only else "no conflicts")


def _told(conflict: SyncConflict) -> str:
    what = f"{conflict.table_name} {conflict.row_id}"
    column = "the whole row" if conflict.column_name is None else conflict.column_name
    state = "look" if conflict.needs_attention else f"by {conflict.resolved_by}"
    lines = [f"{conflict.id}  {conflict.detected_at:%Y-%m-%d %H:%M}Z  {what}: {column}  [{conflict.policy}; {state}]"]
    sides = {
        "base": conflict.base_value,
        "mine": conflict.local_value,
        "theirs": conflict.remote_value,
        "stands": conflict.resolved_value,
    }
    if conflict.column_name is None:
        del sides["base"]
    return "\n".join([*lines, *(f"  {name:<7} {_value(conflict, value)}" for name, value in sides.items())])


def _value(conflict: SyncConflict, value: Any) -> str:
    if value is None and conflict.column_name is None:
        return "deleted"
    return json.dumps(value, ensure_ascii=False)
