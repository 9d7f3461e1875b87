"""Packed rows back into their tables, from the file itself. Nothing is captured: nobody changed anything."""

from __future__ import annotations

from collections.abc import Collection

import apsw

from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import Packer
from bmaddb.schema.sqlite_ddl_rows import insert_row
from bmaddb.schema.tables import Table


def unpack(store: Store, connection: apsw.Connection, table: Table, ids: Collection[str]) -> frozenset[str]:
    """Bring back those rows that the file holds packed; the answer is which. In the transaction of the caller.

    A row keeps the version its stub has now: a negative one while everything is read again. What was packed under
    another schema stays a stub: the server has it in today's columns.
    """
    if not ids:
        return frozenset()
    packer = Packer(connection)
    back: list[str] = []
    for body in stubs.bodies(connection, table.name, list(ids)):
        values = packer.unpack(body.body) if body.schema_version == store.catalog.version else None
        if values is None or values.keys() != table.by_name.keys():
            continue
        values["server_seq"] = body.server_seq
        connection.execute(insert_row(table), [values[column.name] for column in table.columns])
        back.append(body.id)
    stubs.forget(connection, table.name, back)
    return frozenset(back)
