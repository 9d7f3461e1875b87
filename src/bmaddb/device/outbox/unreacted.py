"""The note of rows that came, went or were taken back, and that nobody has reacted to yet.

Rules of this room: it is written in the transaction of the rows. A file that has none, or one for other tables, is a
file in which anything may have come. Where too many came to name them, the table is to be swept, from its first id on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import apsw
import msgspec

from bmaddb.device.store import meta
from bmaddb.protocol.changes import RowKey

IDS_NOTED_MAX: Final = 2_500
"""Of one table; when more came, it is to be swept."""
_KEY: Final = "arrived"


class _Note(msgspec.Struct, frozen=True):
    """`tables` are those that were listened for; `sweep`: table -> the id up to which its rows were looked at."""

    tables: tuple[str, ...]
    rows: dict[str, tuple[str, ...] | None]
    """None in a file of before: then the table is swept."""
    sweep: dict[str, str] = {}


def note(
    connection: apsw.Connection, listened: Collection[str], came: Sequence[tuple[str, frozenset[str] | None]]
) -> None:
    """Rows of these tables (name, ids; None: any of them) are news for who listens to `listened`."""
    if not came or _read(connection, listened) is None:  # without a note anything may have come already
        return
    rows, sweep = standing(connection, listened)
    for table, ids in came:
        both = None if ids is None else rows.get(table, set()) | ids
        if both is None or len(both) > IDS_NOTED_MAX:
            sweep[table] = ""  # from the beginning, also when it is being swept
            rows.pop(table, None)
        else:
            rows[table] = both
    save(connection, listened, rows, sweep)


def note_keys(connection: apsw.Connection, listened: Collection[str], keys: Iterable[RowKey]) -> None:
    """The same of rows by their keys, whatever their tables."""
    rows: dict[str, set[str]] = {}
    for table, row_id in keys:
        if table in listened:
            rows.setdefault(table, set()).add(row_id)
    note(connection, listened, [(table, frozenset(ids)) for table, ids in rows.items()])


def listeners(connection: apsw.Connection) -> Collection[str]:
    """The tables that the last one who reacted in this file listens to: it may be another program than this one."""
    text = meta.get(connection, _KEY)
    return () if text is None else msgspec.json.decode(text, type=_Note).tables


def standing(connection: apsw.Connection, tables: Collection[str]) -> tuple[dict[str, set[str]], dict[str, str]]:
    """The rows that wait, by table, and how far each table that is swept was looked at."""
    noted = _read(connection, tables)
    if noted is None:
        return {}, dict.fromkeys(tables, "")
    sweep = {**dict.fromkeys((table for table, ids in noted.rows.items() if ids is None), ""), **noted.sweep}
    return {table: set(ids) for table, ids in noted.rows.items() if ids is not None}, sweep


def save(
    connection: apsw.Connection,
    tables: Collection[str],
    rows: Mapping[str, Collection[str]],
    sweep: Mapping[str, str],
) -> None:
    """This is what waits from now on, for who listens to `tables`."""
    told = {table: tuple(sorted(ids)) for table, ids in rows.items()}
    meta.put(connection, _KEY, msgspec.json.encode(_Note(tuple(sorted(tables)), {**told}, dict(sweep))).decode())


def _read(connection: apsw.Connection, tables: Collection[str]) -> _Note | None:
    """The note for exactly these tables, or None."""
    text = meta.get(connection, _KEY)
    noted = None if text is None else msgspec.json.decode(text, type=_Note)
    return noted if noted is not None and noted.tables == tuple(sorted(tables)) else None
