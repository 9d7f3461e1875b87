"""Verdicts in the hands of a person: another value than the one a rule chose, or a row that was lost.

Rules of this room: overturning is an ordinary local write, captured and pushed like any other, under a newer
stamp; the verdict is marked in the same transaction. The sides stay in it, so it can be overturned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from bmaddb import errors as e
from bmaddb import statements
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.modules.sync_status import SyncConflict
from bmaddb.protocol.values import to_raw, to_wire
from bmaddb.schema import Record, Scope, Table
from bmaddb.schema.columns import Column
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import from_raw
from bmaddb.schema.rules import MergeRule

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")
Side: TypeAlias = Literal["mine", "theirs"]
NO_VALUE: Final = object()
_MADE_ANEW: Final = frozenset({"id", "user_id", "updated_at"})


def overturn(store: Store, conflict_id: str, *, choose: Side | None = None, value: Any = NO_VALUE) -> SyncConflict:
    """Let `choose` stand instead of what the rule chose, or a `value` of the person's own; the verdict as it is now.

    A verdict about a whole row (an edit met a delete) takes `choose` only: the side that deleted deletes again,
    the other brings the row back under its id, without references to rows that are gone where they may be
    null. Choosing what stands already writes nothing and marks the verdict. RecordNotFound for the verdict or
    the row; RecordInvalid for a parent that is gone and for values the column does not take.
    """
    if (choose is None) == (value is NO_VALUE) or choose not in (None, "mine", "theirs"):
        raise e.RecordInvalid("choose 'mine' or 'theirs', or give a value")
    conflict = store.get(SyncConflict, conflict_id)
    if conflict is None:
        raise e.RecordNotFound(f"no conflict has the id '{conflict_id}'", hint="conflicts() lists them")
    record = store.catalog.records.get(conflict.table_name)
    if record is None:
        raise e.RecordInvalid(f"this version has no table '{conflict.table_name}'")
    side = conflict.local_value if choose == "mine" else conflict.remote_value
    with store.write() as tx:
        if conflict.column_name is not None:
            chosen = _set_column(tx, store, conflict, value if choose is None else _Wire(side))
        elif choose is None:
            raise e.RecordInvalid("this verdict is about a whole row", hint="choose 'mine' or 'theirs'")
        else:
            chosen = side
            _set_row(tx, store, record, conflict.row_id, side)
        text = None if chosen is None else canonical_json(chosen)
        store.writing_connection.execute(_SQL["overturn"], (conflict_id, text, store.clock.now_ms()))
    marked = store.get(SyncConflict, conflict_id)
    if marked is None:
        raise e.RecordNotFound(f"the conflict '{conflict_id}' was removed meanwhile", hint="what was chosen stands")
    return marked


@dataclass(frozen=True, slots=True)
class _Wire:
    """A value as the verdict keeps it."""

    value: Any


def _set_column(tx: WriteTransaction, store: Store, conflict: SyncConflict, chosen: Any) -> Any:
    """Write the column the verdict is about; the answer is its value as the verdict keeps it."""
    record = store.catalog.records[conflict.table_name]
    table, name = record.__table__, str(conflict.column_name)
    column = table.by_name.get(name)
    if column is None:
        raise e.RecordInvalid(f"{table.name} has no column '{name}' in this version")
    if column.spec.merge is MergeRule.CNT:
        raise e.RecordInvalid(f"{table.name}.{name} is a counter: both counts are in it", hint="tx.increment")
    if tx.get(record, conflict.row_id) is None:
        raise e.RecordNotFound(f"{table.name} has no row '{conflict.row_id}' any more")
    value = _python(column, chosen.value) if isinstance(chosen, _Wire) else chosen
    _check_parent(store, column, value)
    tx.update(record, conflict.row_id, **{name: value})
    return None if value is None else to_wire(column.kind, column.bind(value))


def _set_row(
    tx: WriteTransaction, store: Store, record: type[Record], row_id: str, side: Mapping[str, Any] | None
) -> None:
    """Delete the row, or bring it back; nothing when that is so already."""
    stands = tx.get(record, row_id) is not None
    if side is None:
        if stands:
            tx.delete(record, row_id)
    elif not stands:
        tx.insert(record, id=row_id, **_values_of(store, record.__table__, side))


def _values_of(store: Store, table: Table, side: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name in side and column.name not in _MADE_ANEW and column.client_writable:
            value = _python(column, side[column.name])
            if column.spec.on_delete == "null" and not _has_parent(store, column, value):
                value = None
            _check_parent(store, column, value)
            values[column.name] = value
    return values


def _check_parent(store: Store, column: Column[Any], value: Any) -> None:
    if not _has_parent(store, column, value):
        raise e.RecordInvalid(
            f"{column.table}.{column.name} names a row of {column.spec.references} that is gone",
            hint="bring that one back first",
        )


def _has_parent(store: Store, column: Column[Any], value: Any) -> bool:
    parent = store.catalog.records.get(column.spec.references or "")
    if value is None or parent is None or parent.__table__.scope is not Scope.USER:
        return True  # a file holds no keys to the catalogue
    return store.get(parent, value) is not None


def _python(column: Column[Any], wire: Any) -> Any:
    return from_raw(column.kind, to_raw(column.kind, wire))
