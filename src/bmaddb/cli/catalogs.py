"""The option `--catalog` of commands that need to know the tables."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from bmaddb import errors as e
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog


def add_catalog_option(parser: argparse.ArgumentParser) -> None:
    """Let the user name an application's own catalog."""
    parser.add_argument(
        "--catalog",
        metavar="MODULE:NAME",
        help="an application's own catalog, as 'package.module:CATALOG' (default: the twelve modules)",
    )


def chosen_catalog(options: argparse.Namespace) -> Catalog:
    """The catalog of the option, or the twelve modules; SchemaError when it is not there.

    The current folder is searched too, as `python -m` does.
    """
    if not options.catalog:
        return default_catalog()
    module_name, _, name = options.catalog.partition(":")
    sys.path.append(str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        hint = "write package.module:NAME"
        raise e.SchemaError(f"no catalog at '{options.catalog}': {error}", hint=hint) from None
    if not isinstance(found, Catalog):
        hint = "make one with bmaddb.modules.registry.catalog_with"
        raise e.SchemaError(f"'{options.catalog}' is not a Catalog", hint=hint)
    return found
