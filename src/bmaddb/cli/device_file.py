"""The device's file a command is about."""

from __future__ import annotations

from pathlib import Path

from bmaddb import errors as e

_HINT = "name the file that bmaddb.open() was given"


def existing(path: Path) -> Path:
    """`path`, when there is a file with something in it; StoreError else, for opening would make a database of it."""
    try:
        size = path.stat().st_size if path.is_file() else None
    except (OSError, ValueError) as error:
        raise e.StoreError(f"{str(path)!r} cannot be looked at: {error}", hint=_HINT) from None
    if size is None:
        raise e.StoreError(f"there is no file {path}", hint=_HINT)
    if not size:
        raise e.StoreError(f"{path} is empty: no database", hint=_HINT)
    return path


def shown(name: str) -> str:
    """A table's name for a terminal: another program may have given the file any."""
    return name if name.isprintable() else ascii(name)
