"""Opening the SQLite file: one connection that writes, one for each thread that reads.

Rules of this room: every connection is set up here, the same way; a reader is opened read-only, so nothing
that goes through it can write.
"""

from __future__ import annotations

import contextlib
import os
from threading import get_ident
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import apsw

from bmaddb import errors as e
from bmaddb.device.store import meta
from bmaddb.device.store.cipher import FileKey, Secret, key_of_file, new_file_key, read_head, unlock
from bmaddb.device.store.failures import failure
from bmaddb.entropy import Entropy

if TYPE_CHECKING:
    from ctypes import c_int

Durability: TypeAlias = Literal["full", "normal"]
STATEMENTS_CACHED_MAX: Final = 512
BUSY_WAIT_MS_MAX: Final = 15_000
CACHE_KIB: Final = 16_384
WAL_KEPT_BYTES_MAX: Final = 64 * 1024 * 1024
_SYNCHRONOUS: Final[dict[str, str]] = {"full": "FULL", "normal": "NORMAL"}


def open_writer(path: str, durability: Durability, key: FileKey | None, vfs: str | None = None) -> apsw.Connection:
    """The connection that writes, in WAL mode, through the VFS of that name; makes the file when there is none."""
    if durability not in _SYNCHRONOUS:
        raise e.StoreError(f"no durability '{durability}'", hint="'full' (default) or 'normal'")
    if vfs is None:
        _claim(path)
        _refuse_a_lost_head(path)
    connection = _opened(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, key, vfs)
    try:
        _look(connection)
        # Can be said before the first page is written, and not again. Not of an encrypted file: see copies.py.
        if key is None and not connection.pragma("page_count"):
            connection.pragma("auto_vacuum", "INCREMENTAL")
        connection.pragma("journal_mode", "WAL")
        connection.pragma("journal_size_limit", WAL_KEPT_BYTES_MAX)
        connection.pragma("synchronous", _SYNCHRONOUS[durability])
        connection.pragma("foreign_keys", True)
    except (apsw.Error, e.BmadError) as error:
        connection.close(True)
        raise failure(error) from error
    return connection


def _claim(path: str) -> None:
    """A file that is new is its owner's alone, and so are the logs, which SQLite makes as open as the file.

    It is made under another name: to close it here would drop the locks of a thread that has just opened it. Where
    there are no hard links it is as open as the system makes files.
    """
    if os.path.lexists(path):
        return
    made = f"{path}-new-{os.getpid()}-{get_ident()}"
    with contextlib.suppress(OSError):  # there is one by now, or SQLite will say why there can be none
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            os.link(made, path)
        finally:
            os.unlink(made)


def _refuse_a_lost_head(path: str) -> None:
    """SQLite would throw the log of an empty file away, and with it all there is."""
    with contextlib.suppress(OSError):
        if os.path.getsize(path) == 0 and os.path.getsize(f"{path}-wal") > 0:
            raise e.StoreCorrupt("the file is empty, and its log is not", hint="`bmaddb salvage` reads what is there")


def _look(connection: apsw.Connection) -> None:
    """Before a byte is written: StoreError for a backup, and for a database of another program."""
    known = connection.pragma("application_id")
    if known == meta.APPLICATION_ID:
        return
    if known == meta.BACKUP_ID:
        raise e.StoreError("the file is a backup", hint="bmaddb.restore(backup, path) makes a file to work with")
    if meta.holds_tables(connection):
        # Who closes a file last folds its log into it: of another program's file that is not ours to do.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        raise e.StoreError("the file is a database of another program", hint="choose another path")


def open_with_secret(
    path: str, durability: Durability, secret: Secret | None, entropy: Entropy, vfs: str | None = None
) -> tuple[apsw.Connection, FileKey | None]:
    """The connection that writes, and the key its file opens with; a new file is encrypted when there is a secret.

    WrongKey for an encrypted file and another secret or none, or for a plain file and a secret.
    """
    if secret is None:
        try:
            return open_writer(path, durability, None, vfs), None
        except e.StoreCorrupt:
            key_of_file(read_head(path, vfs), None)  # is it encrypted?
            raise
    head = read_head(path, vfs)
    if head:
        key = key_of_file(head, secret)
        return open_writer(path, durability, key, vfs), key
    made = new_file_key(secret, entropy)
    try:
        return open_writer(path, durability, made, vfs), made
    except e.StoreCorrupt:
        if read_head(path, vfs) in (b"", made.head):
            raise
    # Another process made the file in the meantime, under a salt of its own.
    key = key_of_file(read_head(path, vfs), secret)
    return open_writer(path, durability, key, vfs), key


def open_reader(path: str, key: FileKey | None, vfs: str | None = None) -> apsw.Connection:
    """A connection that can only read."""
    return _opened(path, apsw.SQLITE_OPEN_READONLY, key, vfs)


def open_part(path: str, key: FileKey | None, vfs: str | None = None) -> apsw.Connection:
    """A connection to a copy that nobody knows of yet: without a journal, for what fails there is thrown away."""
    connection = _opened(path, apsw.SQLITE_OPEN_READWRITE, key, vfs)
    connection.pragma("journal_mode", "MEMORY")
    return connection


class Place:
    """Does the path still lead to the file that a connection has open? SQLite itself would write on."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._answer: c_int | None = None
        self._address = 0

    @property
    def lost(self) -> bool:
        """Was the file moved, replaced or deleted? False where the system cannot tell."""
        answer = self._ready() if self._answer is None else self._answer
        self._connection.file_control("main", apsw.SQLITE_FCNTL_HAS_MOVED, self._address)
        return bool(answer.value)

    def _ready(self) -> c_int:
        """With the first write, for ctypes takes its time to load and a reader needs it never."""
        import ctypes

        self._answer = answer = ctypes.c_int(0)
        self._address = ctypes.addressof(answer)
        return answer


def checked_path(path: str | os.PathLike[str]) -> str:
    """`path` as absolute text without links, so that all who open one file name its locks alike.

    StoreError for what is no file of its own.
    """
    if not isinstance(path, str | os.PathLike):
        raise e.StoreError(f"{path!r} is not a path of a file", hint="text, or a pathlib.Path")
    text = os.fspath(path)
    if not text or text.startswith((":", "file:")) or "\0" in text:
        raise e.StoreError(f"'{text}' is not a path of a file", hint="a device store lives in a file")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise e.StoreError(f"{text!r} is not UTF-8", hint="SQLite takes no other names of files") from None
    return os.path.realpath(text)


def _opened(path: str, flags: int, key: FileKey | None, vfs: str | None) -> apsw.Connection:
    try:
        # URI: `VACUUM INTO` is told the key of a copy in its address.
        flags |= apsw.SQLITE_OPEN_URI
        connection = apsw.Connection(path, flags=flags, vfs=vfs, statementcachesize=STATEMENTS_CACHED_MAX)
    except apsw.Error as error:
        raise failure(error) from error
    try:
        if flags & apsw.SQLITE_OPEN_READWRITE and connection.readonly("main"):
            raise e.StoreError(f"{path} is read-only", hint="a device store must be able to write")
        connection.set_busy_timeout(BUSY_WAIT_MS_MAX)
        if key is not None:
            unlock(connection, key)
        _harden(connection)
        connection.pragma("schema_version")  # reads the first page: a wrong key or a strange file shows here
    except (apsw.Error, e.BmadError) as error:
        connection.close(True)
        raise failure(error) from error
    return connection


def _harden(connection: apsw.Connection) -> None:
    """Text in double quotes is never a value; a damaged page is noticed; a schema can call nothing unsafe."""
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.pragma("cell_size_check", True)
    connection.pragma("cache_size", -CACHE_KIB)
    connection.pragma("temp_store", "MEMORY")
