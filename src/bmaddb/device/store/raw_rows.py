"""The rows that raw statements inserted or replaced, held to the rules of the typed door before the commit.

SQLite says of a statement which columns it updates, but not what an insert puts there, nor that a REPLACE takes
another row away. The changes of the transaction do; only those of tables a raw insert went into are looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

import apsw

from bmaddb import errors as e
from bmaddb.device.store.hooks import CommitDraft
from bmaddb.device.store.layouts import Layouts
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.records import deletable
from bmaddb.schema.rules import MergeRule, Scope
from bmaddb.schema.tables import Table

_SERVER_SEQ: Final = "server_seq"


class RawRows:
    """Judges the changes of one transaction, as a hook before its commit."""

    def __init__(
        self, connection: apsw.Connection, catalog: Catalog, user: str | None, tables: Collection[str]
    ) -> None:
        self._catalog = catalog
        self._user = user
        self._tables = tables
        self._layouts = Layouts(connection, catalog)

    def judge(self, draft: CommitDraft) -> None:
        """RecordInvalid or ReadOnlyTable for the first change that the typed door would not make."""
        wanted = {name for name in self._tables if self._is_judged(name)}
        if not wanted:
            return
        self._layouts.look()
        for change in apsw.Changeset.iter(draft.changeset):
            if change.name in wanted:
                table, columns = self._catalog.table(change.name), self._layouts.of(change.name).columns
                if change.opcode == apsw.SQLITE_INSERT:
                    self._inserted(table, dict(zip(columns, change.new or (), strict=True)))
                elif change.opcode == apsw.SQLITE_UPDATE:
                    _updated(table, _changed(columns, change.new))
                elif not deletable(table):
                    raise _never_deleted(table)

    def _is_judged(self, name: str) -> bool:
        table = self._catalog.tables.get(name)
        return table is not None and table.scope is Scope.USER

    def _inserted(self, table: Table, row: Mapping[str, Any]) -> None:
        if self._user is None:
            raise e.StoreError(
                f"rows of {table.name} belong to a user, and the file has none",
                hint="open it once with user='<uuid>'",
            )
        if row["user_id"] != self._user:
            raise e.RecordInvalid(
                f"{table.name}.user_id: the file belongs to another user", hint=f"this file's is '{self._user}'"
            )
        for column in table.columns:
            if column.spec.merge is MergeRule.SRV and row[column.name] != column.raw_unset:
                raise e.ReadOnlyTable(f"a device may not set {table.name}.{column.name}", hint="the server sets it")


def _updated(table: Table, new: Mapping[str, Any]) -> None:
    """A row that was replaced shows as an update; one the server had loses its version by that."""
    replaced = _SERVER_SEQ in new and new[_SERVER_SEQ] is None
    if replaced and not deletable(table):
        raise _never_deleted(table)
    for name in new:
        column = table.by_name[name]
        if name == "user_id" or column.spec.merge is MergeRule.IMM:
            raise e.RecordInvalid(
                f"{table.name}.{name} is set at insert and never changes", hint="REPLACE makes no row anew; use UPDATE"
            )
        if column.spec.merge is MergeRule.SRV and not (replaced and new[name] == column.raw_unset):
            raise e.ReadOnlyTable(f"a device may not change {table.name}.{name}", hint="the server sets it")


def _changed(columns: tuple[str, ...], values: tuple[Any, ...] | None) -> dict[str, Any]:
    pairs = zip(columns, values or (), strict=True)
    return {name: value for name, value in pairs if value is not apsw.no_change}


def _never_deleted(table: Table) -> e.ReadOnlyTable:
    return e.ReadOnlyTable(
        f"rows of {table.name} are never deleted on a device", hint="REPLACE deletes the row it finds; use UPDATE"
    )
