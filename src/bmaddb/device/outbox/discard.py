"""Giving an entry up: its rows go back to what they were before it, where nothing newer stands on them."""

from __future__ import annotations

from typing import Any

import apsw
from msgspec.structs import replace

from bmaddb.device.outbox.entries import Entry
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import SERVER_SEQ, Change, Op
from bmaddb.protocol.merge.shapes import Pending
from bmaddb.protocol.values import same, to_raw, to_wire
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.sqlite_ddl_rows import insert_row, read_row, set_columns
from bmaddb.schema.tables import Table


def discard_entry(connection: apsw.Connection, catalog: Catalog, waiting: Waiting, entry: Entry) -> None:
    """Undo its updates and deletes, in the file and in the base of what still waits; the entry itself stays.

    Rows it inserted are left to `giving_up`.
    """
    for change in reversed(tuple(entry.changes.values())):
        table = catalog.tables.get(change.table)
        if table is None or change.op is Op.INSERT:
            continue
        later = [item for item in waiting.chain(change.key) if item.position > entry.position]
        if change.op is Op.UPDATE:
            _undo_update(connection, table, waiting, change, later)
        elif later:  # deleted, then made again: what waits now starts from the row that was
            _undo_delete(connection, table, waiting, change, later[0])
        else:
            _put_back(connection, table, change)


def _undo_update(
    connection: apsw.Connection, table: Table, waiting: Waiting, change: Change, later: list[Pending]
) -> None:
    row = connection.execute(read_row(table), (change.id,)).fetchone()
    local = {} if row is None else dict(zip(table.by_name, row, strict=True))
    back: dict[str, object] = {}
    for name, value in change.new.items():
        if name not in table.by_name or name not in change.old:
            continue
        follower = next((item for item in later if _starts_from(item.change, name)), None)
        kind = table.by_name[name].kind
        if follower is not None:
            standing = waiting.chain(change.key)
            now = next(item.change for item in standing if item.position == follower.position)
            waiting.rewrite(follower.position, change.key, now.with_old(**{name: change.old[name]}))
        elif name in local and same(to_wire(kind, local[name]), value):
            back[name] = to_raw(kind, change.old[name])
    if back:
        connection.execute(set_columns(table, tuple(back)), (change.id, *back.values()))


def _starts_from(change: Change, name: str) -> bool:
    """Does `change` remember what the column held before it?"""
    return change.op is Op.DELETE or name in change.new


def _undo_delete(connection: apsw.Connection, table: Table, waiting: Waiting, change: Change, again: Pending) -> None:
    """The row was made again: what waits for it is an edit of the row that was, and of that version."""
    new = {
        name: value
        for name, value in again.change.new.items()
        if name in table.by_name and table.by_name[name].client_writable
        if not same(value, _before(table.by_name[name], change))
    }
    old = {name: _before(table.by_name[name], change) for name in new}
    update = replace(again.change, op=Op.UPDATE, old=old, new=new) if new else None
    waiting.rewrite(again.position, change.key, update)
    connection.execute(set_columns(table, (SERVER_SEQ,)), (change.id, change.old.get(SERVER_SEQ)))


def _put_back(connection: apsw.Connection, table: Table, change: Change) -> None:
    values = [to_raw(column.kind, _before(column, change)) for column in table.columns]
    connection.execute(insert_row(table), values)


def _before(column: Column[Any], change: Change) -> Any:
    """What the column held before the row was deleted; one that came with an upgrade since holds its default."""
    return change.old[column.name] if column.name in change.old else to_wire(column.kind, column.raw_unset)
