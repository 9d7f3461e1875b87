"""A small cache that fetches ahead what its user is likely to open, with the type as a guarded prior or without it.

Rules of this room: keys only, no file. Every type has the same size and budget, so none costs more memory, battery or
data than another. Nothing is fetched ahead that is worth less than what would have to go for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
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
IDLE_ROWS: Final = 4
"""Of them at most this many at once while nothing is opened, for what may follow the view that was just opened."""
IDLE_SHARE: Final = 4
"""One part in so many of the budget is kept for that."""
WORTH_MIN: Final = 0.005
"""A place that is worth less is not fetched, whatever the budget."""
_PLACES_PER_ROW: Final = 4
"""Places looked at for each row of the budget: many of the best are held already."""


class Wish(NamedTuple):
    """A key worth fetching: `worth` is its share of all accesses as the model sees them; -1: at no known place."""

    key: Key
    view: int
    rank: int
    worth: float


class Lane:
    """What one policy holds: the real one, or a shadow of keys alone."""

    __slots__ = ("accesses", "cache", "hits", "left", "prior")

    def __init__(self, cache: Cache, prior: Sequence[float]) -> None:
        self.cache = cache
        self.prior = prior
        self.accesses = 0
        self.hits = 0
        self.left = 0

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
        worth_min: float = WORTH_MIN,
    ) -> None:
        if budget > size / 3:
            raise ValueError(f"a budget of {budget} rows is more than a third of a cache of {size}")
        self.mode = mode
        self.budget = budget
        self.worth_min = worth_min
        self.model = model or UseModel(len(prior))
        self.guard = guard or Guard()
        self._now_ms = now_ms
        self._typed_prior = typed_prior if typed_prior is not None else prior
        self._neutral_prior = prior
        self.real = Lane(make(size), prior if mode == "neutral" else self._typed_prior)
        self._neutral = Lane(make(size), prior)
        self._typed = Lane(make(size), self._typed_prior)
        self._shadows = (self._neutral, self._typed) if mode == "guarded" else ()

    def access(self, view: int, rank: int | None, key: Key) -> bool:
        """Somebody opens `key`, which stands at place `rank` of `view`. Is it held?"""
        hit = self.real.access(key)
        if self._shadows:
            neutral_hit = self._neutral.access(key)
            self._typed.access(key)
            self.guard.record(hit, neutral_hit, self._now_ms)
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

    def held(self) -> list[Key]:
        """Every key that any lane holds."""
        return list({key for lane in (self.real, *self._shadows) for key in lane.cache.held()})

    def retype(self, typed_prior: Sequence[float]) -> None:
        """Another type is declared; what was counted stays."""
        self._typed_prior = self._typed.prior = typed_prior
        if self.mode == "typed":
            self.real.prior = typed_prior

    def begin_session(self, resolve: Resolve) -> list[Wish]:
        """A session begins; the answer is what to fetch now, the best first. The keys are held from here on."""
        self.model.last = None
        if self._shadows:
            self.guard.session(self._neutral.misses(), self._typed.misses())
        for lane in (self.real, *self._shadows):
            lane.left = self.budget
        return self._plan(resolve, self.budget - self.budget // IDLE_SHARE)

    def idle(self, resolve: Resolve) -> list[Wish]:
        """Nobody opens anything just now: fetch what may follow, as far as the session's budget allows."""
        return self._plan(resolve, IDLE_ROWS)

    def _plan(self, resolve: Resolve, rows_max: int) -> list[Wish]:
        if self.mode != "guarded":
            return self._fill(self.real, resolve, rows_max)
        now_ms = self._now_ms()
        leads = self.guard.typed_leads(now_ms)
        self._fill(self._typed, resolve, rows_max)
        wishes = self._fill(self._neutral, resolve, rows_max)
        if self.guard.stopped(now_ms):
            return self._follow_neutral(wishes)
        self.real.prior = self._typed_prior if leads else self._neutral_prior
        return self._fill(self.real, resolve, rows_max)

    def _follow_neutral(self, planned: list[Wish]) -> list[Wish]:
        """The type is stopped: hold what would be held without it, so that nothing it did lives on.

        What is missing for that is fetched as far as the session's budget goes, first what was `planned`, then what
        would go last; the rest is not held, and missing still at the next plan.
        """
        here, there = self.real.cache, self._neutral.cache.copy()
        missing = {wish.key: wish for wish in planned if wish.key not in here}
        for key in reversed(list(there.held())):
            if key not in here and key not in missing:
                missing[key] = Wish(key, -1, -1, self.model.warmth(key))
        wishes = list(missing.values())
        for wish in wishes[self.real.left :]:
            there.drop(wish.key)
        wishes = wishes[: self.real.left]
        self.real.cache = there
        self.real.left -= len(wishes)
        return wishes

    def _fill(self, lane: Lane, resolve: Resolve, rows_max: int) -> list[Wish]:
        wishes: list[Wish] = []
        rows = min(rows_max, lane.left)
        if rows <= 0:
            return wishes
        shares = self.model.shares_next(lane.prior)
        for worth, view, rank in islice(self.model.best(shares), rows * _PLACES_PER_ROW):
            if worth < self.worth_min:
                break
            key = resolve(view, rank)
            if key is None or key in lane.cache:
                continue
            victim = lane.cache.victim()
            if victim is not None and self.model.warmth(victim) >= worth:
                break
            lane.cache.add(key)
            wishes.append(Wish(key, view, rank, worth))
            if len(wishes) == rows:
                break
        lane.left -= len(wishes)
        return wishes
