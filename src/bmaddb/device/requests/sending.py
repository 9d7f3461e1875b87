"""What the sync does with the queue: plan a run, let a request leave, write down what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from bmaddb import errors as e
from bmaddb import signals, statements
from bmaddb.device.outbox.outbox import FENCE
from bmaddb.device.requests import reasons
from bmaddb.device.requests.ends import Endings
from bmaddb.device.requests.plan import Plan, Waiting
from bmaddb.device.requests.queue import RequestQueue
from bmaddb.device.requests.reasons import RequestReason
from bmaddb.protocol.requests import RequestAnswer, RequestCall
from bmaddb.schema.json_text import canonical_json

MISSED_MS_MAX = 60_000
"""After a call without an answer: the network may be back at any moment."""
_SQL = statements.load("bmaddb.device.requests", "sql/requests.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A request that leaves now."""

    id: str
    kind: str
    call: RequestCall


class Sending:
    """The sync's side of one queue. Every change is fenced: only the run that holds the file's lease makes it."""

    def __init__(self, queue: RequestQueue) -> None:
        self._queue = queue
        self._store = queue.store

    def plan(self) -> Plan:
        """What may leave now, in order; first ends what is late, and what needs what is dead."""
        now_ms = self._store.clock.now_ms()
        with self._store.read() as connection:
            rows = connection.execute(_SQL["open"]).fetchall()
        if not rows:
            return Plan((), (), now_ms)
        with self._edit() as (connection, endings):
            late: list[tuple[Any, ...]] = connection.execute(_SQL["late"], (now_ms,)).fetchall()
            for request_id, kind, status in late:
                if status == "sent":
                    connection.execute(_SQL["withdraw"], (request_id, reasons.written(reasons.late())))
                else:
                    endings.dead(connection, request_id, kind, reasons.late())
            endings.bury_behind(connection)
            unsettled = {str(row[0]) for row in connection.execute(_SQL["open_entries"])}
            waiting = [_waiting(row) for row in connection.execute(_SQL["open"])]
        return Plan(waiting, unsettled, now_ms)

    def leave(self, request_id: str, left: int) -> Leaving | None:
        """Note durably that it may have left; None when it is over since the plan was made."""
        # Under durability "normal" a power cut could take the note back, and `cancel` would promise too much.
        with self._edit(durable=True) as (connection, _):
            row = connection.execute(_SQL["leave"], (request_id,)).fetchone()
        if row is None:
            return None
        kind, key, payload, round_, withdrawn = row
        self._store.signals.emit(signals.RequestSent(id=request_id, kind=kind, left=left))
        call = RequestCall(
            kind=kind,
            key=key,
            payload=msgspec.Raw(payload.encode()),
            user=self._store.user,
            round=round_,
            withdraw=bool(withdrawn),
        )
        return Leaving(id=request_id, kind=kind, call=call)

    def settle(self, leaving: Leaving, answer: RequestAnswer) -> None:
        """The server answered: the request is over."""
        with self._edit() as (connection, endings):
            [(_, _, _, _, withdrawn, text)] = connection.execute(_SQL["standing"], (leaving.id,))
            reason = reasons.read(text) if withdrawn else None
            if answer.status == "done":
                endings.done(connection, leaving.id, leaving.kind, _kept(answer.result))
            elif answer.error is not None:
                endings.dead(connection, leaving.id, leaving.kind, reasons.of_rejection(answer.error))
            elif reason is not None:  # it was withdrawn for its deadline, or its attempts
                endings.dead(connection, leaving.id, leaving.kind, reason)
            else:
                other = None if withdrawn else reasons.elsewhere()
                endings.cancelled(connection, leaving.id, leaving.kind, other)

    def refuse(self, leaving: Leaving, reason: RequestReason) -> None:
        """The server does not take the request as it is."""
        with self._edit() as (connection, endings):
            endings.dead(connection, leaving.id, leaving.kind, reason)

    def put_off(self, leaving: Leaving, reason: RequestReason, *, tried: bool, wait_ms: int = 0) -> None:
        """It is tried again later, `wait_ms` from now or after; `tried`: the server failed at it, and that counts."""
        policy = self._queue.policy(leaving.kind)
        with self._edit() as (connection, _):
            [(_, _, attempts, misses, withdrawn, standing)] = connection.execute(_SQL["standing"], (leaving.id,))
            attempts, misses = attempts + tried, misses + (not tried)
            if attempts >= policy.attempts_max and not withdrawn:
                # Whether an attempt before had its effect only the server knows.
                connection.execute(_SQL["withdraw"], (leaving.id, reasons.written(reasons.used_up(reason, attempts))))
                return
            usual_ms = policy.wait_ms(attempts + misses, self._store.entropy.fraction())
            wait_ms = max(wait_ms, usual_ms if tried else min(usual_ms, MISSED_MS_MAX))
            due_ms = self._store.clock.now_ms() + wait_ms
            kept = standing if withdrawn else reasons.written(reason)
            connection.execute(_SQL["put_off"], (leaving.id, attempts, misses, due_ms, kept))

    def end(self) -> None:
        """The run is over: what needed a request that died in it is dead too."""
        with self._edit() as (connection, endings):
            endings.bury_behind(connection)

    @contextmanager
    def _edit(self, *, durable: bool = False) -> Iterator[tuple[apsw.Connection, Endings]]:
        endings = Endings(self._store)
        with self._store.apply("remote", durable=durable) as connection:
            fence = FENCE.get()
            if fence is not None:
                fence(connection)
            yield connection, endings
        endings.tell()


def _kept(result: Any) -> str:
    """The answer as JSON text; for one that no row can hold, why."""
    try:
        return canonical_json(result)
    except e.RecordInvalid as error:
        return canonical_json({"unreadable": error.message})


def _waiting(row: tuple[str, int, int, str, int | None, int]) -> Waiting:
    request_id, position, priority, needs, due_at_ms, withdrawn = row
    return Waiting(
        id=request_id,
        position=position,
        priority=priority,
        needs=tuple(msgspec.json.decode(needs, type=list[str])),
        due_at_ms=due_at_ms,
        withdrawn=bool(withdrawn),
    )
