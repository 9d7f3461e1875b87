"""`bmaddb schema`: the definition of every table, in the words of whoever asks."""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Callable
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
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
    parser.add_argument(
        "--catalog",
        metavar="MODULE:NAME",
        help="an application's own catalog, as 'package.module:CATALOG' (default: the twelve modules)",
    )


def run(options: argparse.Namespace, _settings: Settings) -> int:
    """Print it."""
    catalog = named_catalog(options.catalog) if options.catalog else default_catalog()
    print(FORMATS[options.format](catalog), end="")
    return 0


def named_catalog(path: str) -> Catalog:
    """The catalog an application keeps under `package.module:NAME`; SchemaError when it is not there."""
    module_name, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise e.SchemaError(f"no catalog at '{path}': {error}", hint="write package.module:NAME") from None
    if not isinstance(found, Catalog):
        raise e.SchemaError(f"'{path}' is not a Catalog", hint="make one with bmaddb.modules.registry")
    return found
