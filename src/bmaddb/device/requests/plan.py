"""Which request goes next: what it needs first, then priority, then age. Decides only; touches no file."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from bmaddb.device.outbox.retry import is_due
from bmaddb.device.requests.policy import PUT_OFF_MS_MAX

_BEFORE_ALL: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One request that is not over; `needs`: ids of what must be done before."""

    id: str
    position: int
    priority: int
    needs: tuple[str, ...] = ()
    due_at_ms: int | None = None
    withdrawn: bool = False


class Plan:
    """The order of one run. `unsettled`: outbox entries that the server does not hold yet."""

    def __init__(self, waiting: Iterable[Waiting], unsettled: Collection[str], now_ms: int) -> None:
        requests = {item.id: item for item in waiting}
        self._ready: list[tuple[int, int, str]] = []
        self._missing: dict[str, int] = {}
        self._behind: defaultdict[str, list[Waiting]] = defaultdict(list)
        for item in requests.values():
            if not is_due(item.due_at_ms, now_ms, PUT_OFF_MS_MAX):
                continue
            if item.withdrawn:  # nothing is done for it any more, so it needs nothing
                heapq.heappush(self._ready, (_BEFORE_ALL, item.position, item.id))
                continue
            missing = [need for need in dict.fromkeys(item.needs) if need in requests or need in unsettled]
            for need in missing:
                self._behind[need].append(item)
            self._missing[item.id] = len(missing)
            if not missing:
                self._push(item)

    def __len__(self) -> int:
        """How many may leave just now."""
        return len(self._ready)

    def take(self) -> str | None:
        """The next one that may leave; None when nothing may."""
        return heapq.heappop(self._ready)[2] if self._ready else None

    def done(self, request_id: str) -> None:
        """It is done: what needed only this may leave too."""
        for item in self._behind.pop(request_id, ()):
            self._missing[item.id] -= 1
            if not self._missing[item.id]:
                self._push(item)

    def _push(self, item: Waiting) -> None:
        heapq.heappush(self._ready, (item.priority, item.position, item.id))
