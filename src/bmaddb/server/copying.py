"""Rows out of Postgres by COPY, as many at a time as are asked for: what is not asked for stays in the socket.

Rules of this room: it never reads ahead, so a slow reader slows Postgres down and nothing grows; rows are gathered
on a worker thread, which waits for the socket in C (the event loop takes three times as long to wake for 8 KB);
nothing else touches the connection meanwhile, not even a cancellation; a connection whose COPY was left in the
middle is closed by whoever lent it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass

from psycopg import pq, waiting
from psycopg.waiting import Ready, Wait

from bmaddb.server.exchange import GatewayConnection, Refused, report_of

LOOK_UP_S = 0.5
"""How often a thread that waits for Postgres looks for signals."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Lines as COPY gave them, each with its line feed, in one piece; `last` is the last of them, `b""` for none."""

    text: bytes
    last: bytes
    ended: bool


class CopyOut:
    """One COPY ... TO STDOUT on a connection; `rows` gives them until it says that there are no more."""

    def __init__(self, connection: GatewayConnection) -> None:
        self._connection = connection

    async def begin(self, query: bytes) -> None:
        """Send the COPY. Raises Refused or psycopg's OperationalError."""
        await self._connection.wait(self._start(query))

    async def rows(self, rows_max: int, bytes_max: int) -> Rows:
        """The next rows up to a number or a size, at least one if there is one."""
        work = asyncio.ensure_future(asyncio.to_thread(self._rows, rows_max, bytes_max))
        try:
            return await asyncio.shield(work)
        finally:
            await asyncio.wait([work])

    def _rows(self, rows_max: int, bytes_max: int) -> Rows:
        lines: list[memoryview] = []
        ended = waiting.wait(self._gather(lines, rows_max, bytes_max), self._connection.fileno(), LOOK_UP_S)
        return Rows(b"".join(lines), bytes(lines[-1]) if lines else b"", ended)

    def _start(self, query: bytes) -> Generator[Wait, Ready | int, bool]:
        pgconn = self._connection.pgconn
        pgconn.send_query(query)
        while pgconn.flush():
            if (yield Wait.RW) & Ready.R:
                pgconn.consume_input()
        while pgconn.is_busy():
            yield Wait.R
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None or result.status != pq.ExecStatus.COPY_OUT:
            raise Refused(report_of(result), stale=False)
        return True

    def _gather(self, into: list[memoryview], rows_max: int, bytes_max: int) -> Generator[Wait, Ready | int, bool]:
        pgconn = self._connection.pgconn
        size = 0
        while len(into) < rows_max and size < bytes_max:
            length, line = pgconn.get_copy_data(1)
            if length > 0:
                into.append(line)
                size += length
            elif length == 0:
                yield Wait.R
                pgconn.consume_input()
            else:
                yield from self._end()
                return True
        return False

    def _end(self) -> Generator[Wait, Ready | int, None]:
        pgconn = self._connection.pgconn
        while True:
            while pgconn.is_busy():
                yield Wait.R
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                return
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise Refused(report_of(result), stale=False)
