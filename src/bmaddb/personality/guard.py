"""The type may cost nothing: two shadows vote on whose plan is acted on, and a hard stop ends it for a month.

Rules of this room: the vote follows the better shadow and has no bound of its own; the hard stop is the promise. It
looks at every stretch within the last 500 accesses, so that hits won earlier are no excuse. On a tie the neutral leads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import exp
from typing import Final

LEARNING_RATE: Final = 4.0
FIXED_SHARE: Final = 0.01
"""What each session gives back of the leader's weight, so that the other can catch up."""
WINDOW_ACCESSES: Final = 500
LOST_SHARE_MAX: Final = 0.005
"""In no stretch of up to 500 accesses may the type cost more hits than this share of 500."""
PAUSE_MS: Final = 30 * 24 * 3600 * 1000


class Guard:
    """Whose plan to act on, and whether the type is stopped."""

    def __init__(self, *, stopped_until_ms: int = 0) -> None:
        self.neutral_weight = 0.5
        self.typed_weight = 0.5
        self.stopped_until_ms = stopped_until_ms
        self.switches = 0
        self.stops = 0
        self._accesses = 0
        self._won = 0
        # Accesses with the balance of hits there, where it was higher than ever after; the first is the highest.
        self._peaks: deque[tuple[int, int]] = deque([(0, 0)])
        self._led_typed = False

    def record(self, hit: bool, neutral_hit: bool, now_ms: Callable[[], int]) -> bool:
        """One access: was it a hit, and would it have been one without the type? True when this stops the type."""
        self._accesses += 1
        self._won += hit - neutral_hit
        peaks = self._peaks
        while peaks and peaks[-1][1] <= self._won:
            peaks.pop()
        peaks.append((self._accesses, self._won))
        if peaks[0][0] < self._accesses - WINDOW_ACCESSES:
            peaks.popleft()
        lost = peaks[0][1] - self._won
        if lost <= LOST_SHARE_MAX * WINDOW_ACCESSES or (now := now_ms()) < self.stopped_until_ms:
            return False
        self.stopped_until_ms = now + PAUSE_MS
        self.stops += 1
        return True

    def session(self, neutral_misses: float, typed_misses: float) -> None:
        """A session is over; the arguments are the shares of misses of the two shadows in it."""
        neutral = self.neutral_weight * exp(-LEARNING_RATE * neutral_misses)
        typed = self.typed_weight * exp(-LEARNING_RATE * typed_misses)
        total = neutral + typed
        self.neutral_weight = (1 - FIXED_SHARE) * neutral / total + FIXED_SHARE / 2
        self.typed_weight = (1 - FIXED_SHARE) * typed / total + FIXED_SHARE / 2

    def stopped(self, now_ms: int) -> bool:
        """Is the type stopped at this time?"""
        return now_ms < self.stopped_until_ms

    def typed_leads(self, now_ms: int) -> bool:
        """Act on the typed plan? Not on a tie."""
        leads = not self.stopped(now_ms) and self.typed_weight > self.neutral_weight
        self.switches += leads is not self._led_typed
        self._led_typed = leads
        return leads
