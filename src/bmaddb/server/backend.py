"""The way to Postgres: a pool of connections, transactions in one round trip, the index of functions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import psycopg
import psycopg_pool
from psycopg import pq
from psycopg.pq.abc import PGresult
from psycopg.rows import dict_row

from bmaddb import statements
from bmaddb.server.answer import Problem
from bmaddb.server.auth import ROLES
from bmaddb.server.exchange import GatewayConnection, Refused, Statement, exchange
from bmaddb.server.functions import SCHEMA, FunctionIndex, index_of
from bmaddb.server.limits import Limits

RECONNECT_S_MAX: Final = 5.0
PROBE_S_MAX: Final = 2
CONNECT_S_MAX: Final = 10
LISTEN_RETRY_S: Final = 2.0
RETRY_AFTER_S: Final = 1

_SQL = statements.load("bmaddb.server", "gateway.sql")
_log = logging.getLogger("bmaddb.server")


class Backend:
    """Everything the server asks of Postgres. `prepares=False` behind a pooler in transaction mode."""

    def __init__(self, conninfo: str, limits: Limits, *, prepares: bool = True) -> None:
        self._conninfo = conninfo
        self._limits = limits
        self._prepares = prepares
        self._index: FunctionIndex | None = None
        self._reading: asyncio.Task[FunctionIndex] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._pool = psycopg_pool.AsyncConnectionPool(
            conninfo,
            connection_class=GatewayConnection,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_S_MAX, "application_name": "bmaddb"},
            min_size=limits.pool_connections_min,
            max_size=limits.pool_connections_max,
            max_waiting=limits.requests_max,
            timeout=limits.pool_wait_ms_max / 1000,
            reconnect_timeout=RECONNECT_S_MAX,
            configure=self._configure,
            open=False,
        )

    async def open(self) -> None:
        """Start connecting; does not wait for Postgres to be there."""
        await self._pool.open()
        self._listener = asyncio.create_task(self._listen())

    async def close(self) -> None:
        """Give all connections back."""
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await self._pool.close()

    async def run(self, transaction: Sequence[Statement]) -> list[PGresult]:
        """Send the statements of one transaction; one result each. Raises Refused, or a Problem 503/504."""
        try:
            return await self._run_once(transaction)
        except Refused as refused:
            if not refused.stale:
                raise
        return await self._run_once(transaction)

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncIterator[GatewayConnection]:
        """A connection for a longer talk; one that comes back in the middle of something is closed."""
        connection = await self._take()
        try:
            yield connection
        except psycopg.OperationalError as lost:
            raise _no_database("PGRST001", "the connection to the database was lost", lost) from lost
        finally:
            if connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                connection.pgconn.finish()
            await self._pool.putconn(connection)

    async def is_alive(self) -> bool:
        """Whether Postgres answers just now."""
        try:
            await self.run([Statement(_SQL["alive"].encode())])
        except (Problem, Refused):
            return False
        return True

    async def schema_mark(self) -> str:
        """What the installer wrote on the database (`migrator.mark_of`); "" when nothing is installed.

        Raises a Problem when Postgres cannot be asked.
        """
        try:
            [result] = await self.run([Statement(_SQL["schema_mark"].encode())])
        except Refused as refused:
            raise Problem(503, "PGRST001", "the database refused a simple question", headers=_RETRY) from refused
        return (result.get_value(0, 0) or b"").decode("utf-8", "replace")

    async def index(self, *, fresh: bool = False) -> FunctionIndex:
        """The functions on offer; `fresh` reads them again, once for all who ask at the same moment."""
        if self._index is not None and not fresh:
            return self._index
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_index())
        self._index = await asyncio.shield(self._reading)
        return self._index

    def forget_index(self) -> None:
        """The functions changed: read them again before the next call."""
        self._index = None

    async def _configure(self, connection: GatewayConnection) -> None:
        connection.prepared = {} if self._prepares else None

    async def _run_once(self, transaction: Sequence[Statement]) -> list[PGresult]:
        connection = await self._take()
        try:
            return await exchange(connection, transaction)
        except psycopg.OperationalError as lost:
            raise _no_database("PGRST001", "the connection to the database was lost", lost) from lost
        finally:
            await self._pool.putconn(connection)

    async def _take(self) -> GatewayConnection:
        """A connection that lives: those that died waiting (Postgres restarted) are thrown away."""
        try:
            for _ in range(self._limits.pool_connections_max + 1):
                connection = await self._pool.getconn()
                if _lives(connection):
                    return connection
                await self._pool.putconn(connection)
        except psycopg_pool.TooManyRequests as full:
            raise Problem(503, "PGRST003", "too many requests wait for the database", headers=_RETRY) from full
        except psycopg_pool.PoolTimeout as late:
            await self._probe()
            raise Problem(504, "PGRST003", "no database connection became free in time") from late
        except psycopg_pool.PoolClosed as closed:
            raise Problem(503, "PGRST001", "the server is stopping", headers=_RETRY) from closed
        raise Problem(503, "PGRST001", "the connections to the database were lost", headers=_RETRY)

    async def _probe(self) -> None:
        """Tell a busy pool from an absent database."""
        try:
            probe = await psycopg.AsyncConnection.connect(self._conninfo, connect_timeout=PROBE_S_MAX)
        except psycopg.OperationalError as absent:
            raise _no_database("PGRST000", "the database cannot be reached", absent) from absent
        await probe.close()

    async def _read_index(self) -> FunctionIndex:
        connection = await self._take()
        try:
            return await _read_index(connection)
        except psycopg.Error as lost:
            raise _no_database("PGRST002", "the functions could not be read from the database", lost) from lost
        finally:
            await self._pool.putconn(connection)

    async def _listen(self) -> None:
        """Forget the index when somebody says `notify pgrst`, and whenever we may have missed that."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await connection.execute(_SQL["listen"])
                    self.forget_index()
                    async for _ in connection.notifies():
                        self.forget_index()
            except psycopg.Error as lost:
                _log.debug("not listening for schema changes: %s", lost)
            await asyncio.sleep(LISTEN_RETRY_S)


_RETRY: Final = (("Retry-After", str(RETRY_AFTER_S)),)


async def _read_index(connection: GatewayConnection) -> FunctionIndex:
    about: dict[str, Any] = {"schema": SCHEMA, "roles": sorted(ROLES)}
    async with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["quiet_search_path"], prepare=False)
        await cursor.execute(_SQL["functions"], about, prepare=False)
        functions = await cursor.fetchall()
        settings = await connection.execute(_SQL["role_settings"], about, prepare=False)
        return index_of(functions, await settings.fetchall())


def _lives(connection: GatewayConnection) -> bool:
    """An idle connection has nothing to say; if it does, it is its death (or a notice, which is read)."""
    pgconn = connection.pgconn
    try:
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        while pgconn.status == pq.ConnStatus.OK and poll.poll(0):
            pgconn.consume_input()  # first the farewell, then the end of the stream, which raises
    except psycopg.OperationalError:
        pgconn.finish()
    return pgconn.status == pq.ConnStatus.OK


def _no_database(code: str, message: str, cause: Exception) -> Problem:
    return Problem(503, code, message, details=str(cause).strip() or None, headers=_RETRY)
