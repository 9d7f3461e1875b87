"""A row deleted and made again in one transaction keeps what the server wrote in it: no device may change that."""

from __future__ import annotations

import apsw
from msgspec.structs import replace

from bmaddb.device.outbox.entries import Entry
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import SERVER_SEQ, Op
from bmaddb.protocol.values import same, to_raw, to_wire
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.sqlite_ddl_rows import read_row, set_columns


def mend_made_again(connection: apsw.Connection, catalog: Catalog, waiting: Waiting, entry: Entry) -> None:
    """Give the server's columns of rows that `entry` made again their values back, in the file and in the entry."""
    for key, change in tuple(entry.changes.items()):
        table = catalog.tables.get(change.table)
        if table is None or change.op is not Op.UPDATE or change.new.get(SERVER_SEQ, 0) is not None:
            continue
        owned = [
            column
            for column in table.columns
            if column.spec.merge is MergeRule.SRV and column.name in change.new and column.name != SERVER_SEQ
        ]
        if not owned:
            continue
        row = connection.execute(read_row(table), (change.id,)).fetchone()
        local = {} if row is None else dict(zip(table.by_name, row, strict=True))
        back = {
            column.name: to_raw(column.kind, change.old.get(column.name))
            for column in owned
            if column.name in local and same(to_wire(column.kind, local[column.name]), change.new[column.name])
        }
        if back:
            connection.execute(set_columns(table, tuple(back)), (change.id, *back.values()))
        names = {column.name for column in owned}
        rest = {name: value for name, value in change.new.items() if name not in names}
        old = {name: value for name, value in change.old.items() if name not in names}
        waiting.rewrite(entry.position, key, replace(change, old=old, new=rest))
