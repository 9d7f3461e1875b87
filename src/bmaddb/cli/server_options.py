"""A file and the server that a command speaks with: the options, the file opened, a failure said to a person."""

from __future__ import annotations

import argparse
from pathlib import Path

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.cli.device_file import existing
from bmaddb.cli.unlocking import add_secret_options, chosen_secret
from bmaddb.protocol.outcomes import Failure
from bmaddb.service import Database, open_database
from bmaddb.settings import Settings


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Which file, which server, and who asks: all that `opened_with_server` reads."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the device's file")
    parser.add_argument("--url", required=True, help="address of the server")
    parser.add_argument("--token", help="token of the user whose file it is; others see it, unlike $BMADDB_TOKEN")
    parser.add_argument("--api-key", help="the anon key of a Supabase project")
    add_secret_options(parser)
    add_catalog_option(parser)
    add_migrations_option(parser)


def opened_with_server(options: argparse.Namespace, settings: Settings) -> Database:
    """The file, ready to speak with the server; SettingsError without a token."""
    existing(options.file)
    token = options.token or settings.token
    if not token:
        raise e.SettingsError(
            f"{options.command} needs the user's token", hint="set BMADDB_TOKEN, or give it as --token"
        )
    return open_database(
        options.file,
        catalog=chosen_catalog(options),
        migrations=chosen_migrations(options),
        url=options.url,
        token=token,
        api_key=options.api_key,
        **chosen_secret(options, settings),
    )


def told(failure: Failure | None) -> list[str]:
    """Why it stopped, and what to do; nothing when it did not."""
    if failure is None:
        return []
    lines = [f"stopped: {failure.message} [{failure.error_code}]"]
    return [*lines, f"what to do: {failure.hint}"] if failure.hint else lines
