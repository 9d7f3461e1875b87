"""The device's SQLite file: typed reads and writes, transactions, change capture, migrations."""

from __future__ import annotations

from bmaddb.device.store.cipher import Passphrase, Secret
from bmaddb.device.store.connection import Durability
from bmaddb.device.store.database import Store
from bmaddb.device.store.hooks import AfterCommit, BeforeCommit, CommitDraft, CommitFact, Origin
from bmaddb.device.store.record_cache import CACHE_BYTES
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
