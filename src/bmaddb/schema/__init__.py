"""What a table is: the language to declare one, and the generators that read it. Text out, no I/O."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bmaddb.schema.catalog import Catalog, Module
from bmaddb.schema.columns import Column, blob, boolean, integer, json, real, text, timestamp
from bmaddb.schema.expressions import all_of, any_of, param, raw
from bmaddb.schema.records import CatalogRecord, LocalRecord, Record, ServerRecord, UserRecord
from bmaddb.schema.rules import (
    KEEP,
    LEGAL_HOLD,
    UNTIL_ACKNOWLEDGED,
    DeleteRule,
    MergeRule,
    Retention,
    Scope,
    Sensitivity,
    archive,
    prune,
)
from bmaddb.schema.tables import Table

if TYPE_CHECKING:
    from bmaddb.schema.counters import total
    from bmaddb.schema.relations import children, parent, through

__all__ = [
    "KEEP",
    "LEGAL_HOLD",
    "UNTIL_ACKNOWLEDGED",
    "Catalog",
    "CatalogRecord",
    "Column",
    "DeleteRule",
    "LocalRecord",
    "MergeRule",
    "Module",
    "Record",
    "Retention",
    "Scope",
    "Sensitivity",
    "ServerRecord",
    "Table",
    "UserRecord",
    "all_of",
    "any_of",
    "archive",
    "blob",
    "boolean",
    "children",
    "integer",
    "json",
    "param",
    "parent",
    "prune",
    "raw",
    "real",
    "text",
    "through",
    "timestamp",
    "total",
]
_HOMES = {
    "children": "bmaddb.schema.relations",
    "parent": "bmaddb.schema.relations",
    "through": "bmaddb.schema.relations",
    "total": "bmaddb.schema.counters",
}


def __getattr__(name: str) -> Any:
    """Relations and sums are for who reads rows: who declares tables needs none."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
