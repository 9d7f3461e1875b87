"""bmaddb: an offline-first SQLite database that syncs with Postgres, and loses nothing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bmaddb.errors import BmadError

if TYPE_CHECKING:
    from bmaddb.service import keys
    from bmaddb.service.backup import restore
    from bmaddb.service.database import Database
    from bmaddb.service.opening import open_database as open  # noqa: A004 -- the field's word

    __version__: str

__all__ = ["BmadError", "Database", "keys", "open", "restore"]


def __getattr__(name: str) -> Any:
    """Load the device only for those who ask for it: a server, a tool or a schema needs none."""
    if name == "__version__":
        return import_module("importlib.metadata").version("bmaddb")
    if name not in __all__:
        raise AttributeError(f"module 'bmaddb' has no attribute '{name}'")
    if name == "keys":
        return import_module("bmaddb.service.keys")
    return getattr(import_module("bmaddb.service"), "open_database" if name == "open" else name)
