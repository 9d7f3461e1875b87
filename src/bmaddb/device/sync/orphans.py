"""Archived rows that cannot come back: what they refer to was deleted here, and the server has not said so yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

import apsw

from bmaddb import statements
from bmaddb.device.upkeep import stubs
from bmaddb.protocol.changes import RowKey

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
_Look: TypeAlias = Callable[[apsw.Connection, str, Sequence[str]], frozenset[str]]


def bereft(connection: apsw.Connection, refers: Mapping[RowKey, Collection[RowKey]]) -> frozenset[RowKey]:
    """Those rows, of all that would come back, which refer to one that neither stands nor comes back.

    `refers`: every one of them, and to which rows it refers. In the transaction of the caller.
    """
    coming = _found(stubs.among, connection, refers)
    named = {parent for parents in refers.values() for parent in parents}
    gone = named - coming - _found(_standing, connection, named)
    children: dict[RowKey, list[RowKey]] = {}
    for child, parents in refers.items():
        for parent in parents:
            children.setdefault(parent, []).append(child)
    lost: set[RowKey] = set()
    while gone:
        gone = {child for parent in gone for child in children.get(parent, ())} - lost
        lost |= gone
    return frozenset(lost)


def _standing(connection: apsw.Connection, table: str, ids: Sequence[str]) -> frozenset[str]:
    query = _SQL["standing_among"].format(table=table)
    return frozenset(str(row[0]) for row in connection.execute(query, (stubs.listed(ids),)))


def _found(look: _Look, connection: apsw.Connection, keys: Collection[RowKey]) -> set[RowKey]:
    tables: dict[str, list[str]] = {}
    for table, row_id in keys:
        tables.setdefault(table, []).append(row_id)
    return {(table, row_id) for table, ids in tables.items() for row_id in look(connection, table, ids)}
