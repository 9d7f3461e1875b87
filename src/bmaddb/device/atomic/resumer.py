"""The resumer: tries compensations again in the background, when they are due.

Rules of this room: it is woken, or waits for the moment the journal names; it does not poll, but while a saga runs; its
errors are logged and never raised into anybody's operation.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, TypeAlias

from bmaddb.device.atomic.journal import UNFINISHED
from bmaddb.device.atomic.resuming import ResumeReport
from bmaddb.device.outbox.retry import WAIT_MS_MAX
from bmaddb.device.store import Store
from bmaddb.signals import OperationEnded

Wait: TypeAlias = Callable[[threading.Event, float | None], bool]
"""True when the event was set before so many seconds had passed; None is for ever."""
BUSY_WAIT_S: Final = 2.0
"""A saga runs: so long until the next look."""
STOP_WAIT_S_MAX: Final = 10.0
_log: Final = logging.getLogger("bmaddb.atomic")


class Resumer:
    """One thread, from `start` to `stop`."""

    def __init__(self, store: Store, resume: Callable[[], ResumeReport], *, wait: Wait = threading.Event.wait) -> None:
        self._store = store
        self._resume = resume
        self._wait = wait
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._listening: Callable[[], None] | None = None

    def start(self, first: ResumeReport) -> None:
        """Go on from this report; again is fine."""
        if self._thread is None:
            self._stopping.clear()
            self._listening = self._store.signals.listen(OperationEnded, self._on_end)
            self._thread = threading.Thread(target=self._keep, args=(first,), name="bmaddb-resumer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End it, after the compensation that runs; again is fine."""
        if self._thread is None or self._listening is None:
            return
        self._listening()
        self._stopping.set()
        self._woken.set()
        if self._thread is not threading.current_thread():
            self._thread.join(STOP_WAIT_S_MAX)
        self._thread = None

    def _on_end(self, fact: OperationEnded) -> None:
        if fact.status in UNFINISHED:
            self._woken.set()

    def _keep(self, report: ResumeReport) -> None:
        while not self._stopping.is_set():
            self._wait(self._woken, self._pause_s(report))
            self._woken.clear()
            if self._stopping.is_set():
                return
            try:
                report = self._resume()
            except Exception as error:  # nothing may end it: what is owed would wait for the next start
                _log.warning("unfinished operations could not be undone: %s: %s", type(error).__name__, error)
                report = ResumeReport(busy=True)

    def _pause_s(self, report: ResumeReport) -> float | None:
        if report.busy:
            return BUSY_WAIT_S
        if report.due_ms is None:
            return None
        wait_ms = report.due_ms - self._store.clock.now_ms()
        return min(max(wait_ms, 0), WAIT_MS_MAX) / 1000  # a wrong clock may have named a moment years away
