"""The server as an ASGI application: `/rest/v1/rpc/<function>`, `/rest/v1/`, `/health`; all else is a 404."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import metadata

import msgspec
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bmaddb.clock import Clock, SystemClock
from bmaddb.server.answer import Answer, Problem, preflight, send_answer
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.backend import Backend
from bmaddb.server.handlers import Handlers
from bmaddb.server.limits import Limits
from bmaddb.server.operations import OperationEndpoint
from bmaddb.server.walk import WALK_FUNCTION, WalkEndpoint

READ_METHODS = "OPTIONS, GET, HEAD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What a server needs to know: where Postgres is, its tokens' secret (32 bytes or more), its limits.

    `prepares=False` when a pooler between us and Postgres hands out another backend per transaction.
    """

    conninfo: str
    jwt_secret: bytes = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    prepares: bool = True


def create_app(config: ServerConfig, *, clock: Clock | None = None, handlers: Handlers | None = None) -> Starlette:
    """The application; it connects in its lifespan, and answers (503) also while Postgres is away.

    `handlers`: what it does for devices in Python; SQL functions need none.
    """
    backend = Backend(config.conninfo, config.limits, prepares=config.prepares)
    keeper = TokenKeeper(config.jwt_secret, clock or SystemClock())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await backend.open()
        try:
            yield
        finally:
            await backend.close()

    routes = [
        Route(f"/rest/v1/rpc/{WALK_FUNCTION}", WalkEndpoint(backend, keeper, config.limits, clock or SystemClock())),
        Route("/rest/v1/rpc/{name}", OperationEndpoint(backend, keeper, config.limits, handlers or Handlers())),
        Route("/rest/v1/", _Status(backend)),
        Route("/health", _Status(backend)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.default = _nowhere
    app.router.redirect_slashes = False
    app.state.backend = backend
    return app


class _Status:
    """Says the version and whether Postgres answers: 200 `ready`, or 503 `unavailable`."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            answer = preflight(Headers(scope=scope), READ_METHODS)
        elif scope["method"] not in ("GET", "HEAD"):
            message = f"Unsupported HTTP method: {scope['method']}"
            answer = Problem(405, "PGRST117", message, headers=[("Allow", READ_METHODS)]).answer()
        else:
            alive = await self._backend.is_alive()
            body = {"status": "ready" if alive else "unavailable", "version": metadata.version("bmaddb")}
            answer = Answer(status=200 if alive else 503, body=msgspec.json.encode(body))
        await send_answer(answer, scope, send)


async def _nowhere(scope: Scope, _receive: Receive, send: Send) -> None:
    """What no route knows."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    hint = "functions are at /rest/v1/rpc/<function>; tables are not offered over HTTP"
    answer = Problem(404, "PGRST125", "Invalid path specified in request URL", hint=hint).answer()
    await send_answer(answer, scope, send)
