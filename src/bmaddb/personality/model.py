"""What somebody really opens: decayed counts of views, and of places in them, over a prior that wears off.

Rules of this room: arithmetic only; the type enters in one place, as the prior, and a user with 200 accesses behind
them has all but outvoted it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heapreplace, nlargest
from typing import Final

from bmaddb.personality.caches import Key
from bmaddb.personality.tables import BASE_SHARES, type_shares

PRIOR_ACCESSES: Final = 12.0
"""How many accesses the prior counts as."""
DECAY: Final = 0.995
"""What an access is worth after each later one; the memory is about 200 accesses."""
RANKS_MAX: Final = 48
"""Places of a view, the first being 0, that are counted and may be fetched ahead."""
RANK_PRIOR_ACCESSES: Final = 6.0
RANK_DECAY: Final = 0.98
"""The same for places in a view, counted in accesses to that view: its memory is about 50 of them."""
FOLLOW_PRIOR_ACCESSES: Final = 4.0
"""How many steps from a view the shares of all views count as, when the next step is foretold."""
HEAT_KEYS_MAX: Final = 1024
_WEIGHT_MAX: Final = 1e12

_ZIPF: Final = [1.0 / (place + 1) for place in range(RANKS_MAX)]
_RANK_PRIOR: Final = [RANK_PRIOR_ACCESSES * share / sum(_ZIPF) for share in _ZIPF]


def prior_shares(code: str | None, weight: float) -> tuple[float, ...]:
    """Shares of the views before anything was opened: the base rates, and a part `weight` (0 to 1) of the type's."""
    if code is None or weight <= 0:
        return BASE_SHARES
    return tuple((1 - weight) * base + weight * own for base, own in zip(BASE_SHARES, type_shares(code), strict=True))


class UseModel:
    """Counts of accesses to `views` views. New accesses weigh more and more, instead of old ones less and less."""

    def __init__(self, views: int) -> None:
        self.views = views
        self.weight = 1.0
        self.counts = [0.0] * views
        self.total = 0.0
        self.rank_weights = [1.0] * views
        self.ranks = [[0.0] * RANKS_MAX for _ in range(views)]
        self.rank_totals = [0.0] * views
        self.heat: dict[Key, float] = {}
        self.follows = [[0.0] * views for _ in range(views)]
        self.follow_totals = [0.0] * views
        self.last: int | None = None
        self._sorted: list[list[tuple[float, int]] | None] = [None] * views

    def note(self, view: int, rank: int | None, key: Key | None = None) -> None:
        """Somebody opened `key`, which stands at place `rank` of `view`; None: at no place."""
        weight = self.weight = self.weight / DECAY
        self.counts[view] += weight
        self.total += weight
        if self.last is not None:
            self.follows[self.last][view] += weight
            self.follow_totals[self.last] += weight
        self.last = view
        there = self.rank_weights[view] = self.rank_weights[view] / RANK_DECAY
        self.rank_totals[view] += there
        if rank is not None and rank < RANKS_MAX:
            self.ranks[view][rank] += there
        self._sorted[view] = None
        if key is not None:
            self.heat[key] = self.heat.get(key, 0.0) + weight
            if len(self.heat) > HEAT_KEYS_MAX:
                self._cool()
        if weight > _WEIGHT_MAX:
            self._rescale(1.0 / weight)
        if there > _WEIGHT_MAX:
            self._rescale_view(view, 1.0 / there)

    def shares(self, prior: Sequence[float]) -> list[float]:
        """How likely each view is to be opened next, under this prior; together 1."""
        pseudo = PRIOR_ACCESSES * self.weight
        total = pseudo + self.total
        return [(pseudo * before + seen) / total for before, seen in zip(prior, self.counts, strict=True)]

    def shares_next(self, prior: Sequence[float]) -> list[float]:
        """The same, given the view that was opened last in this session."""
        shares = self.shares(prior)
        if self.last is None:
            return shares
        pseudo = FOLLOW_PRIOR_ACCESSES * self.weight
        total = pseudo + self.follow_totals[self.last]
        return [(pseudo * share + seen) / total for share, seen in zip(shares, self.follows[self.last], strict=True)]

    def rank_shares(self, view: int) -> list[float]:
        """How likely each place of the view is, given that the view is opened."""
        weight, seen = self.rank_weights[view], self.ranks[view]
        total = RANK_PRIOR_ACCESSES * weight + self.rank_totals[view]
        return [(weight * before + count) / total for before, count in zip(_RANK_PRIOR, seen, strict=True)]

    def warmth(self, key: Key) -> float:
        """The share of recent accesses that were to `key`: what would be lost with it."""
        return self.heat.get(key, 0.0) / (PRIOR_ACCESSES * self.weight + self.total)

    def best(self, shares: Sequence[float]) -> Iterator[tuple[float, int, int]]:
        """Every place, the most valuable first, for these shares of the views: (share of accesses, view, rank)."""
        places = [known or self._places(view) for view, known in enumerate(self._sorted)]
        heap = [(-share * places[view][0][0], view, 0) for view, share in enumerate(shares)]
        heapify(heap)
        while heap:
            worth, view, place = heap[0]
            yield -worth, view, places[view][place][1]
            if place + 1 < RANKS_MAX:
                heapreplace(heap, (-shares[view] * places[view][place + 1][0], view, place + 1))
            else:
                heappop(heap)

    def _places(self, view: int) -> list[tuple[float, int]]:
        shares = self.rank_shares(view)
        best = sorted(range(RANKS_MAX), key=shares.__getitem__, reverse=True)  # which keeps the order of what is equal
        known = self._sorted[view] = [(shares[rank], rank) for rank in best]
        return known

    def recall_rank(self, view: int, rank: int, count: float) -> None:
        """Begin with what was kept: a decayed count of a place."""
        self.ranks[view][rank] += count * self.rank_weights[view]
        self.rank_totals[view] += count * self.rank_weights[view]
        self._sorted[view] = None

    def recall_follow(self, view: int, following: int, count: float) -> None:
        """The same of a step from one view to another."""
        self.follows[view][following] += count * self.weight
        self.follow_totals[view] += count * self.weight

    def _cool(self) -> None:
        kept = nlargest(HEAT_KEYS_MAX // 2, self.heat.items(), key=lambda item: item[1])
        self.heat = dict(kept)

    def _rescale(self, factor: float) -> None:
        self.weight *= factor
        self.total *= factor
        self.counts = [count * factor for count in self.counts]
        self.heat = {key: heat * factor for key, heat in self.heat.items()}
        self.follows = [[count * factor for count in row] for row in self.follows]
        self.follow_totals = [count * factor for count in self.follow_totals]

    def _rescale_view(self, view: int, factor: float) -> None:
        self.rank_weights[view] *= factor
        self.rank_totals[view] *= factor
        self.ranks[view] = [count * factor for count in self.ranks[view]]
