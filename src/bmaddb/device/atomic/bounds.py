"""How long an operation may take, and whether somebody called it off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from bmaddb import errors as e
from bmaddb.clock import Clock


class Cancellation:
    """Calls an operation off, from any thread: at once while it waits, else between two steps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._wake: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        return self._asked

    def cancel(self) -> None:
        """Call it off; again is fine, and too late is too late."""
        with self._lock:
            self._asked = True
            wake = tuple(self._wake)
        for call in wake:
            call()

    def listen(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call when it is called off, at once if it is already; the answer stops it."""
        with self._lock:
            self._wake.append(call)
            asked = self._asked
        if asked:
            call()
        return lambda: self._wake.remove(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What an operation is held to. `lane`: operations of one lane take turns with those of others."""

    within_ms: float | None = None
    """From the call to the commit; None is for ever."""
    cancellation: Cancellation | None = None
    lane: str = ""


class Watch:
    """The bounds of one call, begun now."""

    __slots__ = ("_clock", "_end_ms", "bounds", "started_ms")

    def __init__(self, clock: Clock, bounds: Bounds) -> None:
        self.bounds = bounds
        self.started_ms = clock.monotonic_ms()
        self._clock = clock
        self._end_ms = None if bounds.within_ms is None else self.started_ms + bounds.within_ms

    def taken_ms(self) -> float:
        return self._clock.monotonic_ms() - self.started_ms

    def left_ms(self) -> float | None:
        """Milliseconds until it must be done; None is for ever."""
        return None if self._end_ms is None else self._end_ms - self._clock.monotonic_ms()

    def check(self) -> None:
        """DeadlinePassed or OperationCancelled, when it may not go on."""
        if self.bounds.cancellation is not None and self.bounds.cancellation.asked:
            raise e.OperationCancelled
        if self._end_ms is not None and self._clock.monotonic_ms() >= self._end_ms:
            raise e.DeadlinePassed(hint="give it more time, or do less in one operation")
