"""Which tables are wanted first, worked out on the device: all that a server learns of it is an order of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bmaddb.personality.tables import VIEW_TABLES, VIEWS
from bmaddb.schema import Catalog

WISHES_MAX: Final = 12


def table_wishes(catalog: Catalog, shares: Sequence[float]) -> tuple[str, ...]:
    """The synced tables behind the views that are expected most, those first; at most 12."""
    synced = {table.name for table in catalog.synced_tables}
    wanted: dict[str, None] = {}
    for view in sorted(range(len(VIEWS)), key=lambda number: -shares[number]):
        wanted.update(dict.fromkeys(table for table in VIEW_TABLES[VIEWS[view]] if table in synced))
    return tuple(wanted)[:WISHES_MAX]
