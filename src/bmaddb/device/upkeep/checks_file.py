"""Checks of the file as a file: SQLite's own, the schema, the versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Final

import apsw
import msgspec

from bmaddb import statements
from bmaddb.device.store import Store, meta
from bmaddb.device.store.version import digest
from bmaddb.device.upkeep.findings import Finding, Sight, Status
from bmaddb.schema import sqlite_ddl
from bmaddb.schema.tables import Table

_SQL = statements.load("bmaddb.device.upkeep", "sql/integrity.sql")
SALVAGE: Final = "close it and run bmaddb.service.salvage(path): the server gives the rest"
_OF_AN_INDEX: Final = re.compile(r"(wrong # of entries in index|missing from index|non-unique entry in index)")
UNINDEXED: Final = "sync.unindexed"
SHOWN_MAX: Final = 5


def file(sight: Sight) -> Iterator[Finding]:
    """quick_check, or, when it is to be thorough, integrity_check: pages, indexes, NOT NULL, CHECK."""
    try:
        block = _SQL["full" if sight.full else "quick"]
        faults = [str(row[0]) for row in sight.connection.execute(block) if row[0] != "ok"]
    except apsw.CorruptError as error:
        faults = [str(error)]
    if not faults:
        return
    only_indexes = all(_OF_AN_INDEX.search(fault) for fault in faults)
    yield Finding(
        check="file",
        status=Status.FAIL,
        reason="; ".join(faults[:SHOWN_MAX]),
        remedy="REINDEX" if only_indexes else SALVAGE,
        count=len(faults),
        repair=partial(_reindex, sight.store) if only_indexes else None,
    )


def references(sight: Sight) -> Iterator[Finding]:
    """foreign_key_check: rows whose parent is not there."""
    for table, parent, count in sight.connection.execute(_SQL["broken_references"]):
        yield Finding(
            check="references",
            status=Status.FAIL,
            reason=f"{count} rows of {table} refer to rows of {parent} that are not there",
            remedy="db.verify() fetches what the server has; what it has not was deleted there",
            count=int(str(count)),
        )


def schema(sight: Sight) -> Iterator[Finding]:
    """Tables, columns and indexes beside those of the catalog."""
    there = meta.tables(sight.connection)
    indexes = {str(row[0]) for row in sight.connection.execute(_SQL["indexes"])}
    loading = frozenset(msgspec.json.decode(meta.get(sight.connection, UNINDEXED) or "[]", type=list[str]))
    for table in sight.store.catalog.device_tables:
        if table.name not in there:
            yield _drift(f"the table {table.name} is not there")
            continue
        held = {str(row[0]) for row in sight.connection.execute(_SQL["columns"], (table.name,))}
        if held != set(table.by_name):
            yield _drift(f"{table.name} differs in {', '.join(sorted(held ^ set(table.by_name)))}")
        if table.name not in loading:
            yield from _missing_indexes(sight.store, table, indexes)
    strange = meta.undeclared(sight.connection, sight.store.catalog)
    if strange:
        yield Finding(
            check="schema",
            status=Status.WARN,
            reason=f"tables that no module declares: {', '.join(strange[:SHOWN_MAX])}",
            remedy="none is needed; they are neither synced nor cleaned",
            count=len(strange),
        )


def versions(sight: Sight) -> Iterator[Finding]:
    """Does the file say it is what the program takes it for?"""
    said = meta.get(sight.connection, meta.SCHEMA_VERSION), meta.get(sight.connection, meta.SCHEMA_DIGEST)
    if said != (str(sight.store.catalog.version), digest(sight.store.catalog)):
        yield Finding(
            check="versions",
            status=Status.FAIL,
            reason=f"the file says it has schema version {said[0]}, with other tables than the catalog's",
            remedy="open it with the program, and the migrations, that it belongs to",
            count=1,
        )


def _missing_indexes(store: Store, table: Table, there: set[str]) -> Iterator[Finding]:
    wanted = sqlite_ddl.create_indexes(table, store.catalog)
    missing = [statement for statement in wanted if statement.split('"')[1] not in there]
    if missing:
        yield Finding(
            check="schema",
            status=Status.WARN,
            reason=f"{table.name} lacks {len(missing)} of its indexes",
            remedy="build them",
            count=len(missing),
            repair=partial(_build, store, tuple(missing)),
        )


def _drift(reason: str) -> Finding:
    remedy = f"nothing writes such a file: {SALVAGE}"
    return Finding(check="schema", status=Status.FAIL, reason=reason, remedy=remedy, count=1)


def _reindex(store: Store) -> None:
    with store.alone() as connection:
        connection.execute(_SQL["reindex"])


def _build(store: Store, missing: tuple[str, ...]) -> None:
    with store.apply("local") as connection:
        for statement in missing:
            connection.execute(statement.replace(" INDEX ", " INDEX IF NOT EXISTS ", 1))
