"""The outbox of a database, made when it is first needed: it joins the commits before the first write.

Rules of this room: it is made outside the transaction of that write, once, whichever thread writes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bmaddb.device.store import Store

if TYPE_CHECKING:
    from bmaddb.device.outbox import Outbox
    from bmaddb.device.requests import RequestQueue


class LateOutbox:
    """`made` is one that is there already; the queue of `requests` must hear of entries that are given up.

    With a server the engine sees to that; without one nobody may have asked for the queue yet.
    """

    def __init__(self, store: Store, made: Outbox | None, requests: Callable[[], RequestQueue] | None) -> None:
        self._store = store
        self._made = made
        self._requests = requests
        self._lock = threading.Lock()
        if made is None:
            store.before_writing.append(lambda: self.outbox)
        else:
            self._listen(made)

    @property
    def outbox(self) -> Outbox:
        """The one outbox of the store."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    from bmaddb.device.outbox import Outbox

                    outbox = Outbox(self._store)
                    self._listen(outbox)
                    self._made = outbox
        return self._made

    def _listen(self, outbox: Outbox) -> None:
        requests = self._requests
        if requests is not None:
            outbox.given_up.append(lambda connection, gone: requests().entries_given_up(connection, gone))
