"""The bytes of attachments that are uploaded: removed from the device; the row stays, and says where they are.

Rules of this room: only a regular file goes, whose size and hash are those of the bytes that were uploaded; the file
goes before its path does, so that what is cut in between leaves a path to nothing and never a file nobody knows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from bmaddb import statements
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.policy import EvictAttachments
from bmaddb.device.upkeep.work import Work
from bmaddb.schema.rules import Scope

_SQL = statements.load("bmaddb.device.upkeep", "sql/upkeep.sql")
_NEEDED = frozenset({"local_path", "upload_state", "byte_size", "sha256"})
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
    found = _is(path, size, sha256)
    if found is None:
        work.tally.kept = "a file is not, byte for byte, the one that was uploaded"
        return
    with work.batch() as connection:
        if connection.execute(_SQL["waiting_among"], (table, stubs.listed([row_id]))).fetchone():
            return
        if found:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        connection.execute(_SQL["forget_path"].format(table=table), (row_id, path))
    work.tally.rows += 1
    work.attachment_bytes -= found


def _is(path: str, size: int, sha256: str) -> int | None:
    """The size of the file that may go; 0 when there is none at all; None when it is another than was uploaded."""
    try:
        held = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return 0
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(held.st_mode) or held.st_size != size:
        return None
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(READ_BYTES):
            digest.update(chunk)
    return size if digest.hexdigest() == sha256 else None
