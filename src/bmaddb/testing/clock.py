"""A clock that stands still until it is told to move."""

from __future__ import annotations

import threading


class ManualClock:
    """The manual twin of `SystemClock`: wall and monotonic time move together, and only by `advance`."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._lock = threading.Lock()
        self._now_ms = now_ms
        self._passed_ms = 0.0

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_ms(self) -> float:
        return self._passed_ms

    def advance(self, by_ms: int) -> None:
        """Let time pass."""
        with self._lock:
            self._now_ms += by_ms
            self._passed_ms += by_ms

    def set_wall(self, now_ms: int) -> None:
        """Move the wall clock alone, as a person or a time server does; it may go back."""
        with self._lock:
            self._now_ms = now_ms
