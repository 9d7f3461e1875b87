"""How eager the queue is about requests of one kind: attempts, waits, deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bmaddb import errors as e
from bmaddb.device.outbox.retry import backoff_ms

PUT_OFF_MS_MAX: Final = 24 * 60 * 60 * 1000
"""Nothing waits for longer than this for its next attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPolicy:
    """What becomes of a request that fails; RequestInvalid for numbers that make no sense."""

    attempts_max: int = 8
    """So often the server may try and fail; then the request is a dead letter. No network is no attempt."""
    first_wait_ms: int = 2_000
    """After the first failure; doubles with each."""
    wait_ms_max: int = 6 * 60 * 60 * 1000
    deadline_ms: int | None = None
    """From when it is asked for, where the request itself names no deadline; None: it may wait for ever."""

    def __post_init__(self) -> None:
        waits = 1 <= self.first_wait_ms <= self.wait_ms_max <= PUT_OFF_MS_MAX
        if self.attempts_max < 1 or not waits or (self.deadline_ms is not None and self.deadline_ms < 1):
            raise e.RequestInvalid(
                "a policy has one attempt or more, waits from 1 ms to a day, and a deadline after now",
                hint=f"1 <= first_wait_ms <= wait_ms_max <= {PUT_OFF_MS_MAX}",
            )

    def wait_ms(self, failures: int, fraction: float) -> int:
        """Milliseconds after the `failures`-th failure, counted from 1; `fraction` in [0, 1) spreads devices."""
        return max(1, round(backoff_ms(self.first_wait_ms, failures, fraction, limit_ms=self.wait_ms_max)))
