"""Entries as the server reads them, and the versions of the rows they were made on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw
import msgspec

from bmaddb.device.outbox.entries import Entry
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.protocol.changes import SERVER_SEQ, Op, RowKey, outgoing
from bmaddb.protocol.codec import encode
from bmaddb.protocol.messages import WireEntry
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.sqlite_ddl_rows import read_versions

Versions = Mapping[RowKey, int | None]


def concerns_server(catalog: Catalog, entry: Entry) -> bool:
    """Is there anything in it that leaves? An update of local columns alone does not."""
    return bool(outgoing(catalog, tuple(entry.changes.values()), {}))


def encode_entry(catalog: Catalog, entry: Entry, base: Versions) -> bytes:
    """The entry as JSON bytes, under its number."""
    changes = outgoing(catalog, tuple(entry.changes.values()), base)
    message = WireEntry(number=entry.number or 0, schema_version=entry.schema_version, hlc=entry.hlc, changes=changes)
    return encode(message)


def row_versions(
    connection: apsw.Connection, catalog: Catalog, waiting: Waiting, entries: Sequence[Entry]
) -> dict[int, dict[RowKey, int | None]]:
    """For each entry (by position) the server's version of each row it changes or deletes.

    A row that a later entry deletes is gone from the file; that delete remembers the version it saw.
    """
    standing = _standing_versions(connection, catalog, entries)
    return {
        entry.position: {
            key: _version(waiting, entry, key, standing)
            for key, change in entry.changes.items()
            if change.op is not Op.INSERT
        }
        for entry in entries
    }


def _version(waiting: Waiting, entry: Entry, key: RowKey, standing: Versions) -> int | None:
    for item in waiting.chain(key):
        if item.position >= entry.position and item.change.op is Op.DELETE:
            version = item.change.old.get(SERVER_SEQ)
            return _positive(version)
    return standing.get(key)


def _standing_versions(
    connection: apsw.Connection, catalog: Catalog, entries: Sequence[Entry]
) -> dict[RowKey, int | None]:
    wanted: dict[str, set[str]] = {}
    for entry in entries:
        for (table, row_id), change in entry.changes.items():
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
