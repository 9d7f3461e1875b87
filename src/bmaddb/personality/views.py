"""The views of the model as queries: what each shows, the newest or nearest first; an application may show its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query import Query
from bmaddb.device.store import Store
from bmaddb.personality.model import RANKS_MAX
from bmaddb.personality.tables import VIEWS

SHOWN: Final[Mapping[str, tuple[str, str, bool]]] = {
    "journal_recent": ("journal_entries", "occurred_at", True),
    "journal_history": ("journal_entries", "entry_date", False),
    "moods": ("mood_checkins", "updated_at", True),
    "chat": ("messages", "sent_at", True),
    "sessions": ("coaching_sessions", "updated_at", True),
    "tasks": ("tasks", "updated_at", True),
    "goals": ("goals", "updated_at", True),
    "habits": ("habits", "updated_at", True),
    "reminders": ("reminders", "updated_at", True),
    "life_wheel": ("life_area_assessments", "updated_at", True),
    "domains": ("met24_progress", "updated_at", True),
    "insights": ("mbti_insights", "valid_from", True),
    "content": ("content_states", "updated_at", True),
    "links": ("record_links", "strength", True),
    "contacts": ("contacts", "last_touch_at", True),
    "stats": ("user_progress", "updated_at", True),
    "media": ("attachments", "updated_at", True),
    "memories": ("ai_memories", "updated_at", True),
    "account": ("users", "updated_at", True),
}
"""The table whose rows a view shows, the column they are ordered by, and whether the largest comes first."""


class Views:
    """By name of the view, the query of its first rows. Views whose table no module declares are not there."""

    def __init__(self, store: Store) -> None:
        self._queries: dict[str, Query[Any]] = {}
        for view, (table, column, descending) in SHOWN.items():
            record = store.catalog.records.get(table)
            if record is not None and column in record.__table__.by_name:
                order: Any = getattr(record, column)
                query = store.query(record).order_by(order.desc() if descending else order, _id_of(record))
                self._queries[view] = query.limit(RANKS_MAX)

    def __contains__(self, view: object) -> bool:
        return view in self._queries

    def query(self, view: str) -> Query[Any]:
        """What the view shows first, at most 48 rows; SettingsError for a view that is not there."""
        try:
            return self._queries[view]
        except KeyError:
            raise e.SettingsError(f"there is no view {view!r} here", hint=", ".join(self._queries)) from None

    def show(self, view: str, query: Query[Any]) -> None:
        """From now on `view`, one of the twenty, shows `query`; only its first 48 rows are ever fetched ahead."""
        if view not in VIEWS:
            raise e.SettingsError(f"no such view: {view}", hint=", ".join(VIEWS))
        self._queries[view] = query if query.plan.limit is not None else query.limit(RANKS_MAX)


def _id_of(record: Any) -> Any:
    return record.id
