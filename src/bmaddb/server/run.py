"""The server as a process: a socket, Postgres (embedded or given), schema, uvicorn; undone on a signal."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import psycopg
import psycopg.conninfo
import uvicorn

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.modules.registry import default_catalog
from bmaddb.schema import Catalog
from bmaddb.schema.evolution import Migration
from bmaddb.server import migrator
from bmaddb.server.app import ServerConfig, create_app
from bmaddb.server.embedded import EmbeddedPostgres
from bmaddb.server.handlers import Handlers

HEAD_BYTES_MAX: Final = 64 * 1024
KEEP_ALIVE_S_MAX: Final = 30
BACKLOG_MAX: Final = 512
DATABASE: Final = "bmaddb"
LOGIN_ROLE: Final = "authenticator"

_SQL = statements.load("bmaddb.server", "gateway.sql")


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket on `host`; port 0 takes a free one. ServerError when the address cannot be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # the protocol is named because asyncio sends small answers without delay only on sockets that name it
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG_MAX)
    except (OSError, OverflowError) as cause:
        hint = "another program has the port: choose another --port, or 0 for a free one"
        raise e.ServerError(f"cannot listen on {host}:{port}: {cause}", hint=hint) from cause
    return listener


def url_of(listener: socket.socket) -> str:
    """`http://host:port` of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    return f"http://{shown}:{port}"


def install_schema(conninfo: str, catalog: Catalog | None = None, migrations: Sequence[Migration] = ()) -> None:
    """Bring roles, schema, functions and catalogue data up to date with `catalog` (the twelve modules).

    ServerError when `conninfo` (a URL, or keys and values) makes no sense, the database is not reached, or refuses.
    """
    try:
        psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError as cause:
        hint = "write it as postgresql://user:password@host:port/database"
        raise e.ServerError(f"the database URL makes no sense: {_first_line(cause)}", hint=hint) from cause
    try:
        with psycopg.connect(conninfo) as connection:
            migrator.install(connection, catalog or default_catalog(), migrations)
    except psycopg.OperationalError as cause:
        hint = "is it running, and is the --database-url right?"
        raise e.ServerError(f"cannot reach the database: {_first_line(cause)}", hint=hint) from cause
    except psycopg.Error as cause:
        hint = "the user of the database URL must own the database or may create schemas and roles in it"
        raise e.ServerError(f"cannot install the schema: {_first_line(cause)}", hint=hint) from cause


@contextlib.contextmanager
def embedded_database(data_dir: Path, install: Callable[[str], None] = install_schema) -> Iterator[str]:
    """Run the Postgres of `data_dir` with its schema; gives the conninfo clients' requests go through."""
    with EmbeddedPostgres(data_dir) as postgres:
        create_database(postgres.conninfo, DATABASE)
        install(postgres.conninfo_of(DATABASE))
        yield postgres.conninfo_of(DATABASE, user=LOGIN_ROLE)


def create_database(conninfo: str, dbname: str) -> None:
    """Make database `dbname` and the login role `authenticator` where missing (superuser's `conninfo`)."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(_SQL["create_login_role"].encode())
        if connection.execute(_SQL["database_exists"], {"dbname": dbname}).fetchone() is None:
            create = psycopg.sql.SQL(_SQL["create_database"]).format(psycopg.sql.Identifier(dbname))
            connection.execute(create)


def serve(
    config: ServerConfig, listener: socket.socket, on_ready: Callable[[str], None], handlers: Handlers | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` gets the URL once requests are answered.

    A signal ends it: no new requests, those in flight end (within `shutdown_ms_max`), the pool closes.
    """
    uvicorn_config = uvicorn.Config(
        create_app(config, handlers=handlers),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S_MAX,
        timeout_graceful_shutdown=max(1, config.limits.shutdown_ms_max // 1000),
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
    )
    asyncio.run(_Server(uvicorn_config, lambda: on_ready(url_of(listener))).serve([listener]))


@contextlib.contextmanager
def stops_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGINT into an orderly end of the block, also while Postgres is being prepared."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except _Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stopped(BaseException):
    """A signal asked us to end."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _Stopped


class _Server(uvicorn.Server):
    """uvicorn, except that it tells when it is ready and leaves the signal's meaning to us."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if not self.should_exit:
            self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)  # the rest of the way down is short

    def _end(self) -> None:
        self.force_exit = self.should_exit  # the second signal does not wait for requests
        self.should_exit = True


def _first_line(cause: Exception) -> str:
    return (str(cause).strip().splitlines() or ["(no reason given)"])[0]
