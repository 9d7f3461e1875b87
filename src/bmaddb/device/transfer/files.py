"""Reading bytes with their place: files, and members of a ZIP."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, TypeAlias

from bmaddb import errors as e

_BLOCK_BYTES: Final = 1 << 20
Opener: TypeAlias = Callable[[], IO[bytes]]


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What the system says of a file becomes a StoreError."""
    try:
        yield
    except OSError as error:
        raise e.StoreError(f"{path} cannot be read: {error.strerror}", hint="check the path") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise e.StoreError(f"{path} is no whole ZIP: {error}", hint="get it again") from error
    except NotImplementedError as error:  # a way to compress, or a version, that Python does not know
        raise e.StoreError(
            f"{path} cannot be unpacked here: {error}", hint="unpack it, and import what is in it"
        ) from error


def digest(open_it: Opener) -> tuple[str, int]:
    """SHA-256 in hex, and how many bytes."""
    found, size = hashlib.sha256(), 0
    with open_it() as file:
        while block := file.read(_BLOCK_BYTES):
            found.update(block)
            size += len(block)
    return found.hexdigest(), size
