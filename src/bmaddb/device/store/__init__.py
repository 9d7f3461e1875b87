"""The device's SQLite file: typed reads and writes, transactions, change capture, migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bmaddb.device.store.cipher import Passphrase, Secret
from bmaddb.device.store.connection import Durability
from bmaddb.device.store.database import Store
from bmaddb.device.store.hooks import AfterCommit, BeforeCommit, CommitDraft, CommitFact, Origin
from bmaddb.device.store.record_cache import CACHE_BYTES

if TYPE_CHECKING:
    from bmaddb.device.store.transaction import WriteTransaction

__all__ = [
    "CACHE_BYTES",
    "AfterCommit",
    "BeforeCommit",
    "CommitDraft",
    "CommitFact",
    "Durability",
    "Origin",
    "Passphrase",
    "Secret",
    "Store",
    "WriteTransaction",
]


def __getattr__(name: str) -> Any:
    """A write is loaded with the first one: who opens a file may only read."""
    if name != "WriteTransaction":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bmaddb.device.store.transaction import WriteTransaction

    return WriteTransaction
