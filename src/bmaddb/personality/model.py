"""What somebody really opens: decayed counts of views, and of places in them, over a prior that wears off.

Rules of this room: arithmetic only; the type enters in one place, as the prior, and a user with 200 accesses behind
them has all but outvoted it.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
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
        self.ranks = [[0.0] * RANKS_MAX for _ in range(views)]
        self.rank_totals = [0.0] * views
        self.heat: dict[Key, float] = {}

    def note(self, view: int, rank: int | None, key: Key | None = None) -> None:
        """Somebody opened `key`, which stands at place `rank` of `view`; None: at no place."""
        weight = self.weight = self.weight / DECAY
        self.counts[view] += weight
        self.total += weight
        if rank is not None and rank < RANKS_MAX:
            self.ranks[view][rank] += weight
        self.rank_totals[view] += weight
        if key is not None:
            self.heat[key] = self.heat.get(key, 0.0) + weight
            if len(self.heat) > HEAT_KEYS_MAX:
                self._cool()
        if weight > _WEIGHT_MAX:
            self._rescale(1.0 / weight)

    def shares(self, prior: Sequence[float]) -> list[float]:
        """How likely each view is to be opened next, under this prior; together 1."""
        pseudo = PRIOR_ACCESSES * self.weight
        total = pseudo + self.total
        return [(pseudo * before + seen) / total for before, seen in zip(prior, self.counts, strict=True)]

    def rank_shares(self, view: int) -> list[float]:
        """How likely each place of the view is, given that the view is opened."""
        weight, seen = self.weight, self.ranks[view]
        total = RANK_PRIOR_ACCESSES * weight + self.rank_totals[view]
        return [(weight * before + count) / total for before, count in zip(_RANK_PRIOR, seen, strict=True)]

    def warmth(self, key: Key) -> float:
        """The share of recent accesses that were to `key`: what would be lost with it."""
        return self.heat.get(key, 0.0) / (PRIOR_ACCESSES * self.weight + self.total)

    def best(self, prior: Sequence[float], places: int) -> list[tuple[float, int, int]]:
        """The `places` most valuable places, the best first: (share of all accesses, view, rank)."""
        worth = [
            (share * there, view, rank)
            for view, share in enumerate(self.shares(prior))
            for rank, there in enumerate(self.rank_shares(view))
        ]
        return nlargest(places, worth)

    def fill(self, shares: Sequence[float], accesses: float) -> None:
        """Begin with what was kept: decayed shares of the views, of `accesses` accesses."""
        self.total = accesses * self.weight
        self.counts = [share * self.total for share in shares]

    def _cool(self) -> None:
        kept = nlargest(HEAT_KEYS_MAX // 2, self.heat.items(), key=lambda item: item[1])
        self.heat = dict(kept)

    def _rescale(self, factor: float) -> None:
        self.weight *= factor
        self.total *= factor
        self.counts = [count * factor for count in self.counts]
        self.ranks = [[count * factor for count in row] for row in self.ranks]
        self.rank_totals = [count * factor for count in self.rank_totals]
        self.heat = {key: heat * factor for key, heat in self.heat.items()}
