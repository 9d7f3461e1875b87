"""`bmaddb serve`: a server on this machine, with a Postgres of its own or a given one."""

from __future__ import annotations

import argparse
import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bmaddb import errors as e
from bmaddb.cli.catalogs import (
    add_catalog_option,
    add_migrations_option,
    chosen_catalog,
    chosen_migrations,
    named,
)
from bmaddb.entropy import SystemEntropy
from bmaddb.settings import DATA_DEFAULT, Settings, port_of

if TYPE_CHECKING:
    from bmaddb.server.handlers import Handlers

HELP = "run the server: prints 'ready URL' once it can serve, stops cleanly on SIGTERM or Ctrl-C"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where to listen and where the data is."""
    parser.add_argument("--port", help="TCP port; 0 takes a free one (default: $BMADDB_PORT or 8642)")
    parser.add_argument("--host", help="address to listen on (default: $BMADDB_HOST or 127.0.0.1, this machine only)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--data", type=Path, metavar="DIR", help=f"folder of the embedded Postgres {DATA_DEFAULT}")
    where.add_argument(
        "--database-url", metavar="URL", help="use this Postgres instead (default: $BMADDB_DATABASE_URL)"
    )
    add_catalog_option(parser)
    add_migrations_option(parser)
    parser.add_argument(
        "--handlers",
        metavar="MODULE:NAME",
        help="what the server does for devices in Python, as 'package.module:HANDLERS'",
    )
    parser.add_argument(
        "--pooler",
        action="store_true",
        help="the URL leads to a pooler in transaction mode: prepare no statements",
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Serve until a signal says stop."""
    try:
        from bmaddb.server import run as server
        from bmaddb.server.app import ServerConfig
        from bmaddb.server.auth import secret_of
        from bmaddb.server.migrator import mark_of
    except ModuleNotFoundError as missing:
        hint = "pip install 'bmaddb[server,embedded]'"
        raise e.ServerError(f"the server needs the package {missing.name}", hint=hint) from missing
    port = port_of(options.port) if options.port is not None else settings.port
    data_dir = options.data or settings.data_dir
    secret = secret_of(data_dir, settings.jwt_secret, SystemEntropy())
    with (
        server.stops_on_signals(),
        server.open_socket(options.host or settings.host, port) as listener,
        _database(options, settings, data_dir) as conninfo,
    ):
        mark = mark_of(chosen_catalog(options))
        config = ServerConfig(
            conninfo=conninfo,
            jwt_secret=secret,
            prepares=not options.pooler,
            schema_mark=mark,
            metrics_token=settings.metrics_token,
        )
        server.serve(config, listener, lambda url: print(f"ready {url}", flush=True), _handlers(options))
    return 0


def _handlers(options: argparse.Namespace) -> Handlers | None:
    """The handlers of the option, or none; SettingsError when they are not there."""
    from bmaddb.server.handlers import Handlers

    if not options.handlers:
        return None
    found = named(options.handlers)
    if not isinstance(found, Handlers):
        hint = "make them with bmaddb.server.handlers.Handlers"
        raise e.SettingsError(f"'{options.handlers}' is not a Handlers", hint=hint)
    return found


@contextlib.contextmanager
def _database(options: argparse.Namespace, settings: Settings, data_dir: Path) -> Iterator[str]:
    """The given Postgres with our schema installed, or an embedded one that runs during the block."""
    from bmaddb.server import run as server

    install = functools.partial(
        server.install_schema, catalog=chosen_catalog(options), migrations=chosen_migrations(options)
    )
    url = options.database_url or (settings.database_url if options.data is None else None)
    if url is None:
        with server.embedded_database(data_dir, install) as conninfo:
            yield conninfo
    else:
        install(url)
        yield url
