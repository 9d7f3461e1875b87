"""What came from the server or went there, and nobody has reacted to: noted with the rows, gone with the reaction.

Some rows follow from others, and no merge of single columns sees that; who knows how they follow reacts when rows of
its tables have come. A sync that is killed in between has lost nothing: the next one finds the note.

Where too many came to name them, a table is swept: so many of its rows at each sync, in the order of their ids, until
all were looked at. A first sync of a million rows takes no longer for it, and no write is larger than a push can carry.

Rules of this room: the note (`outbox/unreacted.py`) is written in the transaction of the rows, and taken in that of
the reaction.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

import apsw

from bmaddb import statements
from bmaddb.device.outbox import Outbox, unreacted
from bmaddb.device.outbox.unreacted import IDS_NOTED_MAX
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.protocol.changes import RowKey
from bmaddb.protocol.codec import row_values
from bmaddb.protocol.digests import row_texts
from bmaddb.protocol.messages import TablePage

ROWS_SWEPT_MAX: Final = IDS_NOTED_MAX - 500
"""At one sync. What a sweep wrote is noted when it is on the server: were that not fewer than are noted, it would begin
anew each time."""
PAGE_BYTES_MAX: Final = 256 * 1024
"""Of a larger part of a page no ids are read."""
Arrived: TypeAlias = Mapping[str, frozenset[str] | None]
"""Table -> ids of rows that came, changed or went; None: any of them. A table that is not there is as it was."""
_SQL: Final = statements.load("bmaddb.device.sync", "sql/sync.sql")
_T = TypeVar("_T")
_log = logging.getLogger("bmaddb.sync")


class Reaction(Protocol):
    """What is done after a sync in which rows of `tables` came.

    It must come to rest: what it writes follows from the stored rows, so that devices that hold the same write the
    same, and nothing where everything fits. `followers`: table -> the tables of which a row may follow from one of its
    rows that is gone. What it raises is logged and what it wrote undone: the sync goes on, and the next one asks it
    again.
    """

    @property
    def tables(self) -> frozenset[str]: ...
    @property
    def followers(self) -> Mapping[str, frozenset[str]]: ...
    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        """Write what follows, in the write of this thread; the answer is how many rows. `arrived` has its tables only.

        `partly`: more is looked at later, and what follows from a table as a whole can wait for that.
        """
        ...


def note_parts(outbox: Outbox, connection: apsw.Connection, parts: Iterable[TablePage]) -> None:
    """Parts of a page are written, in this transaction."""
    came = [(part.table, _ids_of(part)) for part in parts if part.table in outbox.listened]
    unreacted.note(connection, outbox.listened, came)


def note_rows(outbox: Outbox, connection: apsw.Connection, rows: Iterable[tuple[str, Collection[str]]]) -> None:
    """Rows (table, ids) were merged or removed, in this transaction."""
    came = [(table, frozenset(ids)) for table, ids in rows if table in outbox.listened and ids]
    unreacted.note(connection, outbox.listened, came)


def note_keys(outbox: Outbox, connection: apsw.Connection, keys: Iterable[RowKey]) -> None:
    """Rows of our own are on the server now, in this transaction: what follows from them follows here too."""
    unreacted.note_keys(connection, outbox.listened, keys)


def due(connection: apsw.Connection, tables: Collection[str]) -> Arrived:
    """What `tables` wait to be reacted to; nothing when everything is as it was."""
    rows, sweep = unreacted.standing(connection, tables)
    return {**{table: frozenset(ids) for table, ids in rows.items()}, **dict.fromkeys(sweep)}


def react(store: Store, reactions: Sequence[Reaction], *, sweeping: bool = True) -> int:
    """Let each react to what came, and to a part of what is swept; the answer is how many rows that wrote.

    It is one transaction with the note of what is done. While a reaction fails, a sweep of its tables stands still, and
    what is swept after them waits.
    """
    tables = frozenset().union(*(reaction.tables for reaction in reactions))
    if not tables:
        return 0
    with store.read() as connection:
        if not due(connection, tables):
            return 0
    with store.write() as tx:
        connection = store.writing_connection
        rows, sweep = unreacted.standing(connection, tables)
        noted, swept = {table: tuple(ids) for table, ids in rows.items()}, dict(sweep)
        room = ROWS_SWEPT_MAX if sweeping else 0
        while sweep and room > 0:
            table = _next(sweep, reactions)
            ids = _ids_after(connection, table, sweep.pop(table), room)
            rows.setdefault(table, set()).update(ids)
            if len(ids) == room:
                sweep[table] = ids[-1]
            else:
                sweep |= {follower: "" for reaction in reactions for follower in reaction.followers.get(table, ())}
            room -= len(ids)
        arrived = {table: frozenset(ids) for table, ids in rows.items()}
        written, failed = _asked(store, tx, reactions, arrived, partly=bool(sweep))
        left = dict.fromkeys(rows, ()) if sweep else {}
        unreacted.save(connection, tables, left | _only(noted, failed), sweep | _only(swept, failed))
    return written


def _asked(
    store: Store, tx: WriteTransaction, reactions: Sequence[Reaction], arrived: Arrived, *, partly: bool
) -> tuple[int, frozenset[str]]:
    """How many rows all wrote, and the tables of those that failed: such a one is undone alone, and asked again."""
    written, failed = 0, frozenset[str]()
    for reaction in reactions:
        own = {table: ids for table, ids in arrived.items() if table in reaction.tables}
        if not own:
            continue
        try:
            with store.savepoint():
                rows = reaction(store, own, partly=partly)
                store.check_references()
        except Exception:
            if not tx.stands:  # SQLite has undone all of it, the others' part too: no note may be taken
                raise
            _log.exception("a reaction to what came failed; the next sync asks it again")
            failed |= reaction.tables
        else:
            written += rows
    return written, failed


def _only(noted: Mapping[str, _T], tables: Collection[str]) -> dict[str, _T]:
    return {table: value for table, value in noted.items() if table in tables}


def _next(sweep: Mapping[str, str], reactions: Sequence[Reaction]) -> str:
    """The table to sweep now: what follows from others comes after them."""
    followers = {name for reaction in reactions for followed in reaction.followers.values() for name in followed}
    return min(sweep, key=lambda table: (table in followers, table))


def _ids_after(connection: apsw.Connection, table: str, row_id: str, count: int) -> list[str]:
    return [
        str(row[0]) for row in connection.execute(_SQL["ids_after"].format(table=table), (row_id, count)).fetchall()
    ]


def _ids_of(part: TablePage) -> frozenset[str] | None:
    rows = bytes(part.rows)
    if len(rows) > PAGE_BYTES_MAX:
        return None
    place = part.columns.index("id") if part.columns else 0
    return frozenset((*(str(row_values(text)[place]) for text in row_texts(rows)), *part.deleted))
