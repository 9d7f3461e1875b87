"""The tables whose rows others follow from: when rows of them come by sync, the file is reconciled.

Rules of this room: names only, so that who opens a database need not load the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CONCERNED: Final = frozenset(
    {
        "coaching_sessions",
        "consent_records",
        "conversations",
        "extension_records",
        "goals",
        "habit_logs",
        "habits",
        "journal_entries",
        "life_area_assessments",
        "life_area_scores",
        "mbti_profiles",
        "messages",
        "tags",
        "tasks",
        "usage_counters",
        "user_life_areas",
        "user_preferences",
        "user_progress",
    }
)
FOLLOWERS: Final[Mapping[str, frozenset[str]]] = {
    "habit_logs": frozenset({"habits"}),
    "life_area_scores": frozenset({"life_area_assessments"}),
    "messages": frozenset({"conversations"}),
    "user_life_areas": frozenset({"life_area_assessments"}),
}
"""Table -> those of which a row may follow from one of its rows that is gone."""
