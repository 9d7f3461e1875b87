"""SQL that moves rows of a device's file into its archive and thins tables out. Text out, no I/O.

Rules of this room: ids come as one JSON array; a row is a candidate only when the server gave it a version
(`server_seq` >= 0), and every statement that removes rows looks at them again, by id.
"""

from __future__ import annotations

from typing import Any

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.sqlite_ddl import enforced_references, literal, quoted
from bmaddb.schema.sqlite_ddl_digests import canonical
from bmaddb.schema.tables import Table


def read_cold(table: Table, *, newest_first: bool, open_too: bool) -> str:
    """The ids beyond ?2, in their order, of at most ?3 rows that are cold since ?1 and are synced."""
    beyond, order = ("<", "DESC") if newest_first else (">", "ASC")
    return (
        f"SELECT id FROM {quoted(table.name)}\n"
        f"WHERE id {beyond} ?2 AND {_cold(table, '?1', open_too=open_too)} AND server_seq >= 0\n"
        f"ORDER BY id {order} LIMIT ?3"
    )


def read_surplus(table: Table, group: str, order: str) -> str:
    """The ids of at most ?2 synced rows beyond the ?1 newest of their group."""
    ranked = f"row_number() OVER (PARTITION BY {quoted(group)} ORDER BY {quoted(order)} DESC, id DESC)"
    return (
        f"SELECT id FROM (SELECT id, server_seq, {ranked} AS place FROM {quoted(table.name)})\n"
        f"WHERE place > ?1 AND server_seq >= 0 ORDER BY id LIMIT ?2"
    )


def read_leaving(table: Table, *, open_too: bool) -> str:
    """(canonical text, every column in order) of the rows among the ids ?1 that are synced, and cold since ?2."""
    columns = ", ".join(quoted(column.name) for column in table.columns)
    return (
        f"SELECT {canonical(table)}, {columns} FROM {quoted(table.name)}\n"
        f"WHERE id IN (SELECT value FROM json_each(?1)) AND server_seq >= 0 AND {_cold(table, '?2', open_too=open_too)}"
    )


def _cold(table: Table, since: str, *, open_too: bool) -> str:
    """Was the row not changed since, and is it out of use as long? `open_too`: whatever its state is."""
    parts = [f"updated_at < {since}"]
    if table.options.retention.after is not None:
        parts.append(f"{quoted(table.options.retention.after)} < {since}")
    if table.options.open_states and not open_too:
        parts.append(f"(state IS NULL OR state NOT IN ({', '.join(map(literal, table.options.open_states))}))")
    return " AND ".join(parts)


def read_referred(child: Table, column: Column[Any]) -> str:
    """Those of the ids ?1 that some row of `child` refers to."""
    name = quoted(child.name)
    return f"SELECT value FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM {name} WHERE {quoted(column.name)} = value)"


def read_children(table: Table, column: Column[Any]) -> str:
    """(the id referred to, the id that refers) of rows that refer to one of the ids ?1 of the same table."""
    name = quoted(column.name)
    return f"SELECT {name}, id FROM {quoted(table.name)} WHERE {name} IN (SELECT value FROM json_each(?1))"


def referring(table: Table, catalog: Catalog) -> tuple[tuple[Table, Column[Any]], ...]:
    """Every column of a device's tables that is a foreign key to `table`."""
    return tuple(
        (child, column)
        for child in catalog.device_tables
        for column in enforced_references(child, catalog)
        if column.spec.references == table.name
    )


def delete_oldest(table: Table, column: str, condition: str = "true") -> str:
    """Remove at most ?2 rows of a local table whose `column` is before ?1, oldest first."""
    name = quoted(table.name)
    return (
        f"DELETE FROM {name} WHERE rowid IN (\n"
        f"SELECT rowid FROM {name} WHERE {quoted(column)} < ?1 AND ({condition}) ORDER BY {quoted(column)} LIMIT ?2)"
    )


def delete_stale_sources(derived: Table, source: Table) -> str:
    """Remove at most ?2 rows computed from rows of `source` that were not changed since ?1, or are not here."""
    name = quoted(derived.name)
    return (
        f"DELETE FROM {name} WHERE rowid IN (\n"
        f"SELECT rowid FROM {name} WHERE source_table = '{source.name}' AND source_id NOT IN (\n"
        f"SELECT id FROM {quoted(source.name)} WHERE updated_at >= ?1) LIMIT ?2)"
    )
