"""Rows out of Postgres by COPY, as many at a time as are asked for: what is not asked for stays in the socket.

Rules of this room: it never reads ahead, so a slow reader slows Postgres down and nothing grows; a connection
whose COPY was left in the middle is closed by whoever lent it.
"""

from __future__ import annotations

from collections.abc import Generator

from psycopg import pq
from psycopg.waiting import Ready, Wait

from bmaddb.server.exchange import GatewayConnection, Refused, report_of

Waiting = Generator[Wait, Ready | int, bool]


class CopyOut:
    """One COPY ... TO STDOUT on a connection; `lines` gives rows until it answers that there are no more."""

    def __init__(self, connection: GatewayConnection) -> None:
        self._connection = connection

    async def begin(self, query: bytes) -> None:
        """Send the COPY. Raises Refused or psycopg's OperationalError."""
        await self._connection.wait(self._start(query))

    async def lines(self, into: list[memoryview], rows_max: int, bytes_max: int) -> bool:
        """Add rows to `into` up to a number or a size, at least one if there is one; True at the end."""
        return await self._connection.wait(self._gather(into, rows_max, bytes_max))

    def _start(self, query: bytes) -> Waiting:
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

    def _gather(self, into: list[memoryview], rows_max: int, bytes_max: int) -> Waiting:
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
