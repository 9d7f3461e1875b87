"""What to keep, as others do it: the references beside which the shipped caches are measured. Keys only.

ARC is here for comparison alone. Belady's MIN knows the future and is in `replay`.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from copy import deepcopy
from heapq import heappop, heappush
from typing import Self

from bmaddb.personality.caches import Cache, Key, SegmentedLru, Sieve


class Copied:
    """Copies for the policies that need not be quick at it."""

    def copy(self) -> Self:
        return deepcopy(self)


class Lru(Copied):
    """What was used longest ago goes."""

    touches = True

    def __init__(self, size: int) -> None:
        self.size = size
        self.order: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self.order

    def __len__(self) -> int:
        return len(self.order)

    def hit(self, key: Key) -> bool:
        if key not in self.order:
            return False
        if self.touches:
            self.order.move_to_end(key)
        return True

    def add(self, key: Key) -> Key | None:
        if key in self.order:
            return None
        gone = self.victim()
        if gone is not None:
            self.drop(gone)
        self.order[key] = None
        return gone

    def held(self) -> list[Key]:
        return list(self.order)

    def drop(self, key: Key) -> None:
        self.order.pop(key, None)

    def victim(self) -> Key | None:
        return next(iter(self.order)) if len(self.order) >= self.size else None


class Fifo(Lru):
    """What came first goes."""

    touches = False


class Lfu(Copied):
    """What was used least often while it was held goes, of those the one used longest ago."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.uses: dict[Key, tuple[int, int]] = {}
        self.heap: list[tuple[int, int, Key]] = []
        self.tick = 0

    def __contains__(self, key: Key) -> bool:
        return key in self.uses

    def __len__(self) -> int:
        return len(self.uses)

    def hit(self, key: Key) -> bool:
        if key not in self.uses:
            return False
        self._note(key, self.uses[key][0] + 1)
        return True

    def add(self, key: Key) -> Key | None:
        if key in self.uses:
            return None
        gone = self.victim()
        if gone is not None:
            self.drop(gone)
        self._note(key, 1)
        return gone

    def held(self) -> list[Key]:
        return list(self.uses)

    def drop(self, key: Key) -> None:
        self.uses.pop(key, None)

    def victim(self) -> Key | None:
        if len(self.uses) < self.size:
            return None
        while True:
            count, tick, key = self.heap[0]
            if self.uses.get(key) == (count, tick):
                return key
            heappop(self.heap)

    def _note(self, key: Key, count: int) -> None:
        self.tick += 1
        self.uses[key] = (count, self.tick)
        heappush(self.heap, (count, self.tick, key))


class Arc(Copied):
    """ARC (FAST 2003): recent and frequent keys, their shares set by what was missed lately."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.target = 0.0
        self.recent: OrderedDict[Key, None] = OrderedDict()
        self.frequent: OrderedDict[Key, None] = OrderedDict()
        self.recent_ghosts: OrderedDict[Key, None] = OrderedDict()
        self.frequent_ghosts: OrderedDict[Key, None] = OrderedDict()

    def __contains__(self, key: Key) -> bool:
        return key in self.recent or key in self.frequent

    def __len__(self) -> int:
        return len(self.recent) + len(self.frequent)

    def hit(self, key: Key) -> bool:
        if key in self.recent:
            del self.recent[key]
            self.frequent[key] = None
            return True
        if key in self.frequent:
            self.frequent.move_to_end(key)
            return True
        return False

    def add(self, key: Key) -> Key | None:
        if key in self:
            return None
        if key in self.recent_ghosts:
            step = max(1.0, len(self.frequent_ghosts) / len(self.recent_ghosts))
            self.target = min(self.size, self.target + step)
            gone = self._replace(from_frequent=False)
            del self.recent_ghosts[key]
            self.frequent[key] = None
            return gone
        if key in self.frequent_ghosts:
            step = max(1.0, len(self.recent_ghosts) / len(self.frequent_ghosts))
            self.target = max(0.0, self.target - step)
            gone = self._replace(from_frequent=True)
            del self.frequent_ghosts[key]
            self.frequent[key] = None
            return gone
        gone = self._make_room()
        self.recent[key] = None
        return gone

    def held(self) -> list[Key]:
        return [*self.recent, *self.frequent]

    def drop(self, key: Key) -> None:
        self.recent.pop(key, None)
        self.frequent.pop(key, None)

    def victim(self) -> Key | None:
        if len(self) < self.size:
            return None
        if self.recent and len(self.recent) > self.target:
            return next(iter(self.recent))
        return next(iter(self.frequent or self.recent))

    def _make_room(self) -> Key | None:
        gone = None
        if len(self.recent) + len(self.recent_ghosts) >= self.size:
            if len(self.recent) < self.size:
                self.recent_ghosts.popitem(last=False)
                gone = self._replace(from_frequent=False)
            else:
                gone = self.recent.popitem(last=False)[0]
        elif len(self) + len(self.recent_ghosts) + len(self.frequent_ghosts) >= self.size:
            if len(self) + len(self.recent_ghosts) + len(self.frequent_ghosts) >= 2 * self.size:
                self.frequent_ghosts.popitem(last=False)
            gone = self._replace(from_frequent=False)
        return gone

    def _replace(self, *, from_frequent: bool) -> Key | None:
        if len(self) < self.size:
            return None
        larger = len(self.recent) > self.target or (from_frequent and len(self.recent) == self.target)
        if self.recent and (larger or not self.frequent):
            gone = self.recent.popitem(last=False)[0]
            self.recent_ghosts[gone] = None
        else:
            gone = self.frequent.popitem(last=False)[0]
            self.frequent_ghosts[gone] = None
        return gone


class S3Fifo(Copied):
    """S3-FIFO (SOSP 2023): a small queue sifts, a main one keeps, ghosts come back into the main one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.small_max = max(1, size // 10)
        self.small: deque[Key] = deque()
        self.main: deque[Key] = deque()
        self.ghosts: OrderedDict[Key, None] = OrderedDict()
        self.uses: dict[Key, int] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self.uses

    def __len__(self) -> int:
        return len(self.uses)

    def hit(self, key: Key) -> bool:
        if key not in self.uses:
            return False
        self.uses[key] = min(3, self.uses[key] + 1)
        return True

    def add(self, key: Key) -> Key | None:
        if key in self.uses:
            return None
        gone = None
        if len(self.uses) >= self.size:
            gone = self._evict()
        if key in self.ghosts:
            del self.ghosts[key]
            self.main.append(key)
        else:
            self.small.append(key)
        self.uses[key] = 0
        return gone

    def held(self) -> list[Key]:
        return list(self.uses)

    def drop(self, key: Key) -> None:
        if self.uses.pop(key, None) is not None:
            (self.small if key in self.small else self.main).remove(key)

    def victim(self) -> Key | None:
        if len(self.uses) < self.size:
            return None
        first, second = (self.small, self.main) if len(self.small) >= self.small_max else (self.main, self.small)
        queue = first or second
        return min(list(queue)[:8], key=lambda key: self.uses[key])

    def _evict(self) -> Key:
        while True:
            if self.small and (len(self.small) >= self.small_max or not self.main):
                key = self.small.popleft()
                if self.uses[key] > 1:
                    self.uses[key] = 0
                    self.main.append(key)
                    continue
                del self.uses[key]
                self.ghosts[key] = None
                if len(self.ghosts) > self.size:
                    self.ghosts.popitem(last=False)
                return key
            key = self.main.popleft()
            if self.uses[key] > 0:
                self.uses[key] -= 1
                self.main.append(key)
                continue
            del self.uses[key]
            return key


class TinyLfu(Copied):
    """W-TinyLFU (2017): a window of 1 % (at least one key), a segmented main part, and a sketch that lets in.

    The sketch is an exact counter that is halved after ten sizes of uses: better than any sketch can be.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.window = Lru(max(1, size // 100))
        self.main = SegmentedLru(size - self.window.size)
        self.counts: Counter[Key] = Counter()
        self.seen = 0

    def __contains__(self, key: Key) -> bool:
        return key in self.window or key in self.main

    def __len__(self) -> int:
        return len(self.window) + len(self.main)

    def hit(self, key: Key) -> bool:
        self._count(key)
        return self.window.hit(key) or self.main.hit(key)

    def add(self, key: Key) -> Key | None:
        if key in self:
            return None
        leaving = self.window.add(key)
        if leaving is None:
            return None
        rival = self.main.victim()
        if rival is not None and self.counts[leaving] <= self.counts[rival]:
            return leaving
        return self.main.add(leaving)

    def held(self) -> list[Key]:
        return [*self.window.held(), *self.main.held()]

    def drop(self, key: Key) -> None:
        self.window.drop(key)
        self.main.drop(key)

    def victim(self) -> Key | None:
        return self.main.victim() if self.window.victim() is not None else None

    def _count(self, key: Key) -> None:
        self.counts[key] += 1
        self.seen += 1
        if self.seen >= 10 * self.size:
            self.seen //= 2
            self.counts = Counter({key: count // 2 for key, count in self.counts.items() if count > 1})


EVICTIONS: dict[str, Callable[[int], Cache]] = {
    "FIFO": Fifo,
    "LRU": Lru,
    "LFU": Lfu,
    "SLRU": SegmentedLru,
    "ARC": Arc,
    "SIEVE": Sieve,
    "S3-FIFO": S3Fifo,
    "W-TinyLFU": TinyLfu,
}
