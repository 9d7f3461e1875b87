"""The few threads on which callbacks of live queries run: one that is slow holds up no other, up to a limit.

Rules of this room: a thread comes with the work that finds none idle and goes after a while without any; work is begun
in the order in which it was put; what raises is told to the log.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

THREADS_MAX: Final = 8
"""As many callbacks run at once; one more waits for the first that ends."""
IDLE_S_MAX: Final = 5.0
STOP_WAIT_S_MAX: Final = 10.0
_log: Final = logging.getLogger("bmaddb.observe")


class Crew:
    """Runs work soon, on a thread of its own few."""

    def __init__(self, threads_max: int = THREADS_MAX) -> None:
        self._threads_max = threads_max
        self._work: deque[Callable[[], None]] = deque()
        self._there = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._closed = False

    def put(self, work: Callable[[], None]) -> None:
        """Run `work` soon; nothing when it is closed."""
        with self._there:
            if self._closed:
                return
            self._work.append(work)
            if self._idle >= len(self._work):
                self._there.notify()
            elif len(self._threads) < self._threads_max:
                thread = threading.Thread(target=self._run, name="bmaddb-observe-call", daemon=True)
                self._threads.add(thread)
                thread.start()

    def close(self) -> None:
        """Begin nothing more, and wait a while for what runs; again is fine."""
        with self._there:
            self._closed = True
            self._work.clear()
            self._there.notify_all()
            threads = self._threads - {threading.current_thread()}
        for thread in threads:
            thread.join(STOP_WAIT_S_MAX)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:
                _log.exception("a live query could not be delivered")

    def _next(self) -> Callable[[], None] | None:
        """The next work; None when none came for a while, and then the thread counts no more."""
        with self._there:
            self._idle += 1
            self._there.wait_for(lambda: self._work or self._closed, IDLE_S_MAX)
            self._idle -= 1
            if self._work:
                return self._work.popleft()
            self._threads.discard(threading.current_thread())
            return None
