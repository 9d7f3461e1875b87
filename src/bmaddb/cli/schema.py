"""`bmaddb schema`: the definition of every table, in the words of whoever asks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, Final

from bmaddb.cli.catalogs import add_catalog_option, chosen_catalog
from bmaddb.schema import Catalog
from bmaddb.schema.document import schema_document
from bmaddb.schema.postgres_ddl import postgres_ddl
from bmaddb.schema.sqlite_ddl import create_all
from bmaddb.schema.watermelon import watermelon_schema
from bmaddb.settings import Settings

HELP = "print the schema: SQL of a device or of the server, a WatermelonDB schema, or everything as JSON"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


FORMATS: Final[dict[str, Callable[[Catalog], str]]] = {
    "sqlite": create_all,
    "postgres": postgres_ddl,
    "watermelondb": lambda catalog: _json(watermelon_schema(catalog)),
    "json": lambda catalog: _json(schema_document(catalog)),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """In which words, and of which catalog."""
    parser.add_argument("--format", required=True, choices=sorted(FORMATS), help="who is to read it")
    add_catalog_option(parser)


def run(options: argparse.Namespace, _settings: Settings) -> int:
    """Print it."""
    print(FORMATS[options.format](chosen_catalog(options)), end="")
    return 0
