"""What rules want to know of the device: room on its disk and in the file's budget, its clock, and its network.

Rules of this room: it looks when an operation is about to be run whose rules ask, and only then; what the application
says itself counts before it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from bmaddb.coaching.candidate import moment
from bmaddb.coaching.rules.preferences import STORAGE_USED_BYTES
from bmaddb.coaching.rules.session_prerequisites import (
    MODEL_REACHABLE,
    STAMP_AHEAD_MS,
    STORAGE_FREE_BYTES,
    STORAGE_SHARE,
)
from bmaddb.device.atomic import Operation, Step
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import Usage
from bmaddb.modules.sync_status import SyncRun
from bmaddb.protocol import stamps

ASKING: Final = frozenset({"coaching_sessions", "user_preferences"})
"""Tables whose rules ask: S7 and S8 of a session, P10 of the settings."""


class DeviceFacts:
    """A shape of operations (`OperationDesk.shapes`) that tells them what the device is like just now."""

    def __init__(self, store: Store, outbox: Outbox, usage: Callable[[], Usage], *, has_server: bool) -> None:
        self._store = store
        self._outbox = outbox
        self._usage = usage
        self._has_server = has_server

    def __call__(self, operation: Operation) -> Operation:
        """The operation with the facts, when one of its steps writes a table whose rules ask for them."""
        if not any(isinstance(step, Step) and step.table in ASKING for step in operation.steps):
            return operation
        return replace(operation, facts={**self.facts(), **operation.facts})

    def facts(self) -> Mapping[str, Any]:
        """Bytes free on the disk; bytes and share (1 is all) of the budget in use; how far stamps run before the clock.

        That is in ms, 0 or more: they do when the clock was set back, or is behind the clocks a sync heard of. And is
        there a network for a model elsewhere: not without a server, nor when the last sync found none.
        """
        usage = self._usage()
        newest_ms = stamps.milliseconds(self._outbox.capture.last_stamp)
        return {
            STORAGE_FREE_BYTES: shutil.disk_usage(os.path.dirname(self._store.path)).free,
            STORAGE_USED_BYTES: usage.counted_bytes,
            STORAGE_SHARE: usage.share,
            STAMP_AHEAD_MS: max(0, newest_ms - self._store.clock.now_ms()),
            MODEL_REACHABLE: self._has_server and not self._is_offline(),
        }

    def _is_offline(self) -> bool:
        until = moment(self._store.clock.now_ms())  # what ran while the clock was ahead is not the last one
        ran = self._store.query(SyncRun).where(SyncRun.started_at <= until)
        last = ran.order_by(SyncRun.started_at.desc(), SyncRun.id.desc()).first()
        return last is not None and last.result == "offline"
