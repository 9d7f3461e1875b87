"""The server as an ASGI application: `/rest/v1/rpc/<function>`, `/rest/v1/`, `/health`, `/live`, `/ready`; else 404."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bmaddb.clock import Clock, SystemClock
from bmaddb.server.answer import Problem, send_answer
from bmaddb.server.auth import TokenKeeper
from bmaddb.server.backend import Backend
from bmaddb.server.limits import Limits
from bmaddb.server.probes import Probes, ReadEndpoint
from bmaddb.server.rpc import RpcEndpoint
from bmaddb.server.walk import WALK_FUNCTION, WalkEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What a server needs to know: where Postgres is, its tokens' secret (32 bytes or more), its limits.

    `prepares=False` when a pooler between us and Postgres hands out another backend per transaction. `schema_mark`
    (`migrator.mark_of`) is what `/ready` looks for in the database; None does not look.
    """

    conninfo: str
    jwt_secret: bytes = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    prepares: bool = True
    schema_mark: str | None = None


def create_app(config: ServerConfig, *, clock: Clock | None = None) -> Starlette:
    """The application; it connects in its lifespan, and answers (503) also while Postgres is away."""
    backend = Backend(config.conninfo, config.limits, prepares=config.prepares)
    keeper = TokenKeeper(config.jwt_secret, clock or SystemClock())

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await backend.open()
        try:
            yield
        finally:
            await backend.close()

    probes = Probes(backend, schema_mark=config.schema_mark, ready_ms_max=config.limits.ready_ms_max)
    routes = [
        Route(f"/rest/v1/rpc/{WALK_FUNCTION}", WalkEndpoint(backend, keeper, config.limits, clock or SystemClock())),
        Route("/rest/v1/rpc/{name}", RpcEndpoint(backend, keeper, config.limits)),
        Route("/rest/v1/", ReadEndpoint(probes.status)),
        Route("/health", ReadEndpoint(probes.status)),
        Route("/live", ReadEndpoint(probes.live)),
        Route("/ready", ReadEndpoint(probes.ready)),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    app.router.default = _nowhere
    app.router.redirect_slashes = False
    app.state.backend = backend
    return app


async def _nowhere(scope: Scope, _receive: Receive, send: Send) -> None:
    """What no route knows."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    hint = "functions are at /rest/v1/rpc/<function>; tables are not offered over HTTP"
    answer = Problem(404, "PGRST125", "Invalid path specified in request URL", hint=hint).answer()
    await send_answer(answer, scope, send)
