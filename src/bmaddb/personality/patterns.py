"""Queries that each function would plausibly like: fixed SQL that an application may show as a suggestion.

Which of them are suggested follows from the type; what each gives is the same for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.personality.functions import stack_of

FUNCTION_PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "Te": ("due_board", "goal_burndown", "week_figures"),
    "Ti": ("faceted_search", "evidence_trace", "compare_periods"),
    "Fe": ("people_to_reach", "session_with_people", "mood_by_company"),
    "Fi": ("value_reread", "mood_with_words", "long_entry"),
    "Ne": ("two_hop_links", "half_read", "random_old_row"),
    "Ni": ("theme_over_months", "goal_ladder", "insight_chain"),
    "Se": ("today_feed", "quick_checkin", "photo_grid"),
    "Si": ("on_this_day", "habit_grid", "same_week_last_year"),
}
STACK_PLACES: Final = 3
_SQL: Final = statements.load("bmaddb.personality", "sql/patterns.sql")
_PARAMETERS: Final = {name: tuple(dict.fromkeys(re.findall(r":(\w+)", text))) for name, text in _SQL.items()}


def patterns_of(code: str) -> tuple[str, ...]:
    """The patterns of the type: of its dominant function, then the auxiliary, then the tertiary."""
    return tuple(name for function in stack_of(code)[:STACK_PLACES] for name in FUNCTION_PATTERNS[function])


def parameters_of(pattern: str) -> tuple[str, ...]:
    """What a pattern must be told; SettingsError for one that is not there."""
    if pattern not in _PARAMETERS:
        raise e.SettingsError(f"there is no pattern {pattern!r}", hint=", ".join(sorted(_PARAMETERS)))
    return _PARAMETERS[pattern]


def run_pattern(store: Store, pattern: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its rows, at most 200, as SQLite holds them: times are milliseconds, lists JSON.

    SettingsError for another pattern, or when a parameter is missing or not one of it.
    """
    names = parameters_of(pattern)
    if set(names) != set(values):
        raise e.SettingsError(f"{pattern} needs {', '.join(names) or 'nothing'}", hint="give each by its name")
    with store.read() as connection:
        cursor = connection.execute(_SQL[pattern], dict(values))
        columns = _columns(cursor)
        return [dict(zip(columns, row, strict=True)) for row in cursor]


def _columns(cursor: apsw.Cursor) -> list[str]:
    try:
        return [name for name, _ in cursor.get_description()]
    except apsw.ExecutionCompleteError:
        return []  # it gave no row
