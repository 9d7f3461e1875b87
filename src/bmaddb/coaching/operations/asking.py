"""Steps that ask the server for what only it decides: they wait in the request queue, offline too.

Rules of this room: a request is a row of `server_requests`, made in the transaction of the operation; it leaves after
every outbox entry that waits by then, for it may speak of their rows; its key is the operation's id, so one operation
asks once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bmaddb.coaching.candidate import Rule, RuleSet, moment
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.modules.sync_status import OutboxOperation, ServerRequest

ASK: Final = "ask_the_server"


def ask_step(kind: str, payload: Mapping[str, Any], *rules: Rule) -> Step:
    """Queue a request of this kind. `rules` judge it before; they see it as a row of server_requests."""

    def row(context: RuleContext) -> dict[str, Any]:
        newest = context.reader.query(ServerRequest).order_by(ServerRequest.position.desc()).first()
        waiting = context.reader.query(OutboxOperation).order_by(OutboxOperation.position.desc()).first()
        return {
            "position": 1 if newest is None else newest.position + 1,
            "kind": kind,
            "key": context.operation_id,
            "payload": dict(payload),
            "depends_on": [] if waiting is None else [waiting.id],
            "created_at": moment(context.now_ms),
        }

    return Step(ASK, ServerRequest.__table__.name, Action.INSERT, row, (RuleSet(ServerRequest, (*GENERAL, *rules)),))
