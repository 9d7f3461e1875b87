"""Python handlers of requests: what an application's server does for a user when a device asks for it.

    handlers = Handlers()

    @handlers.handle("mail.send")
    async def send(request: Request) -> Any:
        await post_office.send(request.payload, idempotency_key=request.key)
        return {"sent": True}

Rules of this room: the answer is stored in the transaction in which the handler ran, so what a handler writes through
`request.connection` has its effect exactly once. What it does elsewhere can be done and its answer lost: it is asked
again then, with a higher `attempt` and the same key, which belongs into the call to the other service.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from bmaddb import errors as e
from bmaddb.protocol.requests import KIND_PATTERN


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as its handler gets it.

    `payload` is the JSON value of the device. `attempt` counts from 1; before a higher one there were others, of which
    nothing is left in the database. `connection` is inside the transaction, as the user, under row-level security;
    `set local role service_role` gives it the rights of the server. It commits when the handler returns.
    """

    user: str
    kind: str
    key: str
    payload: Any
    attempt: int
    connection: AsyncConnection[TupleRow]


Handler: TypeAlias = Callable[[Request], Awaitable[Any]]
"""Returns the answer, a JSON value. Raises RequestRefused for what it will not do; anything else is tried again."""


class Handlers:
    """Handlers by kind. A kind that is not here goes to the SQL functions of `bmad_sync.handle_requests`."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def handle(self, kind: str) -> Callable[[Handler], Handler]:
        """Let the decorated coroutine function carry out requests of this kind.

        Raises SettingsError for a kind that is none, or has a handler already.
        """
        if not re.fullmatch(KIND_PATTERN, kind):
            raise e.SettingsError(f"'{kind}' is no kind of request", hint="1 to 64 of a-z 0-9 _ . -, a letter first")
        if kind in self._handlers:
            raise e.SettingsError(f"requests of the kind '{kind}' have a handler already")

        def keep(handler: Handler) -> Handler:
            self._handlers[kind] = handler
            return handler

        return keep

    def find(self, kind: str) -> Handler | None:
        """The handler of this kind, or None."""
        return self._handlers.get(kind)
