"""Checks of what the rows say: whose they are, what they refer to, whether they will ever leave."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from bmaddb import statements
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.findings import Finding, Sight, Status
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.upkeep", "sql/integrity.sql")
SYNC: Final = "db.sync(), and db.verify() if that does not help"
_ATTACHED: Final = frozenset({"local_path", "upload_state"})


def owner(sight: Sight) -> Iterator[Finding]:
    """Rows of another user than the file's."""
    for table in _of_scope(sight, Scope.USER):
        count = _count(sight, "strangers", (sight.store.user or "",), table=table.name) if sight.store.user else 0
        if count:
            yield Finding(
                check="owner",
                status=Status.FAIL,
                reason=f"{count} rows of {table.name} belong to another user",
                remedy="db.verify(): the server shows this user none of them",
                count=count,
            )


def catalogue(sight: Sight) -> Iterator[Finding]:
    """Catalogue tables that are empty, and rows that name a catalogue row which is not here."""
    standing = sight.connection.execute(_SQL["standing_cursor"]).fetchone()
    for table in _of_scope(sight, Scope.CATALOG):
        if standing is not None and _count(sight, "empty", table=table.name):
            reason = f"{table.name} is empty, though this device has synced"
            yield Finding(check="catalogue", status=Status.WARN, reason=reason, remedy=SYNC, count=1)
    for table in sight.store.catalog.device_tables:
        for column in table.foreign_keys:
            parent = sight.store.catalog.table(str(column.spec.references))
            if parent.scope is Scope.CATALOG:
                count = _count(sight, "catalogue_missing", table=table.name, column=column.name, parent=parent.name)
                if count:
                    yield _missing("catalogue", table, count, parent.name, SYNC)


def soft_references(sight: Sight) -> Iterator[Finding]:
    """Lists of ids, and pairs of table and id, that name rows which are neither here nor archived. Never repaired."""
    for table in sight.store.catalog.device_tables:
        for column in table.columns:
            parent = _named_by(sight, column)
            if parent is not None:
                count = _count(sight, "soft_list_missing", table=table.name, column=column.name, parent=parent)
                if count:
                    yield _missing("soft references", table, count, parent, _LEFT_ALONE)
        for stem in _pairs(table):
            kinds = sight.connection.execute(_SQL["soft_kinds"].format(table=table.name, stem=stem)).fetchall()
            for parent in sorted(str(row[0]) for row in kinds if str(row[0]) in sight.store.catalog.tables):
                if not sight.store.catalog.table(parent).on_device:
                    continue
                count = _count(sight, "soft_pair_missing", table=table.name, stem=stem, parent=parent)
                if count:
                    yield _missing("soft references", table, count, parent, _LEFT_ALONE)


def attachments(sight: Sight) -> Iterator[Finding]:
    """Paths that lead to no file."""
    for table in _of_scope(sight, Scope.USER):
        if not table.by_name.keys() >= _ATTACHED:
            continue
        rows = sight.connection.execute(_SQL["paths"].format(table=table.name)).fetchall()
        gone = [(str(row_id), state) for row_id, path, state in rows if not os.path.lexists(str(path))]
        uploaded = [row_id for row_id, state in gone if state == "uploaded"]
        if uploaded:
            yield Finding(
                check="attachments",
                status=Status.WARN,
                reason=f"{len(uploaded)} rows of {table.name} name a file that is not there; it is uploaded",
                remedy="forget the path; the bytes are in the object storage",
                count=len(uploaded),
                repair=partial(_forget_paths, sight.store, table, uploaded),
            )
        if len(gone) > len(uploaded):
            yield Finding(
                check="attachments",
                status=Status.FAIL,
                reason=f"{len(gone) - len(uploaded)} rows of {table.name} name a file that is not there, nor uploaded",
                remedy="bring the file back from a backup of the device; the row stays as it is",
                count=len(gone) - len(uploaded),
            )


_LEFT_ALONE: Final = "none is needed: a list may name what was deleted elsewhere; an edit of it takes it out"


def _missing(check: str, table: Table, count: int, parent: str, remedy: str) -> Finding:
    reason = f"{count} times {table.name} names a row of {parent} that is not here"
    return Finding(check=check, status=Status.WARN, reason=reason, remedy=remedy, count=count)


def _named_by(sight: Sight, column: Column[Any]) -> str | None:
    """The table whose ids a JSON column lists, by its name: `tag_ids` lists ids of `tags`."""
    if column.kind is not Kind.JSON or not column.name.endswith("_ids"):
        return None
    parent = sight.store.catalog.tables.get(f"{column.name.removesuffix('_ids')}s")
    return parent.name if parent is not None and parent.on_device else None


def _pairs(table: Table) -> list[str]:
    """The stems of columns `<stem>_table` and `<stem>_id`."""
    stems = (name.removesuffix("_table") for name in table.by_name if name.endswith("_table"))
    return [stem for stem in stems if f"{stem}_id" in table.by_name]


def _of_scope(sight: Sight, scope: Scope) -> list[Table]:
    return [table for table in sight.store.catalog.device_tables if table.scope is scope]


def _count(sight: Sight, block: str, arguments: tuple[Any, ...] = (), **names: str) -> int:
    [(count,)] = sight.connection.execute(_SQL[block].format(**names), arguments)
    return int(str(count))


def _forget_paths(store: Store, table: Table, ids: list[str]) -> None:
    with store.apply("local") as connection:
        connection.execute(_SQL["forget_paths"].format(table=table.name), (stubs.listed(ids),))
