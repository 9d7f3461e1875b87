"""The one place that wires a device: store, outbox and sync become one database."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmaddb.service.backup import restore
    from bmaddb.service.database import Database
    from bmaddb.service.opening import open_database
    from bmaddb.service.salvaging import salvage

__all__ = [
    "Database",
    "open_database",
    "restore",
    "salvage",
]
_HOMES = {
    "restore": "bmaddb.service.backup",
    "Database": "bmaddb.service.database",
    "open_database": "bmaddb.service.opening",
    "salvage": "bmaddb.service.salvaging",
}


def __getattr__(name: str) -> Any:
    """Load the part that is asked for, and no other: who only opens a file waits for nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
