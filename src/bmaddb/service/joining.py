"""The outbox and the engine of a database, made when they are first needed: who opens a file to read needs neither.

Rules of this room: the outbox joins the commits before the first write, outside of its transaction; the engine, and
with it all of the network, comes with the first sync. Each is made once, whichever thread is first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from bmaddb.device.store import Store

if TYPE_CHECKING:
    from bmaddb.device.outbox import Outbox
    from bmaddb.device.requests import RequestQueue
    from bmaddb.device.sync import SyncEngine

    Connect: TypeAlias = Callable[[Outbox], SyncEngine]


class LateParts:
    """`outbox` and `engine` are those that are there already; `connect` makes the engine of a server.

    The queue of `requests` must hear of entries that are given up, also where nobody has asked for it yet.
    """

    def __init__(
        self,
        store: Store,
        requests: Callable[[], RequestQueue],
        outbox: Outbox | None,
        engine: SyncEngine | None,
        connect: Connect | None,
    ) -> None:
        self.has_server = engine is not None or connect is not None
        self._store = store
        self._requests = requests
        self._outbox = outbox
        self._engine = engine
        self._connect = connect
        self._lock = threading.RLock()
        if outbox is None:
            store.before_writing.append(lambda: self.outbox)
        elif engine is None:
            self._listen(outbox)

    @property
    def outbox(self) -> Outbox:
        """The one outbox of the store."""
        if self._outbox is None:
            with self._lock:
                if self._outbox is None:
                    from bmaddb.device.outbox import Outbox

                    outbox = Outbox(self._store)
                    self._listen(outbox)
                    self._outbox = outbox
        return self._outbox

    @property
    def engine(self) -> SyncEngine | None:
        """What syncs with the server; None when there is none."""
        if self._engine is None and self._connect is not None:
            with self._lock:
                if self._engine is None:
                    self._engine = self._connect(self.outbox)
        return self._engine

    def close(self) -> None:
        """Let go of the network, if it was ever needed."""
        if self._engine is not None:
            self._engine.close()

    def _listen(self, outbox: Outbox) -> None:
        outbox.given_up.append(lambda connection, gone: self._requests().entries_given_up(connection, gone))
