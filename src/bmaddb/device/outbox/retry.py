"""How long to wait before the next attempt: the one formula, for requests and for whole syncs."""

from __future__ import annotations

WAIT_MS_MAX = 5 * 60 * 1000
_DOUBLINGS_MAX = 20


def backoff_ms(first_ms: int, attempt: int, fraction: float, *, limit_ms: int = WAIT_MS_MAX) -> float:
    """Milliseconds before attempt `attempt` + 1 (counted from 1), doubling from `first_ms` up to `limit_ms`.

    `fraction` in [0, 1) spreads devices out: between half of the delay and the whole of it.
    """
    delay = min(first_ms << min(attempt - 1, _DOUBLINGS_MAX), limit_ms)
    return delay * (0.5 + fraction / 2)


def is_due(at_ms: int | None, now_ms: int, longest_ms: int = WAIT_MS_MAX) -> bool:
    """Has the moment of the next attempt come? What is further off than `longest_ms` was put there by a wrong clock."""
    return at_ms is None or not now_ms < at_ms <= now_ms + longest_ms
