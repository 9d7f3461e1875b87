"""The options `--catalog` and `--migrations` of commands that need to know the tables."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog, Record
from bmaddb.schema.evolution import Migration


def add_catalog_option(parser: argparse.ArgumentParser) -> None:
    """Let the user name an application's own catalog."""
    parser.add_argument(
        "--catalog",
        metavar="MODULE:NAME",
        help="an application's own catalog, as 'package.module:CATALOG' (default: the twelve modules)",
    )


def add_migrations_option(parser: argparse.ArgumentParser) -> None:
    """Let the user name the road from an older schema version to the catalog's."""
    parser.add_argument(
        "--migrations", metavar="MODULE:NAME", help="the catalog's migrations, as 'package.module:MIGRATIONS'"
    )


def add_table_option(parser: argparse.ArgumentParser) -> None:
    """Let the user name one table."""
    parser.add_argument("--table", help="only this table; a .jsonl or .csv file holds one")


def chosen_record(options: argparse.Namespace, catalog: Catalog) -> type[Record] | None:
    """The record of the option, or None."""
    return catalog.record(options.table) if options.table else None


def chosen_catalog(options: argparse.Namespace) -> Catalog:
    """The catalog of the option, or the twelve modules; SchemaError when it is not there."""
    if not options.catalog:
        return default_catalog()
    found = named(options.catalog)
    if not isinstance(found, Catalog):
        hint = "make one with bmaddb.modules.registry.catalog_with"
        raise e.SchemaError(f"'{options.catalog}' is not a Catalog", hint=hint)
    return found


def chosen_migrations(options: argparse.Namespace) -> tuple[Migration, ...]:
    """The migrations of the option, or none; SchemaError when they are not there."""
    if not options.migrations:
        return ()
    found = named(options.migrations)
    if not isinstance(found, list | tuple) or not all(isinstance(item, Migration) for item in found):
        raise e.SchemaError(f"'{options.migrations}' is not a list of Migration")
    return tuple(found)


def named(path: str) -> Any:
    """What an application keeps under `package.module:NAME`; the current folder is searched too."""
    module_name, _, name = path.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        return getattr(importlib.import_module(module_name), name)
    except e.BmadError:
        raise
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        hint = "write package.module:NAME"
        raise e.SchemaError(f"nothing at '{path}': {error}", hint=hint) from None
    except Exception as error:  # somebody else's module
        what = f"{type(error).__name__}: {error}"
        raise e.SchemaError(
            f"'{module_name}' cannot be imported: {what}", hint="import it in Python, and see where it fails"
        ) from error
