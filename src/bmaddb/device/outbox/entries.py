"""Entries: one local transaction each, as it stands in the outbox, and its forms there and back."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import apsw
import msgspec

from bmaddb.device.outbox.layouts import Layout, Layouts
from bmaddb.protocol.changes import Change, Op, RowKey
from bmaddb.protocol.values import to_wire
from bmaddb.schema.catalog import Catalog

_OPS = {"INSERT": Op.INSERT, "UPDATE": Op.UPDATE, "DELETE": Op.DELETE}


class EntryStatus(enum.StrEnum):
    """Where an entry stands."""

    QUEUED = "queued"
    LEASED = "leased"
    """It has a number and may have left; what became of it is not known."""
    PARKED = "parked"
    """Refused, or dependent on one that was; it waits for a person."""


class ParkReason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why an entry is parked, in words for a person. `entry`: the parked entry this one depends on."""

    code: str
    message: str
    details: str | None = None
    hint: str | None = None
    table: str | None = None
    id: str | None = None
    entry: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The changes of one local transaction, one for each row it touched.

    `broken` says why they cannot be read, if they cannot. Only `Waiting` may edit `changes`.
    """

    id: str
    position: int
    schema_version: int
    hlc: str
    status: EntryStatus
    number: int | None
    attempts: int
    reason: ParkReason | None
    depends_on: tuple[str, ...]
    size_bytes: int
    created_at_ms: int
    changes: dict[RowKey, Change]
    broken: str | None = field(default=None)


def read_entry(row: tuple[Any, ...], layouts: Layouts, catalog: Catalog) -> Entry:
    """An entry out of a row of the outbox (columns as in the block `entries_after`)."""
    (id_, position, changeset, changes, version, layout_id, hlc, status, number, attempts, reason) = row[:11]
    broken = None
    decoded: tuple[Change, ...] = ()
    if changes is not None:
        decoded = _read_changes(changes)
    else:
        layout = layouts.find(layout_id)
        if layout is None:
            broken = "the order of its columns is no longer known"
        else:
            try:
                decoded = decode_changeset(changeset, layout, catalog)
            except UnicodeDecodeError:
                broken = "a text in it is not Unicode"
            except apsw.Error as error:
                broken = f"its changeset cannot be read: {error}"
    return Entry(
        id=id_,
        position=position,
        schema_version=version,
        hlc=hlc,
        status=EntryStatus(status),
        number=number,
        attempts=attempts,
        reason=None if reason is None else msgspec.json.decode(reason, type=ParkReason),
        depends_on=tuple(msgspec.json.decode(row[11])),
        size_bytes=row[12],
        created_at_ms=row[13],
        changes={change.key: change for change in decoded},
        broken=broken,
    )


def decode_changeset(changeset: bytes, layout: Layout, catalog: Catalog) -> tuple[Change, ...]:
    """The changes a changeset of the session extension holds; UnicodeDecodeError for text that is none."""
    return tuple(_change(item, layout, catalog) for item in apsw.Changeset.iter(changeset))


def write_changes(changes: Iterable[Change]) -> str:
    """The edited form of an entry's changes, as JSON text."""
    rows = [[change.table, str(change.op), change.id, change.old, change.new] for change in changes]
    return msgspec.json.encode(rows).decode()


def _read_changes(text: str) -> tuple[Change, ...]:
    return tuple(
        Change(table=table, op=Op(op), id=id_, old=old, new=new)
        for table, op, id_, old, new in msgspec.json.decode(text)
    )


def _change(item: apsw.TableChange, layout: Layout, catalog: Catalog) -> Change:
    columns = layout[item.name]
    old = _named(item.name, columns, item.old, catalog)
    new = _named(item.name, columns, item.new, catalog)
    op = _OPS[item.op]
    row_id = str(new["id"] if op is Op.INSERT else old["id"])
    if op is Op.UPDATE:  # the key stands in `old` of every update, to find the row
        old.pop("id", None)
    return Change(table=item.name, op=op, id=row_id, old=old, new=new)


def _named(table: str, columns: tuple[str, ...], values: tuple[Any, ...] | None, catalog: Catalog) -> dict[str, Any]:
    if values is None:
        return {}
    declared = catalog.tables.get(table)
    named: dict[str, Any] = {}
    for name, value in zip(columns, values, strict=True):
        if value is apsw.no_change:
            continue
        column = None if declared is None else declared.by_name.get(name)
        named[name] = value if column is None else to_wire(column.kind, value)
    return named
