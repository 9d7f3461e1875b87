"""Full-text search: one FTS5 index over all searchable columns, which follows the tables late and never lies."""

from __future__ import annotations

from bmaddb.device.store.search.found import MARKS, SNIPPET_WORDS, Found
from bmaddb.device.store.search.index import SearchIndex

__all__ = ["MARKS", "SNIPPET_WORDS", "Found", "SearchIndex"]
