"""How requests end, and what ends with them; each call stands inside a transaction, signals come after it."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import apsw
import msgspec

from bmaddb import signals, statements
from bmaddb.device.requests import reasons
from bmaddb.device.requests.reasons import RequestReason
from bmaddb.device.store import Store

_SQL = statements.load("bmaddb.device.requests", "sql/requests.sql")


class Endings:
    """Writes endings and remembers whom to tell; `tell` when the transaction is durable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: list[signals.Signal] = []

    def done(self, connection: apsw.Connection, request_id: str, kind: str, answer: str) -> None:
        """The server did it."""
        self._finish(connection, request_id, kind, "done", None, answer)

    def dead(self, connection: apsw.Connection, request_id: str, kind: str, reason: RequestReason) -> None:
        """It will not be done, unless a person sends it again."""
        self._finish(connection, request_id, kind, "dead", reason, None)
        self._told.append(signals.RequestDead(id=request_id, kind=kind, code=reason.code, message=reason.message))

    def cancelled(self, connection: apsw.Connection, request_id: str, kind: str, reason: RequestReason | None) -> None:
        """Somebody withdrew it in time."""
        self._finish(connection, request_id, kind, "cancelled", reason, None)

    def bury_behind(self, connection: apsw.Connection) -> None:
        """What needs a dead or cancelled request is dead too, and what needs that."""
        doomed = {str(row[0]) for row in connection.execute(_SQL["doomed_needs"])}
        if doomed:
            # One pass is enough: what a request needs was there before it.
            for request_id, kind, needs in _rows(connection, "waiting_with_needs"):
                blamed = _first(needs, doomed)
                if blamed is not None:
                    doomed.add(request_id)
                    self.dead(connection, request_id, kind, reasons.depends_on(blamed))

    def bury_after_entries(self, connection: apsw.Connection, entry_ids: frozenset[str]) -> None:
        """The outbox entries were given up: what was to come after them has lost its ground."""
        for request_id, kind, needs in _rows(connection, "waiting_with_needs"):
            blamed = _first(needs, entry_ids)
            if blamed is not None:
                self.dead(connection, request_id, kind, reasons.discarded(blamed))

    def tell(self, teller: Callable[[signals.Signal], None] | None = None) -> None:
        """Emit what was remembered, or hand it to `teller`, who emits it later."""
        told, self._told = self._told, []
        for signal in told:
            (teller or self._store.signals.emit)(signal)

    def _finish(
        self,
        connection: apsw.Connection,
        request_id: str,
        kind: str,
        status: str,
        reason: RequestReason | None,
        answer: str | None,
    ) -> None:
        text = None if reason is None else reasons.written(reason)
        connection.execute(_SQL["finish"], (request_id, status, text, answer, self._store.clock.now_ms()))
        self._told.append(signals.RequestEnded(id=request_id, kind=kind, status=status))


def died_with(connection: apsw.Connection, request_id: str) -> list[str]:
    """The dead requests whose only fault is that they need this one, or one of them; oldest first."""
    freed = {request_id}
    found: list[str] = []
    for dead_id, _, text in connection.execute(_SQL["dead_with_needs"]):
        reason = reasons.read(text)
        if reason is not None and reason.code == reasons.DEPENDS and reason.request in freed:
            freed.add(dead_id)
            found.append(dead_id)
    return found


def _rows(connection: apsw.Connection, block: str) -> list[tuple[Any, ...]]:
    """All of them before the first is written."""
    return connection.execute(_SQL[block]).fetchall()


def _first(needs: str, among: Container[str]) -> str | None:
    return next((need for need in msgspec.json.decode(needs, type=list[str]) if need in among), None)
