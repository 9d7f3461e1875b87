"""Entries: one local transaction each, as it stands in the outbox, and its forms there and back."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import Any

import apsw
import msgspec

from bmaddb.device.outbox.layouts import Layout, Layouts
from bmaddb.device.outbox.upgrade import Names
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
    """Why an entry is parked, in words for a person; `hint`: what that person can do.

    `entry`: the parked entry this one depends on. A queued entry has a reason too, when it is sent alone: it was
    refused together with others, or is tried again by itself.
    """

    code: str
    message: str
    details: str | None = None
    hint: str | None = None
    table: str | None = None
    id: str | None = None
    column: str | None = None
    entry: str | None = None
    times: int = 0
    """How often it was parked for this and sent again by itself."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of one local transaction, one for each row it touched, in the names of `schema_version`: today's.

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
    next_attempt_at_ms: int | None = None
    """When a parked entry is sent again by itself; None when it waits for a person."""
    broken: str | None = None

    @property
    def is_given_back(self) -> bool:
        """Does it hold what a restored server lost? Then it is no transaction of anybody's."""
        return self.position < 1


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """What went with an entry that was given up; `entries` are ids, its own first.

    `rows` (table, id) left the file, its own among them; `cut` (table, id, column) referred to one of those and
    live on without that reference, or with the one the server knows; `back` (table, id) are its rows that stand as
    the server last had them again, but for what still waits for them.
    """

    entries: tuple[str, ...] = ()
    rows: tuple[RowKey, ...] = ()
    cut: tuple[tuple[str, str, str], ...] = ()
    back: tuple[RowKey, ...] = ()

    @property
    def touched(self) -> Iterator[RowKey]:
        """Every row that is not as it was."""
        yield from self.rows
        yield from self.back
        yield from ((table, row_id) for table, row_id, _ in self.cut)


def read_entry(row: tuple[Any, ...], layouts: Layouts, catalog: Catalog) -> Entry:
    """An entry out of a row of the outbox (columns as in the block `one`), in today's names.

    MigrationError when it is older than the file and the migrations from there are not known.
    """
    (id_, position, changeset, changes, version, layout_id, hlc, status, number, attempts, reason) = row[:11]
    names = layouts.upgrade.names(version)
    broken = None
    decoded: tuple[Change, ...] = ()
    if changes is not None:
        decoded = read_changes(changes, names)
    else:
        layout = layouts.find(layout_id)
        if layout is None:
            broken = "the order of its columns is no longer known"
        else:
            try:
                decoded = decode_changeset(changeset, layout, catalog, names)
            except UnicodeDecodeError:
                broken = "a text in it is not Unicode"
            except apsw.Error as error:
                broken = f"its changeset cannot be read: {error}"
    return Entry(
        id=id_,
        position=position,
        schema_version=catalog.version,
        hlc=hlc,
        status=EntryStatus(status),
        number=number,
        attempts=attempts,
        reason=None if reason is None else msgspec.json.decode(reason, type=ParkReason),
        depends_on=tuple(msgspec.json.decode(row[11])),
        size_bytes=row[12],
        created_at_ms=row[13],
        next_attempt_at_ms=row[14],
        changes={change.key: change for change in decoded if change.new or change.op is Op.DELETE},
        broken=broken,
    )


def decode_changeset(changeset: bytes, layout: Layout, catalog: Catalog, names: Names) -> tuple[Change, ...]:
    """The changes a changeset of the session extension holds; UnicodeDecodeError for text that is none."""
    return tuple(
        _change(item, table, names.columns(item.name, layout[item.name]), catalog)
        for item in apsw.Changeset.iter(changeset)
        if (table := names.table(item.name)) is not None
    )


def write_changes(changes: Iterable[Change]) -> str:
    """The edited form of an entry's changes, as JSON text."""
    rows = [[change.table, str(change.op), change.id, change.old, change.new] for change in changes]
    return msgspec.json.encode(rows).decode()


def read_changes(text: str, names: Names) -> tuple[Change, ...]:
    """The changes of an edited entry, in today's names."""
    return tuple(
        Change(table=table, op=Op(op), id=id_, old=names.values(source, old), new=names.values(source, new))
        for source, op, id_, old, new in msgspec.json.decode(text)
        if (table := names.table(source)) is not None
    )


def _change(item: apsw.TableChange, table: str, columns: tuple[str | None, ...], catalog: Catalog) -> Change:
    old = _named(table, columns, item.old, catalog)
    new = _named(table, columns, item.new, catalog)
    op = _OPS[item.op]
    row_id = str(new["id"] if op is Op.INSERT else old["id"])
    if op is Op.UPDATE:  # the key stands in `old` of every update, to find the row
        old.pop("id", None)
    return Change(table=table, op=op, id=row_id, old=old, new=new)


def _named(
    table: str, columns: tuple[str | None, ...], values: tuple[Any, ...] | None, catalog: Catalog
) -> dict[str, Any]:
    if values is None:
        return {}
    declared = catalog.tables.get(table)
    named: dict[str, Any] = {}
    for name, value in zip(columns, values, strict=True):
        if name is None or value is apsw.no_change:
            continue
        column = None if declared is None else declared.by_name.get(name)
        named[name] = value if column is None else to_wire(column.kind, value)
    return named
