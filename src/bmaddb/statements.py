"""Fixed SQL, kept in `.sql` files beside the room that runs it, as blocks headed `-- name: block_name`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

_HEAD = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(package: str, filename: str) -> Mapping[str, str]:
    """Read `filename` of `package` as a read-only mapping from block name to statement text."""
    text = resources.files(package).joinpath(filename).read_text(encoding="utf-8")
    parts = _HEAD.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{filename} names a block twice")
    return MappingProxyType({name: body.strip() for name, body in zip(names, bodies, strict=True)})


@cache
def read(package: str, filename: str) -> str:
    """The whole text of a `.sql` file, for scripts that are run as one piece."""
    return resources.files(package).joinpath(filename).read_text(encoding="utf-8")
