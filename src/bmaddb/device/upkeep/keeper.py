"""The keeper: cleans up in the background, when the file was written to and is quiet again.

Rules of this room: it is woken, it does not poll; it begins nothing while somebody writes; its errors are told as a
signal and never raised into anybody's write.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep.cleanup import CleanUp
from bmaddb.device.upkeep.policy import UpkeepPolicy
from bmaddb.device.upkeep.report import Ended
from bmaddb.signals import Committed, UpkeepEnded

Policy: TypeAlias = Callable[[], UpkeepPolicy]
"""The policy as it is now; it may say something else before every clean-up."""
Wait: TypeAlias = Callable[[threading.Event, float], bool]
"""True when the event was set before so many seconds had passed."""
IDLE_S: Final = 2.0
"""So long nobody wrote: then it is quiet."""
BUSY_WAITS_MAX: Final = 100
"""After so many waits in which somebody wrote it begins all the same: a file that is never quiet grows too."""
REST_S: Final = 600.0
"""After a clean-up that could not free enough: much the same would come of the next one."""
STOP_WAIT_S_MAX: Final = 10.0
_log: Final = logging.getLogger("bmaddb.upkeep")


class Keeper:
    """One thread, from `start` to `stop`."""

    def __init__(
        self, store: Store, outbox: Outbox, policy: UpkeepPolicy | Policy, *, wait: Wait = threading.Event.wait
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._policy = policy if callable(policy) else lambda: policy
        self._wait = wait
        self._written = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._listening: Callable[[], None] | None = None

    def start(self) -> None:
        """Look now, and from now on after every time the file was written to; again is fine."""
        if self._thread is None:
            self._stopping.clear()
            self._written.set()
            self._listening = self._store.signals.listen(Committed, self._on_commit)
            self._thread = threading.Thread(target=self._keep, name="bmaddb-upkeep", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it; a clean-up that runs ends after its batch, and the next goes on from there. Again is fine."""
        if self._thread is None or self._listening is None:
            return
        self._listening()
        self._stopping.set()
        self._written.set()
        self._thread.join(STOP_WAIT_S_MAX)
        self._thread = None

    def _on_commit(self, _: Committed) -> None:
        if threading.current_thread() is not self._thread:
            self._written.set()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._written.wait()
            if self._quiet():
                rest = not self._clean()
                if rest:
                    self._wait(self._stopping, REST_S)

    def _quiet(self) -> bool:
        """Wait until nobody wrote for a while; False when it is to stop."""
        for _ in range(BUSY_WAITS_MAX):
            self._written.clear()
            if self._stopping.is_set():
                return False
            if not self._wait(self._written, IDLE_S):
                break
        return not self._stopping.is_set()

    def _clean(self) -> bool:
        """One clean-up; False when another one soon would be in vain."""
        try:
            report = CleanUp(self._store, self._outbox, self._policy(), self._stopping.is_set).run()
        except Exception as error:  # nothing may end the thread: no file of this process would be cleaned again
            _log.warning("an upkeep ended early: %s", error, exc_info=not isinstance(error, e.BmadError))
            code = error.code if isinstance(error, e.BmadError) else e.BmadError.code
            self._store.signals.emit(UpkeepEnded(ended=code, rows=0, bytes_before=0, bytes_after=0))
            return False
        return report.ended is not Ended.STILL_OVER
