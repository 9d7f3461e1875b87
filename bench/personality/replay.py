"""One trace through one policy: what was held when it was asked for, and what fetching ahead cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.personality.evictions import EVICTIONS
from bench.personality.traces import Trace
from bmaddb.personality import AdaptiveCache, Mode, prior_shares
from bmaddb.personality.caches import Cache, Key
from bmaddb.personality.policies import fixed_places

DAY_MS = 24 * 3600 * 1000
TYPE_WEIGHT = 0.25  # the most the code allows: of a type that was answered with full confidence
PREFETCHES = ("none", "neutral", "static", "typed", "guarded", "oracle")
Resolve = Callable[[int, int], Key | None]


@dataclass(slots=True)
class Outcome:
    """`hits`: one byte an access, 1 a hit. `first`: where each session begins in it.

    Of the rows `fetched` ahead, `used` were opened in the same session, and `used_later` in another one, while held.
    """

    hits: bytearray = field(default_factory=bytearray)
    first: list[int] = field(default_factory=list)
    fetched: int = 0
    used: int = 0
    used_later: int = 0
    fetched_most: int = 0
    switches: int = 0
    stops: int = 0

    def share(self, sessions: slice = slice(None)) -> float:
        """The share of hits in these sessions."""
        begins = [*self.first, len(self.hits)]
        start, stop, _ = sessions.indices(len(self.first))
        part = self.hits[begins[start] : begins[stop]]
        return sum(part) / len(part) if part else 0.0


class Arm(Protocol):
    """A policy under test."""

    def session(self, number: int, resolve: Resolve) -> Sequence[Key]: ...

    def access(self, view: int, rank: int, key: Key) -> bool: ...

    def idle(self, resolve: Resolve) -> Sequence[Key]: ...

    def wrote(self, key: Key) -> None: ...


class Plain:
    """A cache alone."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache

    def session(self, number: int, resolve: Resolve) -> Sequence[Key]:
        return ()

    def access(self, view: int, rank: int, key: Key) -> bool:
        if self.cache.hit(key):
            return True
        self.cache.add(key)
        return False

    def idle(self, resolve: Resolve) -> Sequence[Key]:
        return ()

    def wrote(self, key: Key) -> None:
        self.cache.add(key)


class Static(Plain):
    """The vision's rule: at the start of a session the same places for everybody of a type."""

    def __init__(self, cache: Cache, declared: dict[int, str], budget: int) -> None:
        super().__init__(cache)
        self.declared, self.budget, self.code = declared, budget, declared[0]

    def session(self, number: int, resolve: Resolve) -> Sequence[Key]:
        self.code = self.declared.get(number, self.code)
        keys = [resolve(view, rank) for view, rank in fixed_places(self.code, self.budget)]
        fresh = [key for key in keys if key is not None and key not in self.cache]
        for key in fresh:
            self.cache.add(key)
        return fresh


class Adaptive:
    """What is shipped, in one of its modes."""

    def __init__(self, trace: Trace, mode: Mode, size: int, budget: int, make: Callable[[int], Cache]) -> None:
        self.day = 0
        self.declared = trace.declared
        self.cache = AdaptiveCache(
            now_ms=lambda: self.day * DAY_MS,
            size=size,
            budget=budget,
            mode=mode,
            typed_prior=prior_shares(trace.declared[0], TYPE_WEIGHT),
            make=make,
        )

    def session(self, number: int, resolve: Resolve) -> Sequence[Key]:
        self.day = number
        if number and number in self.declared:
            self.cache.retype(prior_shares(self.declared[number], TYPE_WEIGHT))
        return [wish.key for wish in self.cache.begin_session(resolve)]

    def idle(self, resolve: Resolve) -> Sequence[Key]:
        return [wish.key for wish in self.cache.idle(resolve)]

    def access(self, view: int, rank: int, key: Key) -> bool:
        return self.cache.access(view, rank, key)

    def wrote(self, key: Key) -> None:
        self.cache.wrote(key)


def arm_of(trace: Trace, eviction: str, prefetch: str, size: int, budget: int) -> Arm:
    """The policy of these names for this trace."""
    make = EVICTIONS[eviction]
    if prefetch == "none":
        return Plain(make(size))
    if prefetch == "static":
        return Static(make(size), trace.declared, budget)
    if prefetch == "oracle":
        oracle = Adaptive(trace, "neutral", size, budget, make)
        oracle.cache.retype(trace.shares)
        oracle.cache.real.prior = trace.shares
        return oracle
    modes: dict[str, Mode] = {"neutral": "neutral", "typed": "typed", "guarded": "guarded"}
    return Adaptive(trace, modes[prefetch], size, budget, make)


def replay(trace: Trace, arm: Arm) -> Outcome:
    """Run the trace; a write puts the row into the cache and counts as no demand."""
    counts = list(trace.rows_at_first)
    outcome = Outcome()
    ahead: dict[Key, int] = {}
    session = view = -1
    in_session = 0

    def resolve(view: int, rank: int) -> Key | None:
        return (view, counts[view] - 1 - rank) if rank < counts[view] else None

    def came(keys: Sequence[Key]) -> int:
        ahead.update(dict.fromkeys(keys, session))
        outcome.fetched += len(keys)
        return len(keys)

    for event in trace.events:
        if event.session != session:
            session, view = event.session, -1
            outcome.first.append(len(outcome.hits))
            in_session = came(arm.session(session, resolve))
        key = (event.view, event.row)
        if event.op == "w":
            counts[event.view] += 1
            arm.wrote(key)
            continue
        hit = arm.access(event.view, counts[event.view] - 1 - event.row, key)
        outcome.hits.append(hit)
        since = ahead.pop(key, None)
        if since is not None and hit:
            outcome.used += since == session
            outcome.used_later += since != session
        if event.view != view:
            view = event.view
            in_session += came(arm.idle(resolve))
        outcome.fetched_most = max(outcome.fetched_most, in_session)
    if isinstance(arm, Adaptive):
        outcome.switches, outcome.stops = arm.cache.guard.switches, arm.cache.guard.stops
    return outcome


def belady(trace: Trace, size: int) -> Outcome:
    """MIN: what is needed again last goes; the optimum of caches that fetch nothing ahead."""
    next_use: list[int] = [0] * len(trace.events)
    upcoming: dict[Key, int] = {}
    for place in range(len(trace.events) - 1, -1, -1):
        event = trace.events[place]
        key = (event.view, event.row)
        next_use[place] = upcoming.get(key, len(trace.events) + place)
        upcoming[key] = place
    held: dict[Key, int] = {}
    outcome, session = Outcome(), -1
    for place, event in enumerate(trace.events):
        if event.session != session:
            session = event.session
            outcome.first.append(len(outcome.hits))
        key = (event.view, event.row)
        if event.op == "r":
            outcome.hits.append(key in held)
        held[key] = next_use[place]
        if len(held) > size:
            del held[max(held, key=lambda kept: held[kept])]
    return outcome
