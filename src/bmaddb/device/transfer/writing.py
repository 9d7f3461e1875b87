"""Writing one imported row: new, changed, the same, or older than ours."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any

import apsw

from bmaddb import errors as e
from bmaddb.device.query import compiler_writes
from bmaddb.device.store import Store, WriteTransaction
from bmaddb.device.store.failures import DRIVER_ERRORS, failure
from bmaddb.device.transfer import unchanged
from bmaddb.device.transfer.lines import Line, Name, Row
from bmaddb.device.transfer.revisions import keeping_body
from bmaddb.schema.kinds import from_raw, milliseconds
from bmaddb.schema.natural_keys import natural_id
from bmaddb.schema.records import Record
from bmaddb.schema.rules import MergeRule, Scope
from bmaddb.schema.tables import Table


class Fate(enum.StrEnum):
    """What became of a row; the word is the report's."""

    ADDED = "added"
    UPDATED = "updated"
    SAME = "same"
    KEPT = "kept"


class Missing(e.RecordInvalid):
    """It refers to the row `name` (table, id), which is not there (yet); never leaves this room."""

    def __init__(self, message: str, name: Name) -> None:
        super().__init__(message)
        self.name = name


class Writing:
    """Writes rows in the transaction that is open."""

    def __init__(self, store: Store, put: Callable[[Row], Fate | None], together: Callable[[], Any]) -> None:
        self._store = store
        self._put = put
        self.together: Callable[[], AbstractContextManager[Any]] = together
        self.coming: Collection[Name] = ()
        """Rows that may be referred to, for they come in the same transaction."""

    def put(self, row: Row) -> Fate | None:
        """Write it, or None for one that is written once and there. Missing when it refers to what is not there."""
        store, table = self._store, row.record.__table__
        if row.beside is not None and store.get(*row.beside) is not None:
            return None
        name = name_of(store, row)
        if store.is_archived(row.record, name[1]) and store.get(row.record, name[1]) is None:
            return None if row.once else Fate.KEPT
        row = self._to_follow(row)
        for parent in references(store, row):
            if parent != name and parent not in self.coming:
                self._look_for(parent, table)
        return self._put(row)

    def _look_for(self, name: Name, table: Table) -> None:
        record, row_id = self._store.catalog.record(name[0]), name[1]
        if self._store.get(record, row_id) is None:
            why = "archived: fetch it first" if self._store.is_archived(record, row_id) else "not there"
            raise Missing(f"{table.name} names a row of {name[0]} that is {why}", name)

    def _to_follow(self, row: Row) -> Row:
        """Of a row that is there only what follows its source."""
        if row.follows is None or self._store.get(row.record, row.values["id"]) is None:
            return row
        return replace(row, values={name: value for name, value in row.values.items() if name in {"id", *row.follows}})


def name_of(store: Store, row: Row) -> Name:
    """The table and the id of a row; RecordInvalid when its values make no id."""
    table = row.record.__table__
    if row.whole or not table.options.natural_key:
        return table.name, str(row.values["id"])
    return table.name, natural_id(table, {**_owner(store, table), **row.values})


def names_of(store: Store, line: Line) -> list[Name]:
    """Of the rows of a line, but for those whose values make no id."""
    found: list[Name] = []
    for row in line.rows:
        with suppress(e.RecordInvalid):
            found.append(name_of(store, row))
    return found


def references(store: Store, row: Row) -> Iterator[Name]:
    """The rows that must be there for it."""
    for column in row.record.__table__.foreign_keys:
        value, parent = row.values.get(column.name), store.catalog.table(str(column.spec.references))
        if value is None or parent.scope is Scope.CATALOG:
            continue
        if not isinstance(value, str):
            raise e.RecordInvalid(f"{column.table}.{column.name}: expected text, got {type(value).__name__}")
        yield parent.name, value


def is_there(store: Store, row: Row) -> bool:
    """Did an import take it? Archived counts."""
    if row.beside is not None and store.get(*row.beside) is not None:
        return True
    try:
        _, row_id = name_of(store, row)
    except e.RecordInvalid:
        return False
    return store.get(row.record, row_id) is not None or store.is_archived(row.record, row_id)


def typed_writing(store: Store, tx: WriteTransaction) -> Writing:
    """Through the typed doors: defaults are filled in, everything is checked."""

    def put(row: Row) -> Fate | None:
        values, name = dict(row.values), name_of(store, row)
        if row.record.__table__.options.natural_key:
            values.pop("id", None)
        found = store.get(row.record, name[1])
        if found is None:
            tx.insert(row.record, **values)
            unchanged.note(store, name, row)
            return Fate.ADDED
        if row.once:
            return None
        values.pop("id", None)
        older = _older(found, values) or unchanged.is_unchanged(store, name, row)
        try:
            differs = store.row_maker(row.record).changes(found, values, store.clock.now_ms())
        except e.RecordInvalid:
            if older:
                return Fate.KEPT
            raise
        differs.pop("updated_at", None)
        if not differs or (row.follows is not None and _only_derived(row.record.__table__, differs)):
            unchanged.note(store, name, row)
            return Fate.SAME
        if older:
            return Fate.KEPT
        with keeping_body(tx, store, found, differs):
            tx.update(row.record, found.id, **values)
        unchanged.note(store, name, row)
        return Fate.UPDATED

    return Writing(store, put, tx.savepoint)


def whole_writing(store: Store, on: WriteTransaction | apsw.Connection) -> Writing:
    """As it was: every column, those only the server sets too. What differs is changed through the typed door."""

    def put(row: Row) -> Fate:
        table = row.record.__table__
        raw = tuple(row.values[column.name] for column in table.columns)
        found = store.get(row.record, row.values["id"])
        if found is None:
            if row.values.get("user_id", store.user) != store.user:
                raise e.RecordInvalid(f"{table.name}.user_id: the file belongs to another user")
            _insert(store.writing_connection, row.record, raw)
            return Fate.ADDED
        held = {column.name: getattr(found, column.slot) for column in table.columns}
        differs = [name for name, value in row.values.items() if name != "server_seq" and held[name] != value]
        if not differs:
            return Fate.SAME
        edited_ms = row.values["updated_at"]
        if not isinstance(on, WriteTransaction) or edited_ms is None or edited_ms <= held["updated_at"]:
            return Fate.KEPT
        columns = [table.column(name) for name in differs]
        changeable = [c for c in columns if c.client_writable and c.spec.merge is not MergeRule.IMM]
        with keeping_body(on, store, found, differs):
            on.update(row.record, found.id, **{c.name: from_raw(c.kind, row.values[c.name]) for c in changeable})
        return Fate.UPDATED

    together = on.savepoint if isinstance(on, WriteTransaction) else nullcontext
    return Writing(store, put, together)


def _insert(connection: apsw.Connection, record: type[Record], raw: tuple[Any, ...]) -> None:
    """Not through the raw door: that lets no column of the server's in."""
    try:
        connection.execute(compiler_writes.insert(record), raw)
    except DRIVER_ERRORS as error:
        raise failure(error, (record.__table__,)) from error


def _owner(store: Store, table: Table) -> dict[str, Any]:
    return {"user_id": store.user} if "user_id" in table.by_name else {}


def _only_derived(table: Table, names: Iterable[str]) -> bool:
    """A count of words, a hash: what it is made of is the same."""
    return all(table.column(name).spec.merge is MergeRule.DRV for name in names)


def _older(found: Record, values: dict[str, Any]) -> bool:
    """Did the row change here after it changed in the source? Only where the source says when."""
    given, held = values.get("updated_at"), getattr(found, "updated_at_raw", None)
    return given is not None and held is not None and milliseconds(given) <= held
