"""Rows that never reached the server are given up: what cannot live without them goes too, the rest stays.

Rules of this room: a row that refers to one that goes follows its foreign key, as if the server had deleted that
one; of an entry only the changes of rows that go are taken out; every row that goes, and every reference that is
cut, leaves a verdict. A row that was deleted here meanwhile is gone by its owner's own will, and leaves none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import apsw
import msgspec
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb import signals, statements
from bmaddb.device.outbox.entries import EntryStatus
from bmaddb.device.outbox.verdicts import keep_verdict, standing_row
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.protocol.changes import Change, Op, RowKey
from bmaddb.protocol.merge.deletes import lost_row, merge_lost_parent
from bmaddb.protocol.merge.shapes import Action, Pending, Verdict
from bmaddb.protocol.values import to_raw
from bmaddb.schema.columns import Column
from bmaddb.schema.sqlite_ddl_rows import drop_rows, read_referring, set_columns
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.outbox", "sql/outbox.sql")
DISCARDED = "discarded"
"""The rule of a verdict on a row of the entry itself that a person gave up."""


class _Span(msgspec.Struct, frozen=True):
    """From the entry that made a row to the one that deleted it again; without that, to the end."""

    born: int
    end: int | None

    def holds(self, position: int) -> bool:
        return self.born <= position and (self.end is None or position <= self.end)


_Spans: TypeAlias = dict[str, _Span]


class GivingUp:
    """One giving up: made inside an edit whose foreign keys are loose, and thrown away."""

    def __init__(
        self,
        store: Store,
        connection: apsw.Connection,
        waiting: Waiting,
        tell: Callable[[signals.Signal], None],
    ) -> None:
        self.rows: list[RowKey] = []
        self.cut: list[tuple[str, str, str]] = []
        self._store = store
        self._connection = connection
        self._waiting = waiting
        self._tell = tell
        self._edited: dict[int, None] = {}

    def inserted(self, made: Iterable[tuple[RowKey, int]]) -> None:
        """Give up rows, each with the position of the entry that made it; that entry may be gone already."""
        groups: dict[str, _Spans] = {}
        for (table, row_id), position in made:
            groups.setdefault(table, {})[row_id] = self._span((table, row_id), position)
        kept = {name: self._drop(self._store.catalog.table(name), spans, DISCARDED) for name, spans in groups.items()}
        for name, spans in kept.items():
            self._bereave(self._store.catalog.table(name), spans)

    def emptied(self) -> Iterator[str]:
        """Take out the entries of which nothing is left; their ids."""
        for position in sorted(self._edited):
            entry = self._waiting.at(position)
            if entry is not None and not entry.changes:
                self._waiting.remove(position)
                yield entry.id

    def _span(self, key: RowKey, born: int) -> _Span:
        delete = self._waiting.first_delete(key, born + 1)
        return _Span(born, None if delete is None else delete.position)

    def _drop(self, table: Table, spans: _Spans, rule: str) -> _Spans:
        """The rows leave the file, and what waits for them its entries; the answer is the same spans."""
        leaving = [row_id for row_id, span in spans.items() if span.end is None]
        for row_id in leaving:
            local = standing_row(self._connection, table, row_id)
            if local is not None:
                self.rows.append((table.name, row_id))
                self._record(lost_row(table.name, row_id, local, rule, needs_attention=rule != DISCARDED))
        self._connection.execute(drop_rows(table), (msgspec.json.encode(leaving).decode(),))
        for row_id, span in spans.items():
            for item in self._waiting.chain((table.name, row_id)):
                if span.holds(item.position):
                    self._rewrite(item.position, item.change.key, None)
        return spans

    def _bereave(self, table: Table, spans: _Spans) -> None:
        """What refers to these rows follows its foreign key."""
        for child, column in self._store.catalog.children(table.name):
            if not child.on_device:
                continue
            lost: _Spans = {}
            for row_id, parents in self._referring(child, column, spans).items():
                for parent in parents:
                    born = self._lose_parent(child, column, row_id, parent, spans[parent])
                    if born is not None:
                        lost[row_id] = self._span((child.name, row_id), born)
                        break
            if lost:
                self._bereave(child, self._drop(child, lost, f"on_delete {column.spec.on_delete}"))

    def _referring(self, child: Table, column: Column[Any], spans: _Spans) -> dict[str, dict[str, None]]:
        """The rows of `child` whose `column` refers to one of these, here or in what waits, and to which."""
        found: dict[str, dict[str, None]] = {}
        left = msgspec.json.encode([row_id for row_id, span in spans.items() if span.end is None]).decode()
        rows = self._connection.execute(read_referring(child, column.name), (left,)).fetchall()
        for row_id in (str(row[0]) for row in rows):
            local = standing_row(self._connection, child, row_id)
            if local is not None:
                found.setdefault(row_id, {})[local[column.name]] = None
        for entry in tuple(self._waiting.referring(str(column.spec.references), spans)):
            for (name, row_id), change in entry.changes.items():
                parent = change.new.get(column.name)
                if name == child.name and parent in spans and spans[parent].holds(entry.position):
                    found.setdefault(row_id, {})[str(parent)] = None
        return found

    def _lose_parent(self, child: Table, column: Column[Any], row_id: str, parent: str, span: _Span) -> int | None:
        """Cut the reference; where the row cannot live without it, the position of what made it."""
        name = column.name
        chain = [item for item in self._waiting.chain((child.name, row_id)) if span.holds(item.position)]
        local = standing_row(self._connection, child, row_id)
        if local is not None and local[name] != parent:  # it has moved on: it refers to the later one from the start
            for item in chain:
                self._rewrite(item.position, item.change.key, _referring(item.change, name, parent, local[name]))
            return None
        merged = merge_lost_parent(column, chain, row_id, local, {parent})
        value = merged.values.get(name)
        lives = merged.action is not Action.DROP and (value is None or self._stands(column, value))
        if lives and name in merged.values:
            lives = self._set(child, column, row_id, value)
        if not lives:
            return _birth(chain, name, parent, span)
        for item in chain:
            changed = merged.changes.get(item.position, item.change)
            self._rewrite(item.position, item.change.key, None if changed is None else _without_nothing(changed, name))
        if name in merged.values:
            self._record(*merged.verdicts)
            self.cut.append((child.name, row_id, name))
        return None

    def _set(self, table: Table, column: Column[Any], row_id: str, value: Any) -> bool:
        """Let the row refer to that; False where it breaks a check of the table."""
        try:
            self._connection.execute(set_columns(table, (column.name,)), (row_id, to_raw(column.kind, value)))
        except apsw.ConstraintError:
            return False
        return True

    def _stands(self, column: Column[Any], parent: str) -> bool:
        table = self._store.catalog.table(str(column.spec.references))
        return not table.on_device or standing_row(self._connection, table, parent) is not None

    def _rewrite(self, position: int, key: RowKey, change: Change | None) -> None:
        entry = self._waiting.at(position)
        if entry is not None and entry.status is EntryStatus.LEASED:
            raise e.StoreBusy("what builds on this entry is on its way just now", hint="discard it after the sync")
        if entry is None or entry.changes.get(key) == change:
            return
        self._waiting.rewrite(position, key, change)
        self._edited[position] = None

    def _record(self, *verdicts: Verdict) -> None:
        for verdict in verdicts:
            keep_verdict(self._store, self._connection, verdict, "user" if verdict.rule == DISCARDED else "rule")
            self._tell(signals.ConflictResolved(table=verdict.table, row_id=verdict.id, verdicts=1))


def _birth(chain: list[Pending], name: str, parent: str, span: _Span) -> int:
    """Where the row was made, as far as it waits; a row that the server has goes from its first change on."""
    made = [item.position for item in chain if item.change.op is Op.INSERT and item.change.new.get(name) == parent]
    return max(made, default=chain[0].position if chain else span.born)


def _referring(change: Change, name: str, parent: str, value: Any) -> Change | None:
    """The same change, with `value` wherever the column refers to `parent`."""
    old, new = ({**side, name: value} if side.get(name) == parent else side for side in (change.old, change.new))
    return _without_nothing(replace(change, old=old, new=new), name)


def _without_nothing(change: Change, name: str) -> Change | None:
    """The same change without a column that it leaves as it was; None when that was all of it."""
    if change.op is not Op.UPDATE or name not in change.new or change.new[name] != change.old.get(name):
        return change
    new = {column: value for column, value in change.new.items() if column != name}
    old = {column: value for column, value in change.old.items() if column != name}
    return replace(change, old=old, new=new) if new else None
