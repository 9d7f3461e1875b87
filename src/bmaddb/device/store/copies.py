"""Whole copies of the file: a backup beside it, a restored one, or the same file under another key.

Rules of this room: a copy has its name only when it is complete and on the disk; before that it is a part, which
nobody opens. Where a copy takes the place of a file, nobody else has that open, and a kill or a power cut at any
moment leaves the one or the other, whole.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store.cipher import FileKey, address
from bmaddb.device.store.connection import open_part
from bmaddb.device.store.failures import failure
from bmaddb.entropy import Entropy

_SQL: Final = statements.load("bmaddb.device.store", "sql/copies.sql")
_LOGS: Final = ("-wal", "-journal")
_REKEYED: Final = "-rekeyed"
_BESIDE: Final = (*_LOGS, "-shm", _REKEYED, "-sync", "-sagas")
"""What SQLite and this house keep beside a file that is open."""
Finish = Callable[[apsw.Connection], None]


def copy_to(source: apsw.Connection, path: str, key: FileKey | None, entropy: Entropy, finish: Finish) -> None:
    """What `source` sees of its file, as a new file at `path` encrypted with `key`; writers go on meanwhile.

    `finish` may change the copy before it gets its name. StoreError when there is something at `path` already,
    SettingsError when SQLite or this house would take what is there for its own, StoreCorrupt when the source cannot be
    read to its end; then there is no copy.
    """
    refuse_what_is_there(path)
    refuse_own_files(source.filename, path)
    with part_of_copy(f"{path}-part-{entropy.random_bytes(4).hex()}", like=source.filename) as part:
        _fill(source, part, key, finish)
        refuse_what_is_there(path)
        os.replace(part, path)
    sync_folder(path)


def replace_file(writer: apsw.Connection, key: FileKey | None) -> None:
    """Put a copy under `key` in the place of the file that `writer` has open; `writer` is of no use afterwards.

    StoreBusy when somebody else has the file open.
    """
    path = os.path.realpath(writer.filename)
    _be_alone(writer, path)
    with part_of_copy(path + _REKEYED, like=path) as part:
        _fill(writer, part, key, lambda _: None)
        # A log that came back after a power cut would be taken for one of the new file.
        sync_folder(path)
        os.replace(part, path)
    sync_folder(path)


def remove_leftover(path: str) -> None:
    """A rekey that was killed may have left its part; whoever has the file open in WAL mode knows that none runs."""
    _remove(os.path.realpath(path) + _REKEYED)


def refuse_what_is_there(path: str) -> None:
    """StoreError unless the path is free, for a file and for the logs a file of this name would take for its own."""
    for suffix in ("", *_LOGS):
        if os.path.lexists(path + suffix):
            raise e.StoreError(f"there is a file {path}{suffix} already", hint="move it away, or choose another name")


def refuse_own_files(own: str, *paths: str | os.PathLike[str]) -> None:
    """SettingsError when one of `paths`, to be written, leads to the open file at `own` or to one kept beside it."""
    taken = [name + suffix for name in (own, os.path.realpath(own)) for suffix in ("", *_BESIDE)]
    for path in paths:
        if os.path.realpath(path) in taken or any(_is_same(path, mine) for mine in taken):
            raise e.SettingsError(f"{path} is the database itself, or a file beside it", hint="choose another name")


def _is_same(path: str | os.PathLike[str], mine: str) -> bool:
    """By another name: a link, or another case where that is no difference."""
    try:
        return os.path.samefile(path, mine)
    except OSError:
        return False


def _be_alone(writer: apsw.Connection, path: str) -> None:
    """Take the file for this connection alone, everything in it and no log beside it."""
    try:
        writer.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        alone = writer.pragma("journal_mode", "DELETE") == "delete"
        if alone:
            writer.pragma("locking_mode", "EXCLUSIVE")
            writer.execute(_SQL["take_alone"])
            writer.execute(_SQL["commit"])
            # Somebody may have come and gone in between, and left the file in WAL mode again.
            alone = writer.pragma("journal_mode") == "delete"
            # Pages read in WAL mode would pass for today's: what others committed in that mode since moved no counter
            # of the file, and the copy would be made without it.
            writer.pragma("shrink_memory")
    except apsw.BusyError:
        alone = False
    if not alone:
        raise e.StoreBusy("the file is open elsewhere", hint="close it in other processes and threads, and try again")

    if any(os.path.exists(path + suffix) for suffix in _LOGS):
        raise e.StoreError("the file has a log that does not go away", hint="open and close it, then try again")


def _fill(source: apsw.Connection, part: str, key: FileKey | None, finish: Finish) -> None:
    try:
        if key is not None:
            # SQLite3 Multiple Ciphers writes a malformed copy of a file that vacuums by increments, if it is larger
            # than the page cache. Of a file with tables this is only said to the next copy.
            source.pragma("auto_vacuum", "NONE")
        refused = _vacuum_into(source, part, key)
        if refused is not None:
            raise refused
        copy = open_part(part, key)
        try:
            finish(copy)
            [(said,)] = copy.execute(_SQL["faults"])
        finally:
            copy.close(True)
    except apsw.Error as error:
        raise failure(error) from error
    if said != "ok":
        raise e.StoreCorrupt(f"the file is damaged: {said}", hint="bmaddb.service.salvage keeps what can be read")
    sync_file(part)


def _vacuum_into(source: apsw.Connection, part: str, key: FileKey | None) -> e.BmadError | None:
    """The error to raise, made here and raised elsewhere: SQLite's own holds the address, and with that the key."""
    try:
        source.execute(_SQL["copy"], (address(part, key),))
    except apsw.Error as error:
        return failure(type(error)(f"{type(error).__name__} while {part} was written"))
    return None


@contextlib.contextmanager
def part_of_copy(path: str, *, like: str) -> Iterator[str]:
    """An empty file, owned and as open to others as the file `like`; it is gone at the end unless it was renamed.

    It can be written by its owner, also when `like` is kept from that.
    """
    try:
        _remove(path)
        owned = os.stat(like)
        mode = stat.S_IMODE(owned.st_mode) | stat.S_IRUSR | stat.S_IWUSR
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
        with contextlib.suppress(OSError, AttributeError):  # an administrator must not lock its owner out
            os.chown(path, owned.st_uid, owned.st_gid)
        yield path
    except OSError as error:
        raise e.StoreError(f"the copy cannot be written: {error.strerror}", hint="check its folder and disk") from error
    finally:
        _remove(path)


def _remove(path: str) -> None:
    """Remove a part, if there is one, and the journal it was written with."""
    for suffix in ("", *_LOGS):
        with contextlib.suppress(OSError):
            os.unlink(path + suffix)


def sync_file(path: str) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: str) -> None:
    """Make names durable; where a folder cannot be opened, the system does it by itself."""
    with contextlib.suppress(OSError):
        handle = os.open(os.path.dirname(path), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
