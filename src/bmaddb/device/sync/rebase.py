"""Rebase: what waits for a row is put on top of the server's row, in the file and in the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from typing import Any

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.outbox.row_index import BEFORE_ALL
from bmaddb.device.outbox.verdicts import keep_verdict, standing_row
from bmaddb.device.outbox.waiting import Waiting
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.protocol.changes import SERVER_SEQ, Op, RowKey
from bmaddb.protocol.merge import Action, Pending, RemoteRow, RowMerge, Verdict, combined, merge_row
from bmaddb.protocol.merge.deletes import merge_lost_parent
from bmaddb.protocol.merge.shapes import Chain
from bmaddb.protocol.messages import ServerRow
from bmaddb.protocol.values import same, to_raw
from bmaddb.schema.columns import Column
from bmaddb.schema.sqlite_ddl_rows import drop_rows, insert_row, mark_row_unseen, read_referring, set_columns
from bmaddb.schema.tables import Table
from bmaddb.signals import ConflictResolved

_SQL = statements.load("bmaddb.device.sync", "sql/sync.sql")

LOST_POSITION = BEFORE_ALL  # of an edit that stands in no entry any more: no entry ever stands there


class Rebase:
    """Merges rows inside one transaction of the outbox."""

    def __init__(self, store: Store, outbox: Outbox, connection: apsw.Connection, waiting: Waiting) -> None:
        self.connection = connection
        self.waiting = waiting
        self.verdicts = 0
        self.returned: dict[RowKey, Pending] = {}
        """Edits that the server lost and that stand in no entry yet, as they are to be given back."""
        self.catalog = store.catalog
        self._store = store
        self._outbox = outbox

    def merge_answer(self, row: ServerRow) -> None:
        """Merge a row that came with a conflict.

        One in other names (an answer that the server stored before an upgrade) is left to the next pull, which
        brings it in today's.
        """
        table = self._store.catalog.tables.get(row.table)
        if table is None:
            return
        values = None if row.row is None else {**row.row}
        for name in (SERVER_SEQ, "id", "user_id", "hlc", "stamps"):
            if values is not None:
                values.pop(name, None)
        if values is not None and _in_other_names(table, values):
            return
        remote = RemoteRow(
            table=row.table,
            id=row.id,
            server_seq=row.server_seq if values is not None else None,
            values=values,
            hlc=row.hlc or "",
            stamps=row.stamps or {},
        )
        if self.merge(table, remote):
            self.drop(table, [row.id])
        if reads_anew(self.connection):
            # A repeated answer is as old as its first time; only the rows that are read again say what stands.
            self.connection.execute(mark_row_unseen(table), (row.id,))

    def merge(self, table: Table, remote: RemoteRow, lost: Pending | None = None) -> bool:
        """Bring one row, and what waits for it, onto the server's row; True when it is gone, and to be dropped.

        `lost` is an edit of it that the server lost; what is left of that is in `returned` afterwards.
        """
        key = (table.name, remote.id)
        if lost is not None:
            self.returned[key] = lost
        chain = self._chain(key)
        local = self.local_row(table, remote.id)
        if chain:
            merged = self._merge_waiting(table, chain, local, remote)
        elif remote.values is None:
            merged = RowMerge(action=Action.DROP)
        else:
            merged = RowMerge(action=Action.PUT, values=remote.values)
            with unchecked(self.connection):
                self._write_row(table, remote, merged, stands=local is not None)
        self._rewrite(key, chain, merged)
        stubs.forget(self.connection, table.name, [remote.id])
        self.record(*merged.verdicts)
        return remote.values is None and merged.action in (Action.DROP, Action.KEEP)

    def _merge_waiting(self, table: Table, chain: Chain, local: dict[str, Any] | None, remote: RemoteRow) -> RowMerge:
        """Merge, and write the row; a combined value that breaks a check of its column is not combined."""
        merge = partial(
            merge_row,
            table,
            chain,
            local,
            remote,
            self._store.clock.now_ms(),
            orphaned=local is None and self._is_orphaned(table, remote.values or {}),
            gone_here=frozenset(self._left_and_gone(table, chain)) if remote.values is None else frozenset(),
        )
        merged, plain = merge(), frozenset[str]()
        made = combined(merged)
        for next_plain in (*(frozenset({name}) for name in made), frozenset(made)):
            try:
                self._write_row(table, remote, merged, stands=local is not None)
            except apsw.ConstraintError:
                merged, plain = merge(plain=next_plain), next_plain
            else:
                joined = frozenset(self._unfit_parts(table, remote.id, merged))
                return merge(plain=plain, joined=joined) if joined else merged
        with unchecked(self.connection):
            self._write_row(table, remote, merged, stands=local is not None)
        return merged

    def _unfit_parts(self, table: Table, row_id: str, merged: RowMerge) -> Iterator[tuple[int, str]]:
        """What entries would make of checked columns on the way to the row as it is written, and may not."""
        checked = {column.name: column for column in table.columns if column.spec.check is not None}
        parts = [
            (position, name, value)
            for position, change in merged.changes.items()
            for name, value in (change.new if change is not None else {}).items()
            if name in checked
        ]
        written = self.local_row(table, row_id) if parts else None
        for position, name, value in parts:
            if written is not None and not self._takes(table, row_id, checked[name], value, written[name]):
                yield position, name

    def _takes(self, table: Table, row_id: str, column: Column[Any], value: Any, written: Any) -> bool:
        """May the row hold `value`? It is as it was `written` afterwards."""
        if same(value, written):
            return True
        put, kind = set_columns(table, (column.name,)), column.kind
        try:
            self.connection.execute(put, (row_id, to_raw(kind, value)))
        except apsw.ConstraintError:
            return False
        with unchecked(self.connection):  # what the server holds is written whatever checks say: the row stood so
            self.connection.execute(put, (row_id, to_raw(kind, written)))
        return True

    def stands(self, column: Column[Any], parent: str) -> bool:
        """Is the row of this id, to which `column` refers, in the file (or is its table not on devices)?"""
        table = self.catalog.table(str(column.spec.references))
        return not table.on_device or self.local_row(table, parent) is not None

    def _left_and_gone(self, table: Table, chain: Chain) -> Iterator[str]:
        """The parents from which something that waits took the row away, and that do not stand here any more."""
        for column in table.foreign_keys:
            parents = {item.change.old.get(column.name) for item in chain}
            yield from (parent for parent in parents if parent is not None and not self.stands(column, parent))

    def _is_orphaned(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Is a parent, with which the row goes, deleted here and that delete not yet on the server?"""
        for column in table.foreign_keys:
            parent = values.get(column.name)
            if parent is None or column.spec.on_delete != "cascade":
                continue
            chain = self.waiting.chain((str(column.spec.references), parent))
            if chain and chain[-1].change.op is Op.DELETE:
                return True
        return False

    def drop(self, table: Table, ids: Sequence[str]) -> None:
        """Remove rows that the server has no more; what refers to them follows its foreign key, as it did there.

        Otherwise a child that was written here meanwhile would be refused for ever, for want of its parent.
        """
        listed = msgspec.json.encode(ids).decode()
        self.connection.execute(drop_rows(table), (listed,))
        stubs.forget(self.connection, table.name, ids)
        gone = frozenset(ids)
        for child, column in self._store.catalog.children(table.name):
            if not child.on_device:
                continue
            rows = self.connection.execute(read_referring(child, column.name), (listed,)).fetchall()
            orphans = {str(row[0]): None for row in rows} | dict.fromkeys(self._waiting_for(child, column, gone))
            self._bereave(child, column, list(orphans), gone)

    def _chain(self, key: RowKey) -> Chain:
        """What is on its way for the row: an edit that is given back, and what waits."""
        returned = self.returned.get(key)
        return (*([returned] if returned else []), *self.waiting.chain(key))

    def _waiting_for(self, child: Table, column: Column[Any], gone: Set[str]) -> Iterator[str]:
        """The rows that something on its way would make refer to one that is gone."""
        for (name, row_id), edit in self.returned.items():
            if name == child.name and edit.change.new.get(column.name) in gone:
                yield row_id
        for entry in self.waiting.referring(str(column.spec.references), gone):
            for (name, row_id), change in entry.changes.items():
                if name == child.name and change.new.get(column.name) in gone:
                    yield row_id

    def _bereave(self, child: Table, column: Column[Any], ids: Sequence[str], gone: Set[str]) -> None:
        if column.spec.on_delete == "restrict":
            return
        dropped: list[str] = []
        for row_id in ids:
            chain = self._chain((child.name, row_id))
            local = self.local_row(child, row_id)
            merged = merge_lost_parent(column, chain, row_id, local, gone)
            self._rewrite((child.name, row_id), chain, merged)
            if merged.action is Action.DROP and chain and chain[0].change.op is Op.INSERT:
                self._withdraw(child, row_id)
            self.record(*merged.verdicts)
            if merged.action is Action.DROP:
                dropped.append(row_id)
            elif merged.values:
                raw = to_raw(column.kind, merged.values[column.name])
                self.connection.execute(set_columns(child, (column.name,)), (row_id, raw))
        if dropped:
            self.drop(child, dropped)

    def _rewrite(self, key: RowKey, chain: Chain, merged: RowMerge) -> None:
        for item in chain:
            change = merged.changes.get(item.position, item.change)
            if change == item.change:
                continue
            if item.position != LOST_POSITION:
                self.waiting.rewrite(item.position, key, change)
            elif change is not None:
                self.returned[key] = msgspec.structs.replace(item, change=change)
            else:
                del self.returned[key]

    def local_row(self, table: Table, row_id: str) -> dict[str, Any] | None:
        """The row as it stands in the file, in wire values."""
        return standing_row(self.connection, table, row_id)

    def _write_row(self, table: Table, remote: RemoteRow, merged: RowMerge, *, stands: bool) -> None:
        values = dict(merged.values)
        if merged.action is Action.PUT:
            values[SERVER_SEQ] = remote.server_seq
        raw = {
            column.name: to_raw(column.kind, values[column.name]) for column in table.columns if column.name in values
        }
        if merged.action is Action.PUT and not stands:
            raw |= {"id": remote.id, "user_id": self._store.user}
            whole = [raw.get(column.name, column.raw_unset) for column in table.columns]
            self.connection.execute(insert_row(table), whole)
        elif raw:
            self.connection.execute(set_columns(table, tuple(raw)), (remote.id, *raw.values()))

    def _withdraw(self, table: Table, row_id: str) -> None:
        """A verdict brought the row back, and before it reached the server it went with its parent after all."""
        self.connection.execute(_SQL["withdraw_conflict"], (table.name, row_id))
        self.verdicts -= self.connection.changes()

    def record(self, *verdicts: Verdict) -> None:
        """Keep the verdicts on one row, and tell."""
        for verdict in verdicts:
            keep_verdict(self._store, self.connection, verdict)
        if verdicts:
            self.verdicts += len(verdicts)
            first = verdicts[0]
            self._outbox.tell(ConflictResolved(table=first.table, row_id=first.id, verdicts=len(verdicts)))


@contextmanager
def unchecked(connection: apsw.Connection) -> Iterator[None]:
    """What the server holds is written, whatever CHECKs say here: a newer server may know one value more."""
    connection.pragma("ignore_check_constraints", True)
    try:
        yield
    finally:
        connection.pragma("ignore_check_constraints", False)


def reads_anew(connection: apsw.Connection) -> bool:
    """Does everything have to be read again, and nothing of it has come yet?"""
    standing = connection.execute(_SQL["cursor"]).fetchone()
    return standing is not None and standing[0] is None and bool(standing[2])


def _in_other_names(table: Table, values: dict[str, Any]) -> bool:
    """Were columns renamed between this row and the table? More columns alone are a newer server's."""
    known = {column.name for column in table.columns if column.synced} - {SERVER_SEQ, "id", "user_id"}
    return not values.keys() <= known and not known <= values.keys()
