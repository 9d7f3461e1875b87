"""Steps that ask the server for what only it decides: they wait in the request queue, offline too.

Rules of this room: a request is made in the transaction of the operation, and undone with it; it leaves after the
newest outbox entry that waits by then, for it may speak of their rows; its key is the operation's id, so one operation
asks once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from bmaddb.coaching.candidate import Rule, RuleSet
from bmaddb.device.atomic import Action, RuleContext, Step, Violation
from bmaddb.device.requests import ask_in_write
from bmaddb.device.store import Store
from bmaddb.modules.sync_status import ServerRequest
from bmaddb.schema.records import Record

ASK: Final = "ask_the_server"


def ask_step(kind: str, payload: Mapping[str, Any], *rules: Rule) -> Step:
    """Queue a request of this kind. `rules` judge it as a row of server_requests; the user's row stays as it is."""

    def row(context: RuleContext) -> dict[str, Any]:
        ask_in_write(cast(Store, context.reader), kind, dict(payload), context.operation_id)
        return {"id": context.user}

    return Step(ASK, "users", Action.UPDATE, row, (_Asked(dict(payload), rules),))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Judges the request, whatever row is written with it."""

    payload: dict[str, Any]
    rules: tuple[Rule, ...]

    def __call__(self, row: Mapping[str, Any], before: Record | None, context: RuleContext) -> list[Violation]:
        return RuleSet(ServerRequest, self.rules)({"payload": self.payload}, None, context)
