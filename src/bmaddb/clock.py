"""The only door to time: wall milliseconds since 1970 (UTC), and a monotonic reading for durations."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the rooms ask of time; `bmaddb.testing.ManualClock` is its manual twin."""

    def now_ms(self) -> int:
        """Wall time in milliseconds since 1970-01-01 UTC; may jump."""
        ...

    def monotonic_ms(self) -> float:
        """Milliseconds since an arbitrary moment; never goes back."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> float:
        return time.monotonic_ns() / 1_000_000
