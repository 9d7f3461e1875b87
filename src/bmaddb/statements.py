"""Fixed SQL, kept in `.sql` files beside the room that runs it, as blocks headed `-- name: block_name`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import ResourceLoader

_HEAD = "\n-- name: "


@cache
def load(package: str, filename: str) -> Mapping[str, str]:
    """Read `filename` of `package` as a read-only mapping from block name to statement text."""
    _, *parts = f"\n{read(package, filename)}".split(_HEAD)
    blocks = {name: body.strip() for name, _, body in (part.partition("\n") for part in parts)}
    if len(blocks) != len(parts):
        raise ValueError(f"{package}/{filename} names a block twice")
    return MappingProxyType(blocks)


@cache
def read(package: str, filename: str) -> str:
    """The whole text of a `.sql` file, for scripts that are run as one piece."""
    # The loader of the package itself: `importlib.resources` takes longer to import than all files to read.
    module = import_module(package)
    place = os.path.join(module.__path__[0], *filename.split("/"))
    return _loader(module).get_data(place).decode()


def _loader(module: ModuleType) -> ResourceLoader:
    loader = None if module.__spec__ is None else module.__spec__.loader
    if not hasattr(loader, "get_data"):
        raise ValueError(f"the files of {module.__name__} cannot be read")
    return cast("ResourceLoader", loader)
