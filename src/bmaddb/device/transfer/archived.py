"""Archived rows in an export: what the file holds packed goes out as if it stood in its table; the rest is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeVar

import apsw

from bmaddb.device.store import Store
from bmaddb.device.transfer.export_report import Tally
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.packing import Packer
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
PAGE_ROWS: Final = 1000


def packed_rows(store: Store, record: type[R], tally: Tally) -> Iterator[R]:
    """Every archived row that the file holds, by id; `tally` counts those that only the server has.

    Inside `store.read()` of one snapshot.
    """
    name, last = record.__table__.name, ""
    with store.read() as connection:
        if not stubs.any_of(connection, name):
            return
    while True:
        with store.read() as connection:
            ids = stubs.absent(connection, name, last, PAGE_ROWS)
            rows = _unpacked(connection, store, record, ids)
        if not ids:
            return
        if len(ids) > len(rows):
            tally.only_on_server[name] = tally.only_on_server.get(name, 0) + len(ids) - len(rows)
        yield from (rows[row_id] for row_id in ids if row_id in rows)
        last = ids[-1]


def _unpacked(connection: apsw.Connection, store: Store, record: type[R], ids: list[str]) -> dict[str, R]:
    table, packer, found = record.__table__, Packer(connection), dict[str, R]()
    for body in stubs.bodies(connection, table.name, ids):
        values = packer.unpack(body.body) if body.schema_version == store.catalog.version else None
        if values is not None and values.keys() == table.by_name.keys():
            found[body.id] = record(*(values[column.name] for column in table.columns))
    return found
