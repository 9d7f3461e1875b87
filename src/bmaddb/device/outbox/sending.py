"""Units as the server reads them, and the versions of the rows they were made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw
import msgspec

from bmaddb.device.outbox.squash import Unit
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import SERVER_SEQ, Op, RowKey, outgoing
from bmaddb.protocol.codec import encode
from bmaddb.protocol.messages import WireEntry
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.sqlite_ddl_rows import read_versions

Versions = Mapping[RowKey, int | None]


def encode_unit(catalog: Catalog, unit: Unit, base: Versions, number: int, stamp: str) -> bytes:
    """The unit as JSON bytes, under its number."""
    changes = outgoing(catalog, tuple(unit.changes.values()), base)
    message = WireEntry(number=number, schema_version=unit.last.schema_version, hlc=stamp, changes=changes)
    return encode(message)


def row_versions(
    connection: apsw.Connection, catalog: Catalog, waiting: Waiting, units: Sequence[Unit]
) -> dict[int, dict[RowKey, int | None]]:
    """For each unit (by its last position) the server's version of each row it changes or deletes.

    A row that a later entry deletes is gone from the file; that delete remembers the version it saw.
    """
    standing = _standing_versions(connection, catalog, units)
    return {
        unit.last.position: {
            key: _version(waiting, unit, key, standing)
            for key, change in unit.changes.items()
            if change.op is not Op.INSERT
        }
        for unit in units
    }


def _version(waiting: Waiting, unit: Unit, key: RowKey, standing: Versions) -> int | None:
    version = standing.get(key)
    if version is not None:  # it stands in the file, so nothing that waits deletes it
        return version
    item = waiting.first_delete(key, unit.entries[0].position)
    return None if item is None else _positive(item.change.old.get(SERVER_SEQ))


def _standing_versions(
    connection: apsw.Connection, catalog: Catalog, units: Sequence[Unit]
) -> dict[RowKey, int | None]:
    wanted: dict[str, set[str]] = {}
    for unit in units:
        for (table, row_id), change in unit.changes.items():
            if change.op is Op.UPDATE and table in catalog.tables:
                wanted.setdefault(table, set()).add(row_id)
    return {
        (table, row_id): _positive(version)
        for table, ids in wanted.items()
        for row_id, version in connection.execute(
            read_versions(catalog.table(table)), (msgspec.json.encode(sorted(ids)).decode(),)
        )
    }


def _positive(version: int | None) -> int | None:
    """The version as the server gave it; while everything is read again it is kept negative."""
    return version if version is None or version >= 0 else -1 - version
