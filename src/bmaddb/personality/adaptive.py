"""A small cache that fetches ahead what its user is likely to open, with the type as a guarded prior or without it.

Rules of this room: keys only, no file. Every type has the same size and budget, so none costs more memory, battery or
data than another. Nothing is fetched ahead that is worth less than what would have to go for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from bmaddb.personality.caches import Cache, Key, SegmentedLru
from bmaddb.personality.guard import Guard
from bmaddb.personality.model import UseModel
from bmaddb.personality.tables import BASE_SHARES

Mode: TypeAlias = Literal["neutral", "typed", "guarded"]
Resolve: TypeAlias = Callable[[int, int], Key | None]
"""From view and place in it to the key that stands there now; None for an empty place."""

CACHE_ROWS: Final = 96
BUDGET_ROWS: Final = 32
"""Rows fetched ahead in a session; at most a third of the cache."""
_PLACES_PER_ROW: Final = 4
"""Places looked at for each row of the budget: many of the best are held already."""


class Wish(NamedTuple):
    """A place worth fetching: `worth` is its share of all accesses as the model sees them."""

    key: Key
    view: int
    rank: int
    worth: float


class Lane:
    """What one policy holds: the real one, or a shadow of keys alone."""

    __slots__ = ("accesses", "cache", "hits", "prior")

    def __init__(self, cache: Cache, prior: Sequence[float]) -> None:
        self.cache = cache
        self.prior = prior
        self.accesses = 0
        self.hits = 0

    def access(self, key: Key) -> bool:
        """A demand for `key`; it is held afterwards. Was it before?"""
        self.accesses += 1
        if self.cache.hit(key):
            self.hits += 1
            return True
        self.cache.add(key)
        return False

    def misses(self) -> float:
        """The share of misses since this was last asked."""
        share = 1 - self.hits / self.accesses if self.accesses else 0.0
        self.accesses = self.hits = 0
        return share


class AdaptiveCache:
    """Of `size` keys, with at most `budget` fetched ahead in a session.

    `typed_prior`: shares of the views with the type in them; needed for the modes "typed" (always acted on; for
    tests and benchmarks) and "guarded". `now_ms` gives the time that the guard's pause is counted in.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int],
        size: int = CACHE_ROWS,
        budget: int = BUDGET_ROWS,
        mode: Mode = "neutral",
        prior: Sequence[float] = BASE_SHARES,
        typed_prior: Sequence[float] | None = None,
        model: UseModel | None = None,
        guard: Guard | None = None,
        make: Callable[[int], Cache] = SegmentedLru,
    ) -> None:
        if budget > size / 3:
            raise ValueError(f"a budget of {budget} rows is more than a third of a cache of {size}")
        self.mode = mode
        self.budget = budget
        self.model = model or UseModel(len(prior))
        self.guard = guard or Guard()
        self._now_ms = now_ms
        self._typed_prior = typed_prior if typed_prior is not None else prior
        self._neutral_prior = prior
        self.real = Lane(make(size), prior if mode == "neutral" else self._typed_prior)
        self._neutral = Lane(make(size), prior)
        self._typed = Lane(make(size), self._typed_prior)
        self._shadows = (self._neutral, self._typed) if mode == "guarded" else ()
        self._left = budget

    def access(self, view: int, rank: int | None, key: Key) -> bool:
        """Somebody opens `key`, which stands at place `rank` of `view`. Is it held?"""
        hit = self.real.access(key)
        if self._shadows:
            neutral_hit = self._neutral.access(key)
            self._typed.access(key)
            self.guard.record(hit, neutral_hit, self._now_ms())
        self.model.note(view, rank, key)
        return hit

    def wrote(self, key: Key) -> None:
        """A row was written here, so it is held, as it is now."""
        for lane in (self.real, *self._shadows):
            lane.cache.add(key)

    def forget(self, keys: Iterable[Key]) -> None:
        """These are not what they were."""
        for key in keys:
            for lane in (self.real, *self._shadows):
                lane.cache.drop(key)

    def begin_session(self, resolve: Resolve) -> list[Wish]:
        """A session begins; the answer is what to fetch now, the best first. The keys are held from here on."""
        if self._shadows:
            self.guard.session(self._neutral.misses(), self._typed.misses())
            for shadow in self._shadows:
                self._fill(shadow, resolve, self.budget)
        self._left = self.budget
        return self.idle(resolve)

    def idle(self, resolve: Resolve) -> list[Wish]:
        """Nobody opens anything just now: fetch what the session's budget still allows."""
        if self.mode == "guarded":
            leads = self.guard.typed_leads(self._now_ms())
            self.real.prior = self._typed_prior if leads else self._neutral_prior
        wishes = self._fill(self.real, resolve, self._left)
        self._left -= len(wishes)
        return wishes

    def _fill(self, lane: Lane, resolve: Resolve, budget: int) -> list[Wish]:
        wishes: list[Wish] = []
        if budget <= 0:
            return wishes
        for worth, view, rank in self.model.best(lane.prior, budget * _PLACES_PER_ROW):
            key = resolve(view, rank)
            if key is None or key in lane.cache:
                continue
            victim = lane.cache.victim()
            if victim is not None and self.model.warmth(victim) >= worth:
                break
            lane.cache.add(key)
            wishes.append(Wish(key, view, rank, worth))
            if len(wishes) == budget:
                break
        return wishes
