"""The analytics events that may be stored. A property not listed here, or any free text, is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FLAG: Final = {"type": "boolean"}
_COUNT: Final = {"type": "integer", "minimum": 0, "maximum": 1_000_000}
_SHARE: Final = {"type": "integer", "minimum": 0, "maximum": 100}


def _one_of(*codes: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(codes)}


_COACHES: Final = _one_of("ai", "human", "self")

# name, essential (allowed at level "essential"), properties
_EVENTS: Final[tuple[tuple[str, bool, Mapping[str, Any]], ...]] = (
    ("app.opened", True, {"cold": _FLAG}),
    ("app.error", True, {"kind": _one_of("store", "sync", "query", "other"), "handled": _FLAG}),
    ("sync.finished", True, {"result": _one_of("ok", "partial", "failed", "offline"), "conflicts": _COUNT}),
    ("onboarding.step_done", True, {"position": _COUNT, "skipped": _FLAG}),
    ("onboarding.completed", True, {"steps_skipped": _COUNT}),
    ("session.started", False, {"coach": _COACHES}),
    ("session.completed", False, {"coach": _COACHES, "rated": _FLAG}),
    ("session.cancelled", False, {"coach": _COACHES}),
    (
        "journal.entry_saved",
        False,
        {"type": _one_of("free", "prompted", "gratitude", "other"), "words": _COUNT},
    ),
    ("mood.checked_in", False, {"source": _one_of("manual", "session", "journal", "widget")}),
    ("task.completed", False, {"overdue": _FLAG}),
    ("goal.achieved", False, {"horizon": _one_of("week", "month", "quarter", "year", "life")}),
    ("habit.logged", False, {"state": _one_of("done", "partial", "skipped")}),
    ("wheel.submitted", False, {"kind": _one_of("quick", "full", "session", "quarterly"), "areas": _COUNT}),
    (
        "content.opened",
        False,
        {"kind": _one_of("article", "exercise", "prompt", "practice", "path", "other")},
    ),
    ("content.completed", False, {"progress": _SHARE}),
    ("search.used", False, {"results": _COUNT}),
)

EVENTS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "name": name,
        "essential": essential,
        "properties": {"type": "object", "properties": dict(properties), "additionalProperties": False},
    }
    for name, essential, properties in _EVENTS
)
