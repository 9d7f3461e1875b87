"""The tables whose rows others follow from: when rows of them come by sync, the file is reconciled.

Rules of this room: names only, so that who opens a database need not load the rules.
"""

from __future__ import annotations

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
