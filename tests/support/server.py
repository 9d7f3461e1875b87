"""The real ASGI application behind uvicorn, in a thread, on loopback: `with serve(database) as server`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from bmaddb.clock import Clock, SystemClock
from bmaddb.server.app import ServerConfig, create_app
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.limits import Limits
from bmaddb.server.run import open_socket, url_of
from tests.support.postgres import Database

SECRET = b"a secret of tests, long enough for HS256"
START_S_MAX = 20
USER = str(uuid.UUID(int=0xA11CE))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """A server that answers at `url`, on `database`; `http` is a client without a token."""

    url: str
    database: Database
    keeper: TokenKeeper
    http: httpx.Client

    def token(self, user: str = USER, *, role: str = "authenticated", expires_in_s: int = 3_600) -> str:
        """A token this server accepts."""
        return self.keeper.mint(user, role=role, expires_in_s=expires_in_s)

    def headers(self, user: str = USER, **more: str) -> dict[str, str]:
        """Request headers of `user`; keywords are more headers with `_` for `-`."""
        extra = {name.replace("_", "-"): value for name, value in more.items()}
        return {"authorization": f"Bearer {self.token(user)}", **extra}

    def rpc(self, name: str, arguments: Any = None, *, user: str | None = USER, **more: str) -> httpx.Response:
        """POST a call of function `name`; `user=None` sends no token."""
        headers = self.headers(user, **more) if user is not None else {k.replace("_", "-"): v for k, v in more.items()}
        return self.http.post(f"/rest/v1/rpc/{name}", json=arguments or {}, headers=headers)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets=sockets)
        finally:
            self.is_ready.set()


@contextlib.contextmanager
def serve(
    database: Database,
    *,
    limits: Limits | None = None,
    clock: Clock | None = None,
    prepares: bool = True,
    schema_mark: str | None = None,
) -> Iterator[RunningServer]:
    """Run the application on `database` for the length of the block."""
    config = ServerConfig(
        conninfo=database.login,
        jwt_secret=SECRET,
        limits=limits or Limits(),
        prepares=prepares,
        schema_mark=schema_mark,
    )
    app = create_app(config, clock=clock)
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="on"))
    with open_socket("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
        thread.start()
        assert server.is_ready.wait(START_S_MAX), "the server did not start"
        url = url_of(listener)
        try:
            with httpx.Client(base_url=url, timeout=30) as http:
                keeper = TokenKeeper(SECRET, clock or SystemClock())
                yield RunningServer(url=url, database=database, keeper=keeper, http=http)
        finally:
            server.should_exit = True
            thread.join(START_S_MAX)
    assert not thread.is_alive(), "the server did not stop"
