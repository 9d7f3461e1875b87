"""Rows of a page as SQLite reads them, made from their JSON text: on a connection of their own, ahead of the writing.

Rules of this room: it touches no file and knows no table; a row never becomes a Python object. SQLite lets the
interpreter go while it parses, so one page is parsed while another is written.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.protocol.messages import PullAnswer, TablePage
from bmaddb.protocol.stamps import is_stamp

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
_STAMPED = (("hlc", "newest_stamp"), ("stamps", "newest_column_stamp"))


@dataclass(frozen=True, slots=True)
class ParsedRows:
    """An array of rows as JSONB, how many they are, and the newest stamps among them."""

    jsonb: bytes
    count: int
    stamps: tuple[str, ...]


def parse(connection: apsw.Connection, part: TablePage) -> ParsedRows:
    """Parse the rows of a table's part of a page, on any connection. RemoteProtocolError for what are none."""
    try:
        [(rows, count)] = connection.execute(_SQL["parse_rows"], (bytes(part.rows).decode(),))
    except (apsw.SQLError, UnicodeDecodeError) as error:
        raise e.RemoteProtocolError(f"the rows of {part.table} cannot be read: {error}") from error
    if not isinstance(rows, bytes) or not count:
        return ParsedRows(b"", 0, ())
    found = (
        connection.execute(_SQL[block], (rows, part.columns.index(name))).fetchone()
        for name, block in _STAMPED
        if name in part.columns
    )
    stamps = tuple(row[0] for row in found if row is not None and isinstance(row[0], str) and is_stamp(row[0]))
    return ParsedRows(rows, int(count), stamps)


class Parser:
    """Parses pages on a connection in memory and a thread of its own: the worker of the loop is writing meanwhile."""

    def __init__(self) -> None:
        self._connection = apsw.Connection(":memory:")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bmaddb-sync-parse")

    async def parts(self, page: PullAnswer) -> tuple[ParsedRows, ...]:
        """The parts of a page, in their order."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._parts, page)

    def close(self) -> None:
        """Let the thread end with the page it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _parts(self, page: PullAnswer) -> tuple[ParsedRows, ...]:
        return tuple(parse(self._connection, part) for part in page.tables)
