"""Signals the monitor tells: on a thread of its own, for what it sees it sees in the middle of a statement."""

from __future__ import annotations

import queue
import threading

from bmaddb.signals import Signal, SignalBus


class Teller:
    """Tells signals in order; what comes while too many wait is dropped and counted."""

    def __init__(self, signals: SignalBus, waiting_max: int) -> None:
        self.dropped = 0
        self._signals = signals
        self._queue: queue.Queue[Signal | None] = queue.Queue(waiting_max)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="bmaddb-monitor", daemon=True)
        self._thread.start()

    def tell(self, signal: Signal) -> None:
        """Soon; does not wait."""
        try:
            self._queue.put_nowait(signal)
        except queue.Full:
            self.dropped += 1

    def settle(self) -> None:
        """Wait until all that was said is told. Not from a listener."""
        self._queue.join()

    def stop(self) -> None:
        """Tell what waits and end; again is fine. A listener may call it, and does not wait for itself."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._queue.put(None)
            self._thread.join()

    def _tell(self) -> None:
        while not (self._ended.is_set() and self._queue.empty()):
            signal = self._queue.get()
            try:
                if signal is not None:
                    self._signals.emit(signal)
            finally:
                self._queue.task_done()
