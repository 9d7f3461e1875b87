"""Checks of the engine's own books: the outbox, its index, the archive."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from bmaddb import statements
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep import stubs
from bmaddb.device.upkeep.findings import Finding, Sight, Status
from bmaddb.device.upkeep.packing import Packer
from bmaddb.schema.rules import Scope

_SQL = statements.load("bmaddb.device.upkeep", "sql/integrity.sql")
BODIES_AT_ONCE: Final = 500


def outbox_index(sight: Sight) -> Iterator[Finding]:
    """The index from rows to entries: lines of entries that are gone, entries without a line."""
    count = sum(int(str(_one(sight, block))) for block in ("index_of_nothing", "entries_unindexed"))
    if count:
        yield Finding(
            check="outbox index",
            status=Status.FAIL,
            reason=f"{count} entries and the index of the outbox do not agree",
            remedy="make the index again; it holds nothing the entries do not say",
            count=count,
            repair=partial(_make_index_again, sight.store, sight.outbox),
        )


def outbox(sight: Sight) -> Iterator[Finding]:
    """Entries that wait for a person."""
    parked = sight.outbox.counts().parked
    if parked:
        reason = f"{parked} entries are parked: the server refused them, or what they depend on"
        remedy = "`bmaddb outbox FILE` says why; retry, edit or discard"
        yield Finding(check="outbox", status=Status.WARN, reason=reason, remedy=remedy, count=parked)


def archive(sight: Sight) -> Iterator[Finding]:
    """Stubs of rows that stand, bodies without a stub, stubs without their body, bodies that cannot be read."""
    for table in sight.store.catalog.synced_tables:
        if table.scope is not Scope.USER or not stubs.any_of(sight.connection, table.name):
            continue
        query = _SQL["standing_stubs"].format(table=table.name)
        both = [str(row[0]) for row in sight.connection.execute(query, (table.name,))]
        if both:
            yield _archive(
                f"{len(both)} rows of {table.name} stand, and are archived too",
                "forget the stubs; the rows count",
                len(both),
                partial(_forget, sight.store, table.name, both),
            )
    for block, reason, cure in (
        ("lost_bodies", "packed rows belong to no stub", "drop_lost_bodies"),
        ("bodiless", "stubs name a packed row that is not there", "forget_bodiless"),
    ):
        count = int(str(_one(sight, block)))
        if count:
            remedy = "set it right; the server has the rows"
            yield _archive(f"{count} {reason}", remedy, count, partial(_run, sight.store, cure))
    if sight.full:
        yield from _unreadable(sight)


def _unreadable(sight: Sight) -> Iterator[Finding]:
    packer, at = Packer(sight.connection), 0
    bad: list[int] = []
    while rows := _bodies(sight, at):
        bad += [number for number, body in rows if packer.unpack(body) is None]
        at = rows[-1][0]
    if bad:
        yield _archive(
            f"{len(bad)} packed rows cannot be read",
            "drop what is packed, the stubs stay; the server has the rows",
            len(bad),
            partial(_drop_bodies, sight.store, bad),
        )


def _bodies(sight: Sight, after: int) -> list[tuple[int, bytes]]:
    rows: list[Any] = sight.connection.execute(_SQL["all_bodies"], (after, BODIES_AT_ONCE)).fetchall()
    return rows


def _archive(reason: str, remedy: str, count: int, repair: partial[None]) -> Finding:
    return Finding(check="archive", status=Status.WARN, reason=reason, remedy=remedy, count=count, repair=repair)


def _one(sight: Sight, block: str) -> object:
    [(value,)] = sight.connection.execute(_SQL[block])
    return value


def _make_index_again(store: Store, outbox: Outbox) -> None:
    with store.apply("local") as connection:
        connection.execute(_SQL["forget_index"])
    with outbox.edit():
        pass  # the first thing an edit does is to read the entries that have no line


def _forget(store: Store, table: str, ids: list[str]) -> None:
    with store.apply("local") as connection:
        stubs.forget(connection, table, ids)


def _run(store: Store, block: str) -> None:
    with store.apply("local") as connection:
        connection.execute(_SQL[block])


def _drop_bodies(store: Store, numbers: list[int]) -> None:
    with store.apply("local") as connection:
        connection.execute(_SQL["drop_bodies"], (stubs.listed(numbers),))
        connection.execute(_SQL["forget_bodiless"])
