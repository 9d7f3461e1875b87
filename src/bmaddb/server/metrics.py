"""`/metrics`: how many requests of which function, how long, how they ended, and the pool; for whoever has the token.

Rules of this room: names are bounded, for anybody can ask for any; nothing of a request but its function and its
status is looked at; without a token in the settings there is no such address.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bmaddb import errors as e
from bmaddb.clock import Clock
from bmaddb.monitor.exposition import CONTENT_TYPE, Family, Sample, summary, text_of
from bmaddb.monitor.histogram import Histogram
from bmaddb.server.answer import Answer, Problem, send_answer
from bmaddb.server.backend import Backend

FUNCTIONS_MAX: Final = 64
OTHER: Final = "other"
TOKEN_BYTES_MIN: Final = 16
NO_ANSWER: Final = "none"
"""The status of a request whose client was gone before it was answered."""
_POOL: Final = {
    "pool_size": ("bmaddb_pool_connections", "Connections to Postgres."),
    "pool_available": ("bmaddb_pool_connections_idle", "Connections that nobody uses."),
    "requests_waiting": ("bmaddb_pool_requests_waiting", "Requests that wait for a connection."),
}


class Metrics:
    """The figures of one server. One event loop uses it."""

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._times: dict[str, Histogram] = {}
        self._ends: dict[tuple[str, str], int] = {}
        self._running = 0

    def metered(self, endpoint: ASGIApp, function: str | None = None) -> ASGIApp:
        """The endpoint, with its requests counted: under `function`, or the one of the path."""
        return _Metered(self, endpoint, function)

    async def meter(self, function: str, run: Callable[[Send], Awaitable[None]], send: Send) -> None:
        """Run one request and count it."""
        status = NO_ANSWER

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        began_ms = self._clock.monotonic_ms()
        self._running += 1
        try:
            await run(noting)
        finally:
            self._running -= 1
            self._ended(function, status, round((self._clock.monotonic_ms() - began_ms) * 1000))

    def text(self) -> str:
        """The page."""
        pool = self._backend.pool_stats()
        return text_of(
            [
                Family(
                    "bmaddb_requests_total",
                    "counter",
                    "Requests that ended, by function and status.",
                    [
                        Sample(count, {"function": function, "status": status})
                        for (function, status), count in sorted(self._ends.items())
                    ],
                ),
                Family(
                    "bmaddb_request_seconds",
                    "summary",
                    "How long requests took, since the server started.",
                    [
                        sample
                        for function, times in sorted(self._times.items())
                        for sample in summary(times, {"function": function})
                    ],
                ),
                Family("bmaddb_requests_running", "gauge", "Requests at work.", [Sample(self._running, {})]),
                *(Family(name, "gauge", said, [Sample(pool.get(key, 0), {})]) for key, (name, said) in _POOL.items()),
            ]
        )

    def _ended(self, function: str, status: str, took_us: int) -> None:
        # A name that is not known to the database gets a 404, and no place of its own here.
        known = function in self._times or (status != "404" and len(self._times) < FUNCTIONS_MAX)
        name = function if known else OTHER
        self._times.setdefault(name, Histogram()).add(took_us)
        self._ends[name, status] = self._ends.get((name, status), 0) + 1


class _Metered:
    """An endpoint whose requests are counted. (A class, for a router gives a function requests, and not ASGI.)"""

    def __init__(self, metrics: Metrics, endpoint: ASGIApp, function: str | None) -> None:
        self._metrics = metrics
        self._endpoint = endpoint
        self._function = function

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        function = self._function or scope["path_params"]["name"]
        await self._metrics.meter(function, lambda noting: self._endpoint(scope, receive, noting), send)


class MetricsEndpoint:
    """Shows the page to whoever has the token (`Authorization: Bearer ...`); 401 to anybody else."""

    def __init__(self, metrics: Metrics, token: str) -> None:
        if len(token.encode()) < TOKEN_BYTES_MIN:
            raise e.SettingsError(
                f"the token of /metrics has fewer than {TOKEN_BYTES_MIN} bytes", hint="`openssl rand -hex 32` makes one"
            )
        self._metrics = metrics
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("authorization", "").encode("latin-1", "replace")
        if scope["method"] not in ("GET", "HEAD"):
            answer = Problem(405, "PGRST117", "metrics are only read", headers=[("Allow", "GET, HEAD")]).answer()
        elif not hmac.compare_digest(given, self._wanted):
            challenge = [("WWW-Authenticate", "Bearer")]
            answer = Problem(401, "PGRST301", "metrics need their token", headers=challenge).answer()
        else:
            headers = [("Content-Type", CONTENT_TYPE), ("Cache-Control", "no-store")]
            answer = Answer(body=self._metrics.text().encode(), headers=headers)
        await send_answer(answer, scope, send)
