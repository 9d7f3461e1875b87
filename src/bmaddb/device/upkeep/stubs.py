"""Stubs: of an archived row its id, the version the server gave it, its hash, and perhaps the row itself, packed.

Rules of this room: a row stands in its table or as a stub; where both do (a row of a natural key was made again), the
row counts. Every function works in the transaction of its caller.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import msgspec

from bmaddb import statements

_SQL = statements.load("bmaddb.device.upkeep", "sql/stubs.sql")


@dataclass(frozen=True, slots=True)
class Stub:
    """One archived row; `body` is the row, packed, as long as the file keeps it."""

    id: str
    server_seq: int
    hash: int
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A packed row, the version it has, and the version of the schema whose columns it names."""

    id: str
    server_seq: int
    schema_version: int
    body: bytes


def any_of(connection: apsw.Connection, table: str) -> bool:
    """Is any row of the table archived?"""
    [(found,)] = connection.execute(_SQL["any_of"], (table,))
    return bool(found)


def put(connection: apsw.Connection, table: str, stubs: Sequence[Stub], schema_version: int) -> None:
    """Write stubs, with their bodies; one that stands already is replaced, and its body goes."""
    forget(connection, table, [stub.id for stub in stubs])
    [(newest,)] = connection.execute(_SQL["newest_body"])
    numbers = range(int(str(newest)) + 1, int(str(newest)) + 1 + len(stubs))
    numbered = list(zip(numbers, stubs, strict=True))
    bodies = ((number, schema_version, stub.body) for number, stub in numbered if stub.body is not None)
    connection.executemany(_SQL["put_body"], bodies)
    connection.executemany(
        _SQL["put"],
        (
            (table, stub.id, stub.server_seq, stub.hash, None if stub.body is None else number)
            for number, stub in numbered
        ),
    )


def forget(connection: apsw.Connection, table: str, ids: Sequence[str]) -> int:
    """Remove the stubs of these rows, and their bodies; the answer is how many there were."""
    connection.execute(_SQL["forget"], (table, listed(ids)))
    return connection.changes()


def forget_page(connection: apsw.Connection, table: str, rows: bytes, place: int) -> None:
    """Remove the stubs of the rows in a page (as jsonb; the id at `place`): they stand in the table now."""
    if any_of(connection, table):
        connection.execute(_SQL["forget_page"], (table, rows, place))


def want_page(connection: apsw.Connection, table: str, rows: bytes, place: int) -> None:
    """Rows of a page refer, at `place`, to rows of this table: archived ones are wanted back."""
    if any_of(connection, table):
        connection.execute(_SQL["want_page"], (table, rows, place))


def wanted(connection: apsw.Connection, limit: int) -> dict[str, list[str]]:
    """By table, ids of archived rows that something refers to again."""
    found: dict[str, list[str]] = {}
    for table, row_id in connection.execute(_SQL["wanted"], (limit,)):
        found.setdefault(str(table), []).append(str(row_id))
    return found


def older_in_page(connection: apsw.Connection, table: str, rows: bytes, place: int, version_place: int) -> list[str]:
    """The ids of packed rows that a page brings in another version than this device saw."""
    if not any_of(connection, table):
        return []
    return [str(row[0]) for row in connection.execute(_SQL["older_in_page"], (table, rows, place, version_place))]


def hashes(
    connection: apsw.Connection, table: str, low: str, high: str, skip: Sequence[str]
) -> Iterator[tuple[str, int]]:
    """(id, hash) with low <= id < high, without those to skip, by id."""
    for row_id, value in connection.execute(_SQL["hashes"], (table, low, high, listed(skip))):
        yield str(row_id), int(value)


def among(connection: apsw.Connection, table: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of `ids` that are archived."""
    return frozenset(str(row[0]) for row in connection.execute(_SQL["among"], (table, listed(ids))))


def versions(connection: apsw.Connection, table: str, ids: Sequence[str]) -> dict[str, int]:
    """The versions of those that are archived."""
    return dict(connection.execute(_SQL["versions"], (table, listed(ids))))


def odd_versions(connection: apsw.Connection, table: str, head: int, skip: Sequence[str]) -> list[str]:
    """The ids of stubs whose version the server cannot have given."""
    return [str(row[0]) for row in connection.execute(_SQL["odd_versions"], (table, head, listed(skip)))]


def bodies(connection: apsw.Connection, table: str, ids: Sequence[str]) -> list[Body]:
    """The packed rows among these ids."""
    return [Body(*row) for row in connection.execute(_SQL["bodies"], (table, listed(ids)))]


def ids_after(connection: apsw.Connection, table: str, after: str, limit: int) -> list[str]:
    """The next ids of archived rows, in order."""
    return [str(row[0]) for row in connection.execute(_SQL["listed"], (table, after, limit))]


def absent(connection: apsw.Connection, table: str, after: str, limit: int) -> list[str]:
    """The next ids of archived rows, in order, without those that stand in their table all the same."""
    query = _SQL["absent"].format(table=table)
    return [str(row[0]) for row in connection.execute(query, (after, limit))]


def bodiless(connection: apsw.Connection, table: str, schema_version: int, after: str, limit: int) -> list[str]:
    """The next ids of archived rows, in order, that the file does not hold in the columns of this schema."""
    found = connection.execute(_SQL["bodiless"], (table, schema_version, after, limit))
    return [str(row[0]) for row in found]


def counts(connection: apsw.Connection) -> dict[str, tuple[int, int]]:
    """By table: how many rows are archived, and how many of these the file still holds, packed."""
    return {str(table): (int(all_), int(packed)) for table, all_, packed in connection.execute(_SQL["counts"])}


def mark_unseen(connection: apsw.Connection) -> None:
    """Everything will be read again: what comes replaces its stub."""
    connection.execute(_SQL["mark_unseen"])


def unseen(connection: apsw.Connection) -> dict[str, dict[str, int]]:
    """By table, id and version of the archived rows that have not come while everything was read again."""
    found: dict[str, dict[str, int]] = {}
    for table, row_id, version in connection.execute(_SQL["unseen"]):
        found.setdefault(str(table), {})[str(row_id)] = int(version)
    return found


def forget_unseen(connection: apsw.Connection, table: str, alive: Collection[str]) -> None:
    """Everything was read again, and these did not come; those that the server has after all stay."""
    connection.execute(_SQL["forget_unseen"], (table, listed(sorted(alive))))


def evict_bodies(connection: apsw.Connection, limit: int) -> int:
    """Let the bodies go that were packed first, at most `limit`; the answer is how many there were."""
    connection.execute(_SQL["evict_oldest"], (limit,))
    connection.execute(_SQL["drop_oldest_bodies"], (limit,))
    return connection.changes()


def merged(unsent: Mapping[str, dict[str, int]], archived: Mapping[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Rows by table, id and version: what stands, and what is archived."""
    tables = dict.fromkeys((*unsent, *archived))
    return {name: {**archived.get(name, {}), **unsent.get(name, {})} for name in tables}


def listed(ids: Sequence[Any]) -> str:
    """Ids as one parameter."""
    return msgspec.json.encode(ids).decode()
