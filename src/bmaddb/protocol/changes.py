"""Changes: what one local transaction did to each row, and the shape in which it leaves for the server.

Rules of this room: all values are wire values; an update names only the columns it changed, in `old` and in
`new`; an insert has no `old`; a delete has the whole row in `old` and no `new`. A row that was deleted and
made again in one transaction is an update, in which the version goes from what it was to NULL.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from bmaddb.protocol.messages import RowDelete, RowInserts, RowUpdate, TableChange
from bmaddb.protocol.values import fault, leaving
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import MergeRule
from bmaddb.schema.tables import Table

SERVER_SEQ = "server_seq"
_ENVELOPE_UNSENT = frozenset({"user_id", SERVER_SEQ})
ENTRY_BYTES_MAX: Final = 16 * 1024 * 1024 - 64 * 1024
"""Of one entry as JSON: a server takes bodies of 16 MiB, and something stands around the entry."""
RowKey = tuple[str, str]


class Op(enum.StrEnum):
    """What happened to a row, seen from before and after the transaction."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One row's change inside an entry."""

    table: str
    op: Op
    id: str
    old: Mapping[str, Any] = msgspec.field(default_factory=dict)
    new: Mapping[str, Any] = msgspec.field(default_factory=dict)

    @property
    def key(self) -> RowKey:
        return self.table, self.id

    def with_old(self, **values: Any) -> Change:
        """The same change, now believed to start from other values."""
        return replace(self, old={**self.old, **values})


def entry_fault(catalog: Catalog, changes: Iterable[Change]) -> str | None:
    """Why this entry cannot be sent, in words for a person; None when it can."""
    for change in changes:
        table = catalog.tables.get(change.table)
        if table is None:
            return f"table '{change.table}' does not exist in this version"
        reason = _change_fault(table, change)
        if reason is not None:
            return reason
    return None


def outgoing(catalog: Catalog, changes: Sequence[Change], base: Mapping[RowKey, int | None]) -> tuple[TableChange, ...]:
    """The changes of one entry as the server reads them, parents before children.

    The server writes all inserts and updates in this order, then all deletes in the reverse one. Empty when
    nothing in the entry concerns the server.
    """
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.table, []).append(change)
    told: list[TableChange] = []
    for name in groups if len(groups) == 1 else filter(groups.__contains__, catalog.tables):
        table, listed = catalog.table(name), groups[name]
        inserts = _inserts(table, [change for change in listed if change.op is Op.INSERT])
        told += [TableChange(table=name, insert=insert) for insert in inserts]
        updates = tuple(_updates(table, [change for change in listed if change.op is Op.UPDATE], base))
        deletes = tuple(
            RowDelete(id=change.id, base=base.get(change.key)) for change in listed if change.op is Op.DELETE
        )
        if updates or deletes:
            told.append(TableChange(table=name, update=updates, delete=deletes))
    return tuple(told)


def concerns_server(catalog: Catalog, changes: Iterable[Change]) -> bool:
    """Is there anything in them that leaves? An update of local columns alone does not."""
    return any(
        change.op is not Op.UPDATE
        or any(name in change.new and _leaves(column) for name, column in catalog.table(change.table).by_name.items())
        for change in changes
    )


def parents(table: Table, values: Mapping[str, Any]) -> frozenset[RowKey]:
    """The rows that a row with these `values` refers to by foreign key."""
    return frozenset(
        (str(column.spec.references), str(values[column.name]))
        for column in table.foreign_keys
        if values.get(column.name) is not None
    )


def _leaves(column: Column[Any]) -> bool:
    return column.synced and column.client_writable and column.name not in _ENVELOPE_UNSENT


def _change_fault(table: Table, change: Change) -> str | None:
    if change.op is Op.DELETE:
        return None
    for name, value in change.new.items():
        column = table.by_name.get(name)
        if column is None:
            return f"column {table.name}.{name} does not exist in this version"
        if column.spec.merge is MergeRule.LOC or name == "user_id":
            continue
        if column.spec.merge is MergeRule.SRV:
            made_again = name == SERVER_SEQ and value is None
            if change.op is Op.UPDATE and not made_again:
                return f"{table.name}.{name} belongs to the server and was changed on this device"
            continue
        if value is None and column.kind is Kind.JSON and not column.spec.nullable:
            return f"{table.name}.{name} holds JSON null, and must have a value: an empty list or object"
        reason = fault(column, value)
        if reason is not None:
            return reason
    return None


def _inserts(table: Table, changes: Sequence[Change]) -> Iterable[RowInserts]:
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for change in changes:
        columns = tuple(c for c in table.columns if _leaves(c) and c.name in change.new)
        row = tuple(leaving(c.kind, change.new[c.name]) for c in columns)
        groups.setdefault(tuple(c.name for c in columns), []).append(row)
    for names, rows in groups.items():
        yield RowInserts(columns=names, rows=tuple(rows))


def _updates(table: Table, changes: Sequence[Change], base: Mapping[RowKey, int | None]) -> Iterable[RowUpdate]:
    for change in changes:
        values = {
            c.name: leaving(c.kind, change.new[c.name]) for c in table.columns if _leaves(c) and c.name in change.new
        }
        if values:
            version = base.get(change.key)
            if version is None:  # made again: the change alone knows which version it was made on
                version = change.old.get(SERVER_SEQ)
            yield RowUpdate(id=change.id, base=version, set=values)
