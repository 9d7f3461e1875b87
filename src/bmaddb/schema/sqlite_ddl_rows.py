"""SQL that moves whole rows of a table in and out of a device's file. Text out, no I/O.

Rules of this room: every statement takes its values as parameters; ids come as one JSON array; a page comes
as a JSON array of arrays (text or jsonb) whose order of columns the sender named. The connection must know
`bmad_unbase64` (text -> blob) where a table has blobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, nothing
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl import literal, quoted
from bmaddb.schema.tables import Table

UNBASE64 = "bmad_unbase64"


def upsert_page(table: Table, columns: Sequence[str], *, sparing: bool = False) -> str:
    """Write a page's rows over the local ones: ?1 rows, ?2 user (if owned), with `sparing` ?3 ids to spare.

    Columns the table does not have are skipped; columns the page does not name keep what they hold, and in a new row
    hold nothing.
    """
    pairs = [(quoted(name), _extracted(table.by_name[name], columns.index(name))) for name in taken(table, columns)]
    updated = [name for name, _ in pairs if name != '"id"']
    if table.scope is Scope.USER:
        pairs.append((quoted("user_id"), "?2"))
    pairs += [(quoted(column.name), literal(nothing(column.kind))) for column in _nameless(table, columns)]
    where = "true"
    if sparing:
        where = f"value->>{list(columns).index('id')} NOT IN (SELECT value FROM json_each(?3))"
    return (
        f"INSERT INTO {quoted(table.name)} ({', '.join(name for name, _ in pairs)})\n"
        f"SELECT {', '.join(source for _, source in pairs)} FROM jsonb_each(?1) WHERE {where}\n"
        f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in updated)}"
    )


def taken(table: Table, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of a page that the table takes: not those it does not have, and the owner is known here."""
    return tuple(name for name in columns if name in table.by_name and name != "user_id")


def read_page(table: Table, columns: Sequence[str]) -> str:
    """A page's rows as they would be written: of each row of ?1 its columns as `taken`, then its newest stamps."""
    sources = [_extracted(table.by_name[name], columns.index(name)) for name in taken(table, columns)]
    sources.append(f"value->>{columns.index('hlc')}" if "hlc" in columns else "NULL")
    stamps = f"value->{columns.index('stamps')}" if "stamps" in columns else "NULL"
    sources.append(f"(SELECT max(stamp.value) FROM json_each({stamps}) AS stamp)")
    return f"SELECT {', '.join(sources)} FROM jsonb_each(?1)"


def read_values(table: Table, columns: Sequence[str]) -> str:
    """`columns` of the row with id ?1."""
    return f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(table.name)} WHERE id = ?1"


def insert_columns(table: Table, columns: Sequence[str]) -> str:
    """A row of `columns`, a parameter for each; the others get what the table says."""
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {quoted(table.name)} ({', '.join(map(quoted, columns))}) VALUES ({marks})"


def any_row(table: Table) -> str:
    """One row, if the table holds any."""
    return f"SELECT 1 FROM {quoted(table.name)} LIMIT 1"


def read_row(table: Table) -> str:
    """The row with id ?1, in column order."""
    return f"SELECT {_listed(table.columns)} FROM {quoted(table.name)} WHERE id = ?1"


def set_columns(table: Table, columns: Sequence[str]) -> str:
    """Set `columns` of the row with id ?1 to ?2, ?3, ... in their order."""
    parts = [f"{quoted(name)} = ?{place}" for place, name in enumerate(columns, start=2)]
    return f"UPDATE {quoted(table.name)} SET {', '.join(parts)} WHERE id = ?1"


def insert_row(table: Table) -> str:
    """A whole row, a parameter for each column in order; a row that stands already stays."""
    marks = ", ".join(f"?{place}" for place in range(1, len(table.columns) + 1))
    return f"INSERT INTO {quoted(table.name)} ({_listed(table.columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"


def drop_rows(table: Table) -> str:
    """Remove the rows with the ids in ?1."""
    return f"DELETE FROM {quoted(table.name)} WHERE id IN (SELECT value FROM json_each(?1))"


def read_referring(table: Table, column: str) -> str:
    """The ids of the rows whose `column` holds one of the ids in ?1."""
    return f"SELECT id FROM {quoted(table.name)} WHERE {quoted(column)} IN (SELECT value FROM json_each(?1))"


def read_newest_orphan(table: Table, column: Column[Any]) -> str:
    """Of the ?1 newest rows, one whose `column` names a row that is not there; no row when all of them are."""
    parent = quoted(str(column.spec.references))
    newest = f"SELECT {quoted(column.name)} AS parent FROM {quoted(table.name)} ORDER BY rowid DESC LIMIT ?1"
    return (
        f"SELECT 1 FROM ({newest}) AS newest WHERE newest.parent IS NOT NULL "
        f"AND NOT EXISTS (SELECT 1 FROM {parent} WHERE {parent}.id = newest.parent) LIMIT 1"
    )


def read_versions(table: Table) -> str:
    """(id, server_seq) of the rows with the ids in ?1."""
    return f"SELECT id, server_seq FROM {quoted(table.name)} WHERE id IN (SELECT value FROM json_each(?1))"


def write_version(table: Table) -> str:
    """Say that the server holds the rows with the ids in ?2 in version ?1."""
    return f"UPDATE {quoted(table.name)} SET server_seq = ?1 WHERE id IN (SELECT value FROM json_each(?2))"


def mark_unseen(table: Table) -> str:
    """Before everything is read again: known versions turn negative, and positive in a row that arrives."""
    return f"UPDATE {quoted(table.name)} SET server_seq = -1 - server_seq WHERE server_seq >= 0"


def mark_row_unseen(table: Table) -> str:
    """The same for the row with id ?1."""
    return f"{mark_unseen(table)} AND id = ?1"


def read_unseen(table: Table) -> str:
    """The ids of the rows that the server no longer has, after everything was read again."""
    return f"SELECT id FROM {quoted(table.name)} WHERE server_seq < 0"


def read_unseen_versions(table: Table) -> str:
    """(id, the version it had) of those rows."""
    return f"SELECT id, -1 - server_seq FROM {quoted(table.name)} WHERE server_seq < 0"


def read_lost(table: Table, id_place: int, version_place: int) -> str:
    """The ids, in the page ?1, of unseen rows whose version is higher than the page's, or lies in the ranges ?2."""
    return (
        f"SELECT mine.id FROM jsonb_each(?1) AS row\n"
        f"JOIN {quoted(table.name)} AS mine ON mine.id = row.value->>{id_place}\n"
        f"WHERE mine.server_seq < 0 AND (-1 - mine.server_seq > row.value->>{version_place}\n"
        "OR EXISTS (SELECT 1 FROM json_each(?2) AS lost\n"
        "WHERE -1 - mine.server_seq BETWEEN lost.value->>0 AND lost.value->>1))"
    )


def _extracted(column: Column[Any], place: int) -> str:
    if column.kind is Kind.JSON:
        return f"nullif(value->{place}, 'null')" if column.spec.nullable else f"value->{place}"
    return f"{UNBASE64}(value->>{place})" if column.kind is Kind.BLOB else f"value->>{place}"


def _nameless(table: Table, columns: Sequence[str]) -> Iterator[Column[Any]]:
    """Columns that must have a value, have no default, and are called something else on the server."""
    for column in table.columns:
        required = not (column.spec.nullable or column.spec.has_default)
        if required and column.name not in columns and column.name != "user_id":
            yield column


def _listed(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(quoted(column.name) for column in columns)
