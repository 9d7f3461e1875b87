"""The one place that wires a device: store, outbox and sync become one database."""

from __future__ import annotations

from bmaddb.service.backup import restore
from bmaddb.service.database import Database
from bmaddb.service.opening import open_database
from bmaddb.service.salvage import salvage

__all__ = ["Database", "open_database", "restore", "salvage"]
