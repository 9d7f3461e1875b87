"""Changing what a parked entry says: the entry, the local row where nothing newer stands, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import apsw
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.outbox.entries import Entry
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.protocol.changes import Change, Op, RowKey
from bmaddb.protocol.values import same, to_wire
from bmaddb.schema.sqlite_ddl_rows import read_row, set_columns
from bmaddb.schema.tables import Table


def amend_entry(
    connection: apsw.Connection,
    store: Store,
    waiting: Waiting,
    entry: Entry,
    key: RowKey,
    given: Mapping[str, Any],
) -> None:
    """Set columns (Python values) of the row that `entry` inserts or updates; see Outbox.amend for errors."""
    change, table = entry.changes.get(key), store.catalog.tables.get(key[0])
    if change is None or table is None or change.op is Op.DELETE:
        raise e.RecordNotFound(f"the entry does not write {key[0]} '{key[1]}'", hint="see its `changes`")
    raw = _checked(store, table, change, given)
    row = connection.execute(read_row(table), (change.id,)).fetchone()
    local = {} if row is None else dict(zip(table.by_name, row, strict=True))
    old: dict[str, Any] = {}
    here: dict[str, Any] = {}
    for name, value in raw.items():
        kind = table.by_name[name].kind
        wire = to_wire(kind, value)
        follower = _follower(waiting, entry, key, name)
        standing = to_wire(kind, local.get(name))
        old[name] = standing if follower is None else follower[1].old.get(name)
        if follower is not None:
            waiting.rewrite(follower[0], key, follower[1].with_old(**{name: wire}))
        elif name in local and same(standing, change.new.get(name, standing)):
            here[name] = value
    if here:
        connection.execute(set_columns(table, tuple(here)), (change.id, *here.values()))
    new = {**change.new, **{name: to_wire(table.by_name[name].kind, value) for name, value in raw.items()}}
    before = change.old if change.op is Op.INSERT else {**old, **change.old}
    waiting.rewrite(entry.position, key, replace(change, new=new, old=before))


def _checked(store: Store, table: Table, change: Change, given: Mapping[str, Any]) -> dict[str, Any]:
    """Column -> what SQLite holds for the value."""
    maker = store.row_maker(store.catalog.record(table.name))
    fixed = set(given) & set(table.options.natural_key)
    if fixed:
        raise e.RecordInvalid(f"{table.name}.{min(fixed)} makes the row's id and never changes")
    return {name: maker.raw(name, value, inserted=change.op is Op.INSERT) for name, value in given.items()}


def _follower(waiting: Waiting, entry: Entry, key: RowKey, name: str) -> tuple[int, Change] | None:
    """The next change that remembers what the column held before it."""
    for item in waiting.chain(key):
        if item.position > entry.position and (item.change.op is Op.DELETE or name in item.change.new):
            return item.position, item.change
    return None
