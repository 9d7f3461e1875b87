"""`bmaddb schema`: the definition of every table, in the words of whoever asks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.cli.catalogs import add_catalog_option, add_migrations_option, chosen_catalog, chosen_migrations
from bmaddb.schema import Catalog
from bmaddb.schema.document import schema_document
from bmaddb.schema.evolution import Migration, check_migrations
from bmaddb.schema.postgres_ddl import postgres_ddl
from bmaddb.schema.sqlite_ddl import create_all
from bmaddb.schema.watermelon import watermelon_schema
from bmaddb.schema.watermelon_migrations import watermelon_migrations
from bmaddb.settings import Settings

HELP = "print the schema: SQL of a device or of the server, a WatermelonDB schema or its migrations, or all as JSON"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


FORMATS: Final[dict[str, Callable[[Catalog], str]]] = {
    "sqlite": create_all,
    "postgres": postgres_ddl,
    "watermelondb": lambda catalog: _json(watermelon_schema(catalog)),
    "json": lambda catalog: _json(schema_document(catalog)),
}
MIGRATIONS_FORMAT: Final = "watermelondb-migrations"
"""The only one that tells of other versions than the catalog's."""


def configure(parser: argparse.ArgumentParser) -> None:
    """In which words, and of which catalog."""
    formats = sorted((*FORMATS, MIGRATIONS_FORMAT))
    parser.add_argument("--format", required=True, choices=formats, help="who is to read it")
    add_catalog_option(parser)
    add_migrations_option(parser)


def run(options: argparse.Namespace, _settings: Settings) -> int:
    """Print it."""
    catalog, migrations = chosen_catalog(options), chosen_migrations(options)
    if options.format == MIGRATIONS_FORMAT:
        print(_migrations(migrations, catalog), end="")
        return 0
    if migrations:
        raise e.SettingsError("a schema is of one version", hint=f"--migrations goes with --format {MIGRATIONS_FORMAT}")
    print(FORMATS[options.format](catalog), end="")
    return 0


def _migrations(migrations: Sequence[Migration], catalog: Catalog) -> str:
    check_migrations(migrations, catalog)
    return _json(watermelon_migrations(migrations, catalog))
