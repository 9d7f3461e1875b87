"""What supervisors ask: `/live` (does this process answer?) and `/ready` (may requests be sent to it?).

Rules of this room: a probe needs no token and gives away nothing but states; `/live` asks nobody, so that a server
whose Postgres is away is not restarted for it; `/ready` has its answer within a named time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import metadata
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bmaddb.monitor.health import WELL, Finding, State, worst
from bmaddb.server.answer import Answer, Problem, preflight, send_answer
from bmaddb.server.backend import Backend

READ_METHODS: Final = "OPTIONS, GET, HEAD"
_NO_STORE: Final = ("Cache-Control", "no-store")


class ReadEndpoint:
    """An address that is only read; `ask` gives the answer."""

    def __init__(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS":
            answer = preflight(Headers(scope=scope), READ_METHODS)
        elif scope["method"] not in ("GET", "HEAD"):
            message = f"Unsupported HTTP method: {scope['method']}"
            answer = Problem(405, "PGRST117", message, headers=[("Allow", READ_METHODS)]).answer()
        else:
            answer = await self._ask()
        await send_answer(answer, scope, send)


class Probes:
    """The probes of one server. `schema_mark` is what a database it serves carries (`migrator.mark_of`), or None."""

    def __init__(self, backend: Backend, *, schema_mark: str | None, ready_ms_max: int) -> None:
        self._backend = backend
        self._mark = schema_mark
        self._ready_ms_max = ready_ms_max

    async def live(self) -> Answer:
        """200: the process answers."""
        return _told("live", 200)

    async def status(self) -> Answer:
        """Whether Postgres answers: 200 `ready`, or 503 `unavailable`."""
        alive = await self._backend.is_alive()
        return _told("ready", 200) if alive else _told("unavailable", 503)

    async def ready(self) -> Answer:
        """200 `ready` when Postgres answers and holds the schema this server needs; else 503 `unavailable`, and why."""
        checks = await self._look()
        failing = worst(finding.state for finding in checks.values()) is State.FAILING
        told = [
            {"name": name, "state": finding.state, "reason": finding.reason, "remedy": finding.remedy}
            for name, finding in checks.items()
        ]
        return _told("unavailable" if failing else "ready", 503 if failing else 200, checks=told)

    async def _look(self) -> dict[str, Finding]:
        try:
            async with asyncio.timeout(self._ready_ms_max / 1000):
                found = await self._backend.schema_mark()
        except TimeoutError:
            return {"postgres": _failing(f"it did not answer within {self._ready_ms_max} ms", "is it overloaded?")}
        except Problem as problem:
            return {"postgres": _failing(problem.message, "is it running, and is its address right?")}
        return {"postgres": WELL} | ({} if self._mark is None else {"schema": _schema(found, self._mark)})


def _schema(found: str, wanted: str) -> Finding:
    """Does the database hold what this server needs? A newer one is served: it speaks the older words too."""
    if found == wanted:
        return WELL
    version, ours = _version(found), _version(wanted)
    if version is None:
        return _failing("no schema of bmaddb is in the database", "start the server with a user who may install it")
    if ours is not None and version < ours:
        return _failing(f"the database has schema version {version}, this server needs {ours}", "run the migrations")
    reason = f"the schema (version {version}) was installed by another edition of this program or catalog"
    return Finding(state=State.DEGRADED, reason=reason, remedy="let all servers be of the newest edition")


def _version(mark: str) -> int | None:
    """The version in a mark, `bmaddb VERSION FINGERPRINT`."""
    words = mark.split()
    right = len(words) == 3 and words[0] == "bmaddb" and words[1].isdecimal()
    return int(words[1]) if right else None


def _failing(reason: str, remedy: str) -> Finding:
    return Finding(state=State.FAILING, reason=reason, remedy=remedy)


def _told(status: str, code: int, **more: Any) -> Answer:
    body = {"status": status, "version": metadata.version("bmaddb"), **more}
    return Answer(status=code, body=msgspec.json.encode(body), headers=[_NO_STORE])
