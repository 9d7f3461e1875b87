"""A disk whose power can be cut and that can fail: a SQLite VFS that knows what is durable and what is not.

    disk = PowerDisk(SeededEntropy(7))
    store = Store(path, catalog, ..., vfs=disk.name)
    disk.crash_at(120)              # or disk.cut(), at any moment, from any thread
    ...                             # every call of the disk fails from there on
    disk.power_on()                 # the same files, as a power cut may have left them
    store = Store(path, catalog, ..., vfs=disk.name)

What is assumed of the hardware is what SQLite assumes: a sync makes all earlier writes of that file durable,
and the file's name; the first sync of a new journal or log, the names of its whole folder; a write changes
nothing beside it. Everything else may be there or not: each sector with any of its unsynced writes, torn in
the middle too; a length that was changed; a file that was made or removed. A shared-memory file is gone.

One thing differs from a disk of its own: trouble during a checkpoint, about which SQLite keeps quiet, comes out
of the commit that set the checkpoint off, because apsw never hides an exception. That commit stands.

Rules of this room: nothing is really synced, for the page cache of the machine survives what is played here;
a file handle from before a cut stays dead for ever; chance comes from the entropy it was given.
"""

# ruff: noqa: N802 -- the methods of a VFS are called as SQLite calls them
from __future__ import annotations

import enum
import itertools
import os
import threading
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw

from bmaddb.entropy import Entropy
from bmaddb.testing.unsynced import Unsynced

SECTOR_BYTES: Final = 512
_SHARED_MEMORY: Final = "-shm"
_LOGS: Final = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL
_WRITING: Final = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
_NUMBERS: Final = itertools.count(1)
_EVERY_DISK: Final[list[PowerDisk]] = []
"""A connection nobody closed may be collected at any time, and needs its disk then: none is ever collected."""
Buffer: TypeAlias = Any


class Trouble(enum.Enum):
    """What a disk that is not dead can suffer from; each stays until `PowerDisk.heal`."""

    FULL = "no file can grow any more"
    READ = "reading fails"
    WRITE = "writing fails"
    SYNC = "syncing fails"
    READ_ONLY = "nothing can be written, made or removed"


class PowerDisk:
    """One disk, for any number of files; `name` is what `Store(vfs=...)` and `apsw.Connection(vfs=...)` take.

    `operations` counts writes, truncations, syncs and removals since the power went on: the indexes that
    `crash_at` takes. `sector_bytes` is the largest piece that reaches the disk as a whole, if not torn.
    """

    def __init__(self, entropy: Entropy, *, sector_bytes: int = SECTOR_BYTES, name: str | None = None) -> None:
        self.name = name or f"bmaddb-power-{next(_NUMBERS)}"
        self.operations = 0
        self.base = next(each for each in apsw.vfs_names() if not each.startswith(("multipleciphers", "bmaddb-")))
        self._entropy = entropy
        self._sector_bytes = sector_bytes
        self.lock = threading.RLock()
        self._life = 0
        self._dark = False
        self._crash_at: int | None = None
        self.troubles: set[Trouble] = set()
        self._free_bytes = 0
        self._files: dict[str, _OnDisk] = {}
        self._removed: dict[str, bytes] = {}
        self._vfs = _Vfs(self)
        _EVERY_DISK.append(self)

    # -- power ---------------------------------------------------------------------------------------------

    @property
    def dark(self) -> bool:
        """Is the power off?"""
        return self._dark

    def cut(self) -> None:
        """Power loss, now: every call fails until `power_on`, and the files become one legal outcome."""
        with self.lock:
            if self._dark:
                return
            self._dark = True
            self._life += 1
            for path, file in sorted(self._files.items()):
                self._settle(path, file)
            for path, content in sorted(self._removed.items()):
                if not os.path.exists(path) and self._entropy.fraction() < 1 / 2:
                    _put(path, content)
            self._files.clear()
            self._removed.clear()

    def crash_at(self, operation: int | None) -> None:
        """Cut when `operations` reaches this number, in the middle of that operation; None calls it off."""
        self._crash_at = operation

    def power_on(self) -> None:
        """The machine starts again: files can be opened anew; what was open before stays dead."""
        with self.lock:
            self.cut()
            self._dark = False
            self.operations = 0
            self._crash_at = None

    def reseed(self, entropy: Entropy) -> None:
        """Other chance from now on: one disk may serve many runs, each with a seed of its own."""
        self.heal()
        self._entropy = entropy

    # -- troubles ------------------------------------------------------------------------------------------

    def fail(self, trouble: Trouble, *, free_bytes: int = 0) -> None:
        """Suffer from `trouble` from now on; a FULL disk has `free_bytes` left for files that grow."""
        with self.lock:
            self.troubles.add(trouble)
            self._free_bytes = free_bytes

    def heal(self) -> None:
        """No more trouble."""
        self.troubles.clear()

    def close(self) -> None:
        """Give the name back; files that are open still work."""
        self._vfs.unregister()

    def __enter__(self) -> PowerDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- for the files -------------------------------------------------------------------------------------

    def opened(self, path: str, *, made: bool, log: bool) -> tuple[_OnDisk, int]:
        """The state of the file at `path`, and the life of the disk its handle belongs to."""
        with self.lock:
            file = self._files.get(path)
            if file is None:
                file = self._files[path] = _OnDisk(os.path.getsize(path), named=not made, log=log)
            file.handles += 1
            return file, self._life

    def closed(self, path: str, file: _OnDisk) -> None:
        with self.lock:
            file.handles -= 1
            if not file.handles and not file.unsynced.log and file.named and self._files.get(path) is file:
                del self._files[path]

    def check(self, life: int | None, *troubles: Trouble) -> None:
        """Raise when the power is off, the handle is from an earlier life, or there is such a trouble."""
        if self._dark or (life is not None and life != self._life):
            raise _io_error("the power is off", apsw.SQLITE_IOERR)
        if self.troubles:
            for trouble in troubles:
                if trouble in self.troubles:
                    raise _error_of(trouble)

    def step(self) -> None:
        """One more operation; the power may go off here."""
        self.operations += 1
        if self.operations == self._crash_at:
            self.cut()
            raise _io_error("the power is off", apsw.SQLITE_IOERR)

    def take(self, count: int) -> None:
        """A file grows; raises when the disk is full."""
        if Trouble.FULL in self.troubles:
            if count > self._free_bytes:
                raise _error_of(Trouble.FULL)
            self._free_bytes -= count

    def remove(self, path: str, *, durably: bool) -> None:
        """A file is about to be removed."""
        self.step()
        file = self._files.pop(path, None)
        if file is None or file.named:
            content = Path(path).read_bytes()
            self._removed[path] = content if file is None else bytes(file.unsynced.durable(content))
        if durably:
            self.names_are_durable(os.path.dirname(path))

    def names_are_durable(self, folder: str) -> None:
        for path in [path for path in self._removed if os.path.dirname(path) == folder]:
            del self._removed[path]
        for path, file in self._files.items():
            file.named = file.named or os.path.dirname(path) == folder

    def _settle(self, path: str, file: _OnDisk) -> None:
        if path.endswith(_SHARED_MEMORY) or not os.path.exists(path):
            return
        Path(path + _SHARED_MEMORY).unlink(missing_ok=True)
        if not file.named and self._entropy.fraction() < 1 / 2:
            os.unlink(path)
            return
        # A new inode: whoever still has the file open, or mapped, writes into the old one.
        _put(path, file.unsynced.outcome(Path(path).read_bytes(), self._entropy, self._sector_bytes))


class _OnDisk:
    """What is known of one file; shared by all who have it open."""

    __slots__ = ("handles", "log", "named", "unsynced")

    def __init__(self, size: int, *, named: bool, log: bool) -> None:
        self.unsynced = Unsynced(size)
        self.handles = 0
        self.named = named
        self.log = log


class _Vfs(apsw.VFS):
    """Opens files through the disk."""

    def __init__(self, disk: PowerDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, disk.base)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        self._disk.check(None, Trouble.READ)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return apsw.VFSFile(self._disk.base, name, flags)
        if Trouble.READ_ONLY in self._disk.troubles:
            flags[0] = flags[0] & ~_WRITING | apsw.SQLITE_OPEN_READONLY
        made = not os.path.exists(path)
        return _File(self._disk, path, name, flags, made=made)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        disk = self._disk
        with disk.lock:
            disk.check(None, Trouble.WRITE, Trouble.READ_ONLY)
            if os.path.exists(filename):
                disk.remove(filename, durably=syncdir)
            super().xDelete(filename, False)

    def xAccess(self, pathname: str, flags: int) -> bool:
        self._disk.check(None)
        return super().xAccess(pathname, flags)


class _File(apsw.VFSFile):
    """One open file. Unlocking and closing never fail: SQLite could not be told."""

    def __init__(self, disk: PowerDisk, path: str, name: Any, flags: list[int], *, made: bool) -> None:
        super().__init__(disk.base, name, flags)
        self._disk = disk
        self._path = path
        self._file, self._life = disk.opened(path, made=made, log=bool(flags[0] & _LOGS))

    def xRead(self, amount: int, offset: int) -> bytes:
        self._disk.check(self._life, Trouble.READ)
        return super().xRead(amount, offset)

    def xWrite(self, data: Buffer, offset: int) -> None:
        disk, unsynced = self._disk, self._file.unsynced
        with disk.lock:
            disk.check(self._life, Trouble.WRITE, Trouble.READ_ONLY)
            disk.take(max(0, offset + len(data) - unsynced.size))
            unsynced.write(offset, bytes(data), super().xRead)
            disk.step()
            super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        disk, unsynced = self._disk, self._file.unsynced
        with disk.lock:
            disk.check(self._life, Trouble.WRITE, Trouble.READ_ONLY)
            unsynced.truncate(newsize, super().xRead)
            disk.step()
            super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        disk, file = self._disk, self._file
        with disk.lock:
            disk.check(self._life, Trouble.SYNC)
            disk.step()
            file.unsynced.synced()
            if not file.named:
                file.named = True
                if file.log:
                    disk.names_are_durable(os.path.dirname(self._path))

    def xLock(self, level: int) -> None:
        self._disk.check(self._life)
        super().xLock(level)

    def xFileSize(self) -> int:
        self._disk.check(self._life)
        return super().xFileSize()

    def xClose(self) -> None:
        self._disk.closed(self._path, self._file)
        super().xClose()


def _put(path: str, content: bytes) -> None:
    """The file at `path` with this content, under an inode of its own."""
    Path(f"{path}-new").write_bytes(content)
    os.replace(f"{path}-new", path)


def _io_error(message: str, code: int) -> apsw.IOError:
    error = apsw.IOError(message)
    error.extendedresult = code  # type: ignore[attr-defined]
    return error


def _error_of(trouble: Trouble) -> apsw.Error:
    if trouble is Trouble.FULL:
        return apsw.FullError("database or disk is full")
    if trouble is Trouble.READ_ONLY:
        return apsw.ReadOnlyError("attempt to write a readonly database")
    codes = {
        Trouble.READ: apsw.SQLITE_IOERR_READ,
        Trouble.WRITE: apsw.SQLITE_IOERR_WRITE,
        Trouble.SYNC: apsw.SQLITE_IOERR_FSYNC,
    }
    return _io_error("disk I/O error", codes[trouble])
