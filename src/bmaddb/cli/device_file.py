"""The device's file a command is about."""

from __future__ import annotations

from pathlib import Path

from bmaddb import errors as e

_HINT = "name the file that bmaddb.open() was given"


def existing(path: Path) -> Path:
    """`path`, when there is a file with something in it; StoreError else, for opening would make a database of it."""
    if not path.is_file():
        raise e.StoreError(f"there is no file {path}", hint=_HINT)
    if not path.stat().st_size:
        raise e.StoreError(f"{path} is empty: no database", hint=_HINT)
    return path
