"""The fixed policy of each type, as the vision writes it: the baseline that the adaptive one is measured against.

It is measurably worse than adapting to real use (docs/personality.md) and is not used unless it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

from bmaddb.personality.functions import checked_type
from bmaddb.personality.tables import VIEW_NUMBERS, VIEWS, type_shares

Scope: TypeAlias = Literal["broad", "balanced", "focused"]
SOCIAL_DATA: Final = ("contacts", "chat", "reminders")
PERSONAL_DATA: Final = ("journal_recent", "moods", "insights")
MINUTE_S: Final = 60

BOOSTS: Final[Mapping[str, Mapping[str, float]]] = {
    "T": {"tasks": 1.3, "goals": 1.3, "stats": 1.2, "domains": 1.1},
    "F": {"moods": 1.3, "contacts": 1.3, "memories": 1.2, "journal_recent": 1.1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """What to keep, how long, and what to load first. A duration bounds memory: no stale row is ever shown for it.

    `breadth` views with `depth` rows of each; `lookahead_days` for rows with a date.
    """

    scope: Scope
    duration_s: int
    preload: tuple[str, ...]
    breadth: int
    depth: int
    lookahead_days: int
    refresh: Literal["fixed times", "on demand"] = "on demand"


NEUTRAL: Final = CachePolicy(
    scope="balanced", duration_s=120 * MINUTE_S, preload=(), breadth=7, depth=5, lookahead_days=3
)


@cache
def fixed_policy(code: str) -> CachePolicy:
    """The policy of the type's letters: E broad and social, I focused and personal; S deeper, N broader; J plans."""
    attitude, perceiving, _, outward = list(checked_type(code))
    broad, detailed, planned = attitude == "E", perceiving == "S", outward == "J"
    return CachePolicy(
        scope="broad" if broad else "focused",
        duration_s=(30 if broad else 240) * MINUTE_S,
        preload=SOCIAL_DATA if broad else PERSONAL_DATA,
        breadth=(9 if broad else 6) + (0 if detailed else 2),
        depth=(4 if broad else 8) + (2 if detailed else 0),
        lookahead_days=7 if planned else 2,
        refresh="fixed times" if planned else "on demand",
    )


@cache
def fixed_views(code: str) -> tuple[str, ...]:
    """The views that the fixed policy of the type loads first, the best first: its preload, then by its shares."""
    policy = fixed_policy(code)
    boosts = BOOSTS[checked_type(code)[2]]
    shares = type_shares(code)
    ranked = sorted(VIEWS, key=lambda view: -shares[VIEW_NUMBERS[view]] * boosts.get(view, 1.0))
    rest = [view for view in ranked if view not in policy.preload]
    return (*policy.preload, *rest)[: policy.breadth]


def fixed_places(code: str, budget: int) -> list[tuple[int, int]]:
    """What the fixed policy fetches ahead: (view, place), at most `budget`; the first rows of its views, row by row."""
    views, depth = fixed_views(code), fixed_policy(code).depth
    places = [(VIEW_NUMBERS[view], rank) for rank in range(depth) for view in views]
    return places[:budget]
