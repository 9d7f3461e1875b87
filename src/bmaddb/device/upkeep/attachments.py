"""The bytes of attachments that are uploaded: removed from the device; the row stays, and says where they are.

Rules of this room: only a regular file goes, whose size and hash are those of the bytes that were uploaded, and that no
row has still to upload; the file goes before its path does, so that what is cut in between leaves a path to nothing and
never a file nobody knows. One the system does not let go of stays, with its path, and holds up no other.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import apsw

from bmaddb import statements
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.policy import EvictAttachments
from bmaddb.device.upkeep.work import Work
from bmaddb.schema.rules import Scope

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")
_NEEDED = frozenset({"local_path", "upload_state", "byte_size", "sha256"})
_ANOTHER = "a file is not, byte for byte, the one that was uploaded, or cannot be read"
_HELD = "the system does not let a file be removed"
READ_BYTES = 1 << 20


def evict_attachments(work: Work, step: EvictAttachments) -> None:
    """In the order of their ids, which is the order in which they were made."""
    table = work.store.catalog.tables.get(step.table)
    if table is None or table.scope is not Scope.USER or not table.by_name.keys() >= _NEEDED:
        return
    at = ""
    while True:
        with work.store.read() as connection:
            query = _SQL["uploaded"].format(table=table.name)
            rows = connection.execute(query, (at, work.batch_rows)).fetchall()
        if not rows:
            return
        for row_id, path, size, sha256 in rows:
            if work.enough:
                return
            _evict(work, table.name, str(row_id), str(path), int(str(size)), str(sha256))
        at = str(rows[-1][0])


def _evict(work: Work, table: str, row_id: str, path: str, size: int, sha256: str) -> None:
    if _is(path, size, sha256) is None:  # no reason to hold up anybody
        work.tally.kept = _ANOTHER
        return
    with work.batch() as connection:
        if connection.execute(_SQL["waiting_among"], (table, stubs.listed([row_id]))).fetchone():
            return
        if _needed_by_another(connection, table, row_id, path, size):
            work.tally.kept = "another row has still to upload the same file"
            return
        found = _is(path, size, sha256)  # again: it may have been written while the lock was waited for
        if found is None:
            work.tally.kept = _ANOTHER
            return
        if found and not _removed(path):
            work.tally.kept = _HELD
            return
        connection.execute(_SQL["forget_path"].format(table=table), (row_id, path))
    work.tally.rows += 1
    work.attachment_bytes -= found


def _removed(path: str) -> bool:
    """Remove the file; False when it stays, as in a folder that may not be written or while another program has it."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _needed_by_another(connection: apsw.Connection, table: str, row_id: str, path: str, size: int) -> bool:
    """Does a row name this file, by whatever path, that the server does not have as uploaded?"""
    query = _SQL["to_upload"].format(table=table)
    others = (str(row[0]) for row in connection.execute(query, (row_id, path, size)))
    return any(other == path or _same_file(other, path) for other in others)


def _same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _is(path: str, size: int, sha256: str) -> int | None:
    """The size of the file that may go; 0 when there is none; None when it is unreadable, or not what was uploaded."""
    try:
        held = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(held.st_mode) or held.st_size != size:
        return None
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(READ_BYTES):
                digest.update(chunk)
    except OSError:
        return None
    return size if digest.hexdigest() == sha256 else None
