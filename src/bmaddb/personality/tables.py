"""Which views there are, and what each function would plausibly look at first: hypotheses, not findings.

Nothing was found that links a type to the use of a database; docs/personality.md measures what these figures are worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from bmaddb.personality.functions import FUNCTIONS, STACK_WEIGHTS, stack_of

VIEWS: Final = (
    "journal_recent",
    "journal_history",
    "moods",
    "chat",
    "sessions",
    "tasks",
    "goals",
    "habits",
    "reminders",
    "life_wheel",
    "domains",
    "insights",
    "content",
    "links",
    "search",
    "contacts",
    "stats",
    "media",
    "memories",
    "account",
)
VIEW_NUMBERS: Final[Mapping[str, int]] = {view: number for number, view in enumerate(VIEWS)}
_BASE_WEIGHTS: Final = (14, 2, 7, 12, 6, 12, 6, 8, 5, 4, 2.5, 4, 6, 1.5, 3, 3, 4, 3, 1, 2)
"""A guess of the shares of a population; to be replaced by figures that people agreed to give."""

# One weight from 0 to 10 for each view, in the order of VIEWS.
_FUNCTION_WEIGHTS: Final[Mapping[str, tuple[int, ...]]] = {
    "Te": (2, 1, 1, 3, 5, 10, 9, 5, 7, 5, 3, 3, 4, 2, 4, 2, 8, 1, 1, 3),
    "Ti": (5, 3, 2, 5, 4, 4, 3, 2, 1, 4, 8, 7, 8, 7, 8, 1, 6, 1, 4, 2),
    "Fe": (4, 3, 6, 9, 7, 4, 4, 3, 5, 6, 2, 4, 4, 2, 2, 10, 2, 5, 4, 1),
    "Fi": (10, 6, 9, 4, 5, 2, 5, 3, 1, 7, 6, 6, 4, 4, 2, 3, 1, 5, 6, 1),
    "Ne": (5, 2, 2, 7, 4, 2, 4, 1, 1, 4, 6, 7, 9, 10, 6, 4, 2, 3, 4, 1),
    "Ni": (7, 4, 3, 4, 6, 4, 8, 3, 2, 6, 8, 9, 6, 7, 4, 2, 4, 1, 5, 1),
    "Se": (4, 1, 6, 6, 4, 7, 3, 7, 6, 3, 1, 2, 4, 2, 2, 6, 4, 8, 1, 2),
    "Si": (7, 9, 5, 3, 5, 6, 4, 9, 7, 5, 2, 3, 3, 2, 4, 3, 6, 5, 4, 3),
}


class Features(NamedTuple):
    """How suggested sections are ordered and how much of them is shown.

    `chronological`, `associative`, `priority`: shares of three orders, together 1. `grain`: 0 overview, 1 all detail.
    `write`: the expected share of writes. `breadth` views, `depth` rows of each, `ahead_days` for rows with a date,
    `nudges_per_day_max`.
    """

    chronological: float
    associative: float
    priority: float
    grain: float
    write: float
    breadth: float
    depth: float
    ahead_days: float
    nudges_per_day_max: float


FUNCTION_FEATURES: Final[Mapping[str, Features]] = {
    "Te": Features(0.2, 0.1, 0.7, 0.45, 0.35, 7, 5, 14, 3),
    "Ti": Features(0.2, 0.5, 0.3, 0.8, 0.25, 5, 8, 3, 0),
    "Fe": Features(0.5, 0.3, 0.2, 0.4, 0.45, 9, 4, 7, 3),
    "Fi": Features(0.6, 0.3, 0.1, 0.7, 0.55, 4, 9, 1, 1),
    "Ne": Features(0.1, 0.8, 0.1, 0.25, 0.4, 11, 3, 1, 1),
    "Ni": Features(0.15, 0.6, 0.25, 0.3, 0.35, 6, 6, 30, 1),
    "Se": Features(0.8, 0.05, 0.15, 0.6, 0.6, 8, 4, 1, 3),
    "Si": Features(0.8, 0.05, 0.15, 0.85, 0.4, 5, 9, 7, 2),
}

INDEX_WEIGHTS: Final[Mapping[str, Mapping[str, int]]] = {
    "on_this_day": {"Si": 9, "Fi": 4, "Ni": 2},
    "entry_mood": {"Fi": 8, "Fe": 4, "Si": 2},
    "link_strength": {"Ne": 9, "Ni": 7, "Ti": 6},
    "task_due": {"Te": 9, "Si": 6, "Se": 2},
    "task_recent": {"Se": 7, "Ne": 4, "Ti": 2},
    "contact_touch": {"Fe": 9, "Se": 5, "Ne": 2},
    "answer_useful": {"Ti": 5, "Ni": 3, "Fe": 3},
    "insight_function": {"Ni": 8, "Ti": 6, "Fi": 3},
    "area_trend": {"Si": 5, "Te": 5, "Fi": 5, "Ni": 4},
    "habit_grid": {"Si": 9, "Te": 4, "Se": 6},
    "content_open": {"Ne": 8, "Ti": 6, "Ni": 3},
    "photo_time": {"Se": 8, "Si": 5, "Fe": 4},
    "goal_ladder": {"Ni": 8, "Te": 8, "Fi": 3},
    "domain_focus": {"Ti": 6, "Ni": 7, "Fi": 4},
}
"""What each function would gain of an optional index, 0 to 10."""

VIEW_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "journal_recent": ("journal_entries", "journal_revisions"),
    "journal_history": ("journal_entries", "journal_revisions"),
    "moods": ("mood_checkins",),
    "chat": ("conversations", "messages"),
    "sessions": ("coaching_sessions",),
    "tasks": ("tasks",),
    "goals": ("goals",),
    "habits": ("habits", "habit_logs", "user_progress"),
    "reminders": ("reminders",),
    "life_wheel": ("life_area_assessments", "life_area_scores"),
    "domains": ("met24_progress",),
    "insights": ("mbti_insights",),
    "content": ("content_items", "content_states"),
    "links": ("record_links",),
    "search": (),
    "contacts": ("contacts",),
    "stats": ("user_progress", "feature_usage_daily"),
    "media": ("attachments",),
    "memories": ("ai_memories",),
    "account": ("users", "subscriptions", "entitlements"),
}
"""Whose rows a view shows; search goes through the text index."""


def normalised(weights: tuple[float, ...]) -> tuple[float, ...]:
    """The same weights with the sum 1."""
    total = sum(weights)
    return tuple(weight / total for weight in weights)


BASE_SHARES: Final = normalised(_BASE_WEIGHTS)


@cache
def function_shares(function: str) -> tuple[float, ...]:
    """What `function` would look at, as shares of the views."""
    return normalised(tuple(float(weight) for weight in _FUNCTION_WEIGHTS[function]))


@cache
def type_shares(code: str) -> tuple[float, ...]:
    """What the type would look at, as shares of the views: its stack's functions, weighed by their place."""
    rows = [function_shares(function) for function in stack_of(code)]
    return tuple(
        sum(weight * row[view] for weight, row in zip(STACK_WEIGHTS, rows, strict=True)) for view in range(len(VIEWS))
    )


@cache
def type_features(code: str) -> Features:
    """The features of the type: its stack's functions, weighed by their place."""
    rows = [FUNCTION_FEATURES[function] for function in stack_of(code)]
    return Features(
        *(sum(w * row[field] for w, row in zip(STACK_WEIGHTS, rows, strict=True)) for field in range(len(rows[0])))
    )


@cache
def index_wishes(code: str) -> tuple[str, ...]:
    """The optional indexes the type would gain of, the most useful first; those of no use left out."""
    worth = {name: _worth(weights, code) for name, weights in INDEX_WEIGHTS.items()}
    return tuple(sorted((name for name, gain in worth.items() if gain > 0), key=lambda name: (-worth[name], name)))


def _worth(weights: Mapping[str, int], code: str) -> float:
    return sum(place * weights.get(function, 0) for place, function in zip(STACK_WEIGHTS, stack_of(code), strict=True))


if set(_FUNCTION_WEIGHTS) != set(FUNCTIONS) or any(len(row) != len(VIEWS) for row in _FUNCTION_WEIGHTS.values()):
    raise AssertionError("every function has a weight for every view")
