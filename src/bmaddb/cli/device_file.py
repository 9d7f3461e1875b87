"""The device's file a command is about."""

from __future__ import annotations

from pathlib import Path

from bmaddb import errors as e


def existing(path: Path) -> Path:
    """`path`, when there is a file; StoreError else, for opening would make one."""
    if not path.is_file():
        raise e.StoreError(f"there is no file {path}", hint="name the file that bmaddb.open() was given")
    return path
