"""Full-text search: one FTS5 index over all searchable columns, which follows the tables late and never lies."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bmaddb.device.store.search.limits import MARKS, SNIPPET_WORDS

if TYPE_CHECKING:
    from bmaddb.device.store.search.found import Found
    from bmaddb.device.store.search.index import SearchIndex

__all__ = ["MARKS", "SNIPPET_WORDS", "Found", "SearchIndex"]
_HOMES = {"Found": "found", "SearchIndex": "index"}


def __getattr__(name: str) -> Any:
    """Load the part that is asked for: who opens a file does not search yet."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
