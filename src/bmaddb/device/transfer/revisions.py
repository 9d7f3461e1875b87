"""What an import replaces of a journal is kept first, as a revision."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.transfer.journal_entries import hash_of
from bmaddb.modules.chat_journal import JournalEntry, JournalRevision
from bmaddb.schema.kinds import Kind, from_raw
from bmaddb.schema.records import Record

_BODY: Final = "body"


@contextmanager
def keeping_body(tx: WriteTransaction, store: Store, found: Record, differs: Collection[str]) -> Iterator[None]:
    """Around an update of the columns `differs` of `found`: both, or neither."""
    if not isinstance(found, JournalEntry) or _BODY not in differs or JournalRevision not in _records(store):
        yield
        return
    with tx.savepoint():
        tx.insert(
            JournalRevision,
            entry_id=found.id,
            content_hash=hash_of(found.body),
            body_delta=found.body,
            is_full=True,
            reason="import",
            captured_at=from_raw(Kind.TS, store.clock.now_ms()),
        )
        yield


def _records(store: Store) -> Collection[type[Record]]:
    return store.catalog.records.values()
