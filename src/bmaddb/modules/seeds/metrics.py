"""The metrics a user's progress may count. `max_delta` is the most one operation may add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_PERIODS: Final = ("all", "month", "week")

# code, most one operation may add, may it be taken back, nl, en
_METRICS: Final = (
    ("sessions_completed", 1, True, "Gesprekken afgerond", "Sessions completed"),
    ("coaching_minutes", 480, True, "Minuten coaching", "Minutes of coaching"),
    ("entries_written", 50, True, "Dagboekstukken geschreven", "Entries written"),
    ("words_written", 20_000, True, "Woorden geschreven", "Words written"),
    ("checkins", 48, True, "Stemmingen gemeten", "Moods measured"),
    ("habits_done", 200, True, "Gewoonten gedaan", "Habits done"),
    ("tasks_done", 200, True, "Taken gedaan", "Tasks done"),
    ("goals_achieved", 20, True, "Doelen bereikt", "Goals achieved"),
    ("wheels_filled", 4, False, "Wielen ingevuld", "Wheels filled in"),
    ("active_days", 1, False, "Actieve dagen", "Active days"),
)
_MILESTONES: Final[Mapping[str, tuple[int, ...]]] = {
    "sessions_completed": (1, 5, 10, 25, 50),
    "entries_written": (1, 10, 50, 100, 365),
    "active_days": (3, 10, 30, 100),
}

METRICS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "code": code,
        "periods": list(_PERIODS),
        "max_delta": max_delta,
        "reversible": reversible,
        "title_i18n": {"nl": nl, "en": en},
        "milestones": [f"{code}.{count}" for count in _MILESTONES.get(code, ())],
    }
    for code, max_delta, reversible, nl, en in _METRICS
)
