"""How large a transaction is as the server reads it: one that could never be sent is refused at its commit.

Rules of this room: a small transaction is not looked at, a large one is estimated from above without decoding it,
and only one that may be too large is made into JSON to be measured.
"""

from __future__ import annotations

from typing import Final

import apsw

from bmaddb import errors as e
from bmaddb.device.outbox.entries import decode_changeset
from bmaddb.device.outbox.layouts import Layouts
from bmaddb.device.store import CommitDraft, Store
from bmaddb.protocol.changes import ENTRY_BYTES_MAX, Op, outgoing
from bmaddb.schema.kinds import Kind

UNSEEN_BYTES_MAX: Final = ENTRY_BYTES_MAX // 16
"""Nothing is written sixteen times as long in JSON as in a changeset."""
_ESCAPED: Final = bytes(range(0x20))
_QUOTED: Final = (b'"', b"\\")
_ESCAPE_BYTES: Final = 5
_PUNCTUATION_BYTES: Final = 4
_UPDATE_BYTES: Final = 96
_ENVELOPE_BYTES: Final = 1_024
_UPDATE: Final = bytes((apsw.SQLITE_UPDATE,))
"""An update begins with it in a changeset; what is in the values makes a count of these too high, never too low."""
MIB: Final = 1024 * 1024


class Sizing:
    """A hook before the commit."""

    def __init__(self, store: Store, layouts: Layouts) -> None:
        self._catalog = store.catalog
        self._layouts = layouts

    def check(self, draft: CommitDraft) -> None:
        """StoreError for a transaction that no push could carry."""
        if len(draft.changeset) <= UNSEEN_BYTES_MAX or self._at_most(draft) <= ENTRY_BYTES_MAX:
            return
        size, rows = self._exactly(draft.changeset)
        if size > ENTRY_BYTES_MAX:
            raise e.StoreError(
                f"the transaction has {size / MIB:.1f} MiB as it would be sent, and a server takes at most"
                f" {ENTRY_BYTES_MAX / MIB:.1f} MiB at once",
                hint=f"split it: about {max(1, rows * ENTRY_BYTES_MAX // (2 * size)):,} of such rows in one write",
            )

    def _at_most(self, draft: CommitDraft) -> int:
        """More bytes than the JSON can have, but for numbers of many digits; a few milliseconds for many rows."""
        text = draft.changeset
        controls = len(text) - len(text.translate(None, _ESCAPED))
        quoted = sum(map(text.count, _QUOTED))
        size = len(text) + controls * _ESCAPE_BYTES + quoted
        if any(column.kind is Kind.BLOB for name in draft.tables for column in self._catalog.table(name).columns):
            size += len(text) // 3  # base64
        names = {name: self._names_of(name) for name in draft.tables}
        size += _ENVELOPE_BYTES
        loosely = size + text.count(_UPDATE) * max(names.values())
        if loosely <= ENTRY_BYTES_MAX:
            return loosely
        updates = (change.name for change in apsw.Changeset.iter(text) if change.opcode == apsw.SQLITE_UPDATE)
        return size + sum(map(names.__getitem__, updates))

    def _names_of(self, table: str) -> int:
        """What an update names its columns with, at most."""
        return sum(len(name) + _PUNCTUATION_BYTES for name in self._catalog.table(table).by_name) + _UPDATE_BYTES

    def _exactly(self, changeset: bytes) -> tuple[int, int]:
        """How many bytes the entry would have, and of how many rows."""
        from bmaddb.protocol.codec import encode
        from bmaddb.protocol.messages import WireEntry

        version = self._catalog.version
        layout = self._layouts.find(self._layouts.current) or {}
        changes = decode_changeset(changeset, layout, self._catalog, self._layouts.upgrade.names(version))
        based = {change.key: 1 << 40 for change in changes if change.op is not Op.INSERT}
        told = outgoing(self._catalog, changes, based)
        message = WireEntry(number=1 << 40, schema_version=version, hlc="0" * 40, changes=told)
        return len(encode(message)) + _ENVELOPE_BYTES, len(changes)
