"""What came from the server or went there, and nobody has reacted to: noted with the rows, gone with the reaction.

Some rows follow from others, and no merge of single columns sees that; who knows how they follow reacts when rows of
its tables have come. A sync that is killed in between has lost nothing: the next one finds the note.

Rules of this room: a note is written in the transaction of the rows, and taken in that of the reaction; a file that
has none, or one for other tables, is a file in which anything may have come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import apsw
import msgspec

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store, meta
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.digests import row_texts
from bmaddb.protocol.messages import TablePage

IDS_NOTED_MAX: Final = 500
"""Of one table; of more than these any row may have come."""
PAGE_BYTES_MAX: Final = 256 * 1024
"""Of a larger part of a page no ids are read."""
_KEY: Final = "arrived"
Arrived: TypeAlias = Mapping[str, frozenset[str] | None]
"""Table -> ids of rows that came, changed or went; None: any of them. A table that is not there is as it was."""


class Reaction(Protocol):
    """What is done after a sync in which rows of `tables` came.

    It must come to rest: what it writes follows from the stored rows, so that devices that hold the same write the
    same, and nothing where everything fits.
    """

    @property
    def tables(self) -> frozenset[str]: ...
    def __call__(self, store: Store, arrived: Arrived) -> int:
        """Write what follows, in the write of this thread; the answer is how many rows."""
        ...


class _Note(msgspec.Struct, frozen=True):
    """`tables` are those that were listened for."""

    tables: tuple[str, ...]
    rows: dict[str, tuple[str, ...] | None]


def note_parts(outbox: Outbox, connection: apsw.Connection, parts: Iterable[TablePage]) -> None:
    """Parts of a page are written, in this transaction."""
    came = [(part.table, _ids_of(part)) for part in parts if part.table in outbox.listened]
    _note(outbox, connection, came)


def note_rows(outbox: Outbox, connection: apsw.Connection, rows: Iterable[tuple[str, Collection[str]]]) -> None:
    """Rows (table, ids) were merged or removed, in this transaction."""
    _note(outbox, connection, [(table, frozenset(ids)) for table, ids in rows if table in outbox.listened and ids])


def note_keys(outbox: Outbox, connection: apsw.Connection, keys: Iterable[RowKey]) -> None:
    """Rows of our own are on the server now, in this transaction: what follows from them follows here too."""
    rows: dict[str, set[str]] = {}
    for table, row_id in keys:
        rows.setdefault(table, set()).add(row_id)
    note_rows(outbox, connection, rows.items())


def due(connection: apsw.Connection, tables: Collection[str]) -> Arrived:
    """What `tables` wait to be reacted to; nothing when everything is as it was."""
    note = _read(connection, tables)
    if note is None:
        return dict.fromkeys(tables)
    return {table: None if ids is None else frozenset(ids) for table, ids in note.rows.items()}


def react(store: Store, reactions: Sequence[Reaction]) -> int:
    """Let each react to what came, in one transaction with the end of the note; the answer is how many rows."""
    tables = frozenset().union(*(reaction.tables for reaction in reactions))
    if not tables:
        return 0
    with store.read() as connection:
        if not due(connection, tables):
            return 0
    with store.write():
        arrived = due(store.writing_connection, tables)
        written = sum(reaction(store, arrived) for reaction in reactions)
        _write(store.writing_connection, _Note(tuple(sorted(tables)), {}))
    return written


def _note(outbox: Outbox, connection: apsw.Connection, came: Sequence[tuple[str, frozenset[str] | None]]) -> None:
    if not came:
        return
    note = _read(connection, outbox.listened)
    if note is None:
        return  # anything may have come already
    rows = dict(note.rows)
    for table, ids in came:
        known = rows.get(table, ())
        both = None if known is None or ids is None else ids.union(known)
        rows[table] = None if both is None or len(both) > IDS_NOTED_MAX else tuple(sorted(both))
    _write(connection, _Note(note.tables, rows))


def _ids_of(part: TablePage) -> frozenset[str] | None:
    rows = bytes(part.rows)
    if len(rows) > PAGE_BYTES_MAX:
        return None
    place = part.columns.index("id") if part.columns else 0
    return frozenset((*(str(row_values(text)[place]) for text in row_texts(rows)), *part.deleted))


def _read(connection: apsw.Connection, tables: Collection[str]) -> _Note | None:
    """The note for exactly these tables, or None."""
    text = meta.get(connection, _KEY)
    note = None if text is None else msgspec.json.decode(text, type=_Note)
    return note if note is not None and note.tables == tuple(sorted(tables)) else None


def _write(connection: apsw.Connection, note: _Note) -> None:
    meta.put(connection, _KEY, msgspec.json.encode(note).decode())
