"""bmaddb: an offline-first SQLite database that syncs with Postgres, and loses nothing."""

from __future__ import annotations

from bmaddb.errors import BmadError
from bmaddb.service.database import Database
from bmaddb.service.opening import open_database as open  # the word of the field for this

__all__ = ["BmadError", "Database", "open"]
