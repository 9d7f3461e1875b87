"""SQL that reads the rows of a device's file as hashes are made of them. Text out, no I/O.

Rules of this room: the canonical text of a row is the one `postgres_ddl_digests` writes, letter by letter. The
connection must know `bmad_bits` (real -> 16 hex digits) and `bmad_jsonb` (JSON text -> text as jsonb writes it).
"""

from __future__ import annotations

import hashlib

from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_functions import wire_kinds
from bmaddb.schema.sqlite_ddl import quoted
from bmaddb.schema.tables import Table

BITS = "bmad_bits"
JSONB = "bmad_jsonb"


def form_of(table: Table) -> str:
    """8 hex digits that say which columns a digest of this table covers; as bmad_sync.form_of() on the server."""
    listed = ",".join(f"{name}:{kind}" for name, kind in sorted(wire_kinds(table).items()))
    return hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest()[:8]


def canonical(table: Table) -> str:
    """The canonical text of a row, as an expression."""
    tokens = " || ".join(_token(name, kind) for name, kind in sorted(wire_kinds(table).items()))
    return f"CAST({tokens} AS BLOB)"


def read_canonical(table: Table) -> str:
    """(id, canonical text as a blob) of the rows with ?1 <= id < ?2 that are not in the JSON array ?3, by id."""
    return (
        f"SELECT id, {canonical(table)} FROM {quoted(table.name)}\n"
        f"WHERE id >= ?1 AND id < ?2 AND id NOT IN (SELECT value FROM json_each(?3)) ORDER BY id"
    )


def read_odd_versions(table: Table) -> str:
    """The ids of rows whose version the server cannot have given: none, negative, above its head ?1; without ?2."""
    return (
        f"SELECT id FROM {quoted(table.name)} WHERE (server_seq IS NULL OR server_seq < 0 OR server_seq > ?1)\n"
        f"AND id NOT IN (SELECT value FROM json_each(?2))"
    )


def read_edge(table: Table) -> str:
    """The id that is ?2 rows behind the id ?1, if there are so many."""
    return f"SELECT id FROM {quoted(table.name)} WHERE id >= ?1 ORDER BY id LIMIT 1 OFFSET ?2"


def read_edge_archived(table: Table) -> str:
    """The same, counting the rows that are archived too."""
    return (
        f"SELECT id FROM (SELECT id FROM {quoted(table.name)} WHERE id >= ?1\n"
        f"UNION SELECT id FROM _bmad_archived WHERE table_name = '{table.name}' AND id >= ?1)\n"
        f"ORDER BY id LIMIT 1 OFFSET ?2"
    )


def read_held(table: Table) -> str:
    """(id, server_seq) of those rows, among the ids in ?1, that the server gave a version once."""
    return (
        f"SELECT id, CASE WHEN server_seq < 0 THEN -1 - server_seq ELSE server_seq END FROM {quoted(table.name)}\n"
        f"WHERE server_seq IS NOT NULL AND id IN (SELECT value FROM json_each(?1))"
    )


def read_never_held(table: Table) -> str:
    """The ids of those rows, among the ids in ?1, that the server never gave a version."""
    return f"SELECT id FROM {quoted(table.name)}\nWHERE server_seq IS NULL AND id IN (SELECT value FROM json_each(?1))"


def _token(name: str, kind: Kind) -> str:
    column = quoted(name)
    if kind is Kind.JSON:
        return f"{JSONB}({column})"
    if kind is Kind.TEXT:
        return f"coalesce(octet_length({column}) || ':' || {column}, '~')"
    written = {Kind.REAL: f"{BITS}({column})", Kind.BLOB: f"lower(hex({column}))"}.get(kind, column)
    return f"CASE WHEN {column} IS NULL THEN '~' ELSE {written} || ',' END"
