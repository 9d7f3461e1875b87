"""The two caches against plain models of them, and what each is for."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmaddb.personality.caches import Cache, SegmentedLru, Sieve

STEPS = st.lists(st.tuples(st.sampled_from(["use", "drop"]), st.integers(0, 12)), max_size=200)


class PlainSieve:
    """SIEVE as its paper's pseudocode has it, on a list: the newest first, the hand an index."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.queue: list[int] = []
        self.used: set[int] = set()
        self.hand: int | None = None

    def use(self, key: int) -> bool:
        if key in self.queue:
            self.used.add(key)
            return True
        if len(self.queue) == self.size:
            self.drop(self._victim())
        self.queue.insert(0, key)
        return False

    def drop(self, key: int) -> None:
        if key not in self.queue:
            return
        if key == self.hand:
            at = self.queue.index(key)
            self.hand = self.queue[at - 1] if at else None
        self.queue.remove(key)
        self.used.discard(key)

    def _victim(self) -> int:
        key = self.hand if self.hand is not None else self.queue[-1]
        while key in self.used:
            self.used.discard(key)
            at = self.queue.index(key)
            key = self.queue[at - 1] if at else self.queue[-1]
        self.hand = key
        return key


class PlainSegments:
    """Segmented LRU on two ordered maps, written another way."""

    def __init__(self, size: int) -> None:
        self.size, self.protected_max = size, max(1, int(size * 0.8))
        self.probation: list[int] = []
        self.protected: list[int] = []

    def use(self, key: int) -> bool:
        if key in self.protected:
            self.protected.remove(key)
            self.protected.append(key)
            return True
        if key in self.probation:
            self.probation.remove(key)
            self.protected.append(key)
            if len(self.protected) > self.protected_max:
                self.probation.append(self.protected.pop(0))
            return True
        if len(self.probation) + len(self.protected) == self.size:
            (self.probation or self.protected).pop(0)
        self.probation.append(key)
        return False

    def drop(self, key: int) -> None:
        for segment in (self.probation, self.protected):
            if key in segment:
                segment.remove(key)


def used(cache: Cache, key: int) -> bool:
    if cache.hit(key):
        return True
    cache.add(key)
    return False


@given(STEPS, st.integers(1, 8))
def test_sieve_is_sieve(steps: list[tuple[str, int]], size: int) -> None:
    agree(Sieve(size), PlainSieve(size), steps)


@given(STEPS, st.integers(1, 8))
def test_segments_are_segments(steps: list[tuple[str, int]], size: int) -> None:
    agree(SegmentedLru(size), PlainSegments(size), steps)


def agree(cache: Cache, plain: PlainSieve | PlainSegments, steps: list[tuple[str, int]]) -> None:
    for number, (what, key) in enumerate(steps):
        if number == len(steps) // 2:
            before, cache = cache, cache.copy()
            used(before, -1)  # what is done to the other changes nothing here
        if what == "use":
            assert used(cache, key) == plain.use(key)
        else:
            cache.drop(key)
            plain.drop(key)
        assert len(cache) <= cache.size


@pytest.mark.parametrize("make", [SegmentedLru, Sieve])
def test_a_scan_leaves_what_is_used_again(make: type[Sieve] | type[SegmentedLru]) -> None:
    cache, lru = make(20), OrderedDict.fromkeys(range(10))
    for _ in range(3):
        for key in range(10):
            used(cache, key)
    for key in range(100, 400):
        used(cache, key)
        lru[key] = None
        while len(lru) > 20:
            lru.popitem(last=False)
    assert sum(key in cache for key in range(10)) > 0
    assert not any(key in lru for key in range(10)), "plain LRU loses them all, or the test proves nothing"
