"""The text index of a device, as SQLite DDL: one FTS5 index over the searchable columns of every table.

Rules of this room:
- The index keeps words, not texts, and follows the tables late. `last` is the rowid up to which it has read
  a table: a new row stands behind it and costs its writer nothing, not even a trigger. A row before it whose text
  changes, or that goes, is noted by a trigger, whoever wrote it.
- SQLite gives a new row the rowid after the newest, so `last` is never behind the newest row: when that one goes,
  `last` comes back with it. Where columns are unique, a REPLACE may take it away, and no trigger tells; there each
  insert is looked at.
- A row's `doc` holds the place of its table in the high bits, so that one table is one range of the index.
- A row is named by its id: of its rowid is asked only whether it is behind `last`, and a VACUUM, which
  may give out rowids anew, is noticed by a row whose own rowid it changes.
- It is derived: when it does not fit it is dropped, made again and filled from the tables.
"""

from __future__ import annotations

from typing import Final

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.rules import Scope
from bmaddb.schema.sqlite_ddl import quoted
from bmaddb.schema.tables import Table

INDEX: Final = "_bmad_search"
DOCS_PER_TABLE_MAX: Final = 1 << 40
NOTHING_READ: Final = -(1 << 63)
TOKENIZER: Final = ("unicode61", "remove_diacritics", "2")


def searchable_tables(catalog: Catalog) -> tuple[Table, ...]:
    """The device tables with searchable columns, in the catalog's order; the place of one is its number."""
    return tuple(table for table in catalog.device_tables if table.options.searchable)


def create_search(catalog: Catalog) -> str:
    """The index, what stands beside it, and the triggers, as one script; empty when no table is searchable."""
    tables = searchable_tables(catalog)
    if not tables:
        return ""
    columns = ", ".join(text_columns(catalog))
    parts = [
        f"CREATE VIRTUAL TABLE {INDEX} USING fts5({columns}, content='', contentless_delete=1, "
        f"tokenize='{' '.join(TOKENIZER)}');",
        f"CREATE VIRTUAL TABLE {INDEX}_terms USING fts5vocab({INDEX}, row);",
        f"CREATE TABLE {INDEX}_rows (doc INTEGER PRIMARY KEY, id TEXT NOT NULL) STRICT;",
        f"CREATE INDEX ix{INDEX}_rows ON {INDEX}_rows (id);",
        f"CREATE TABLE {INDEX}_stale (place INTEGER NOT NULL, id TEXT NOT NULL, "
        "PRIMARY KEY (place, id)) STRICT, WITHOUT ROWID;",
        f"CREATE TABLE {INDEX}_read (place INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT;",
        f"INSERT INTO {INDEX}_read VALUES {', '.join(f'({place}, {NOTHING_READ})' for place in range(len(tables)))};",
    ]
    for place, table in enumerate(tables):
        parts += _triggers(table, place)
    return "\n".join(parts) + "\n"


def note_every_row(catalog: Catalog) -> str:
    """Every row is to be read again: for when rowids may have been given out anew."""
    return "\n".join(
        f"INSERT INTO {INDEX}_stale SELECT {place}, id FROM {quoted(table.name)} WHERE true ON CONFLICT DO NOTHING;\n"
        f"{_end_at_newest(table, place)};"
        for place, table in enumerate(searchable_tables(catalog))
    )


def drop_search(triggers: tuple[str, ...]) -> str:
    """Away with the index and the `triggers` the file has of it."""
    gone = [f"DROP TRIGGER IF EXISTS {quoted(name)};" for name in triggers]
    return "\n".join(
        [*gone, *(f"DROP TABLE IF EXISTS {INDEX}{part};" for part in ("_terms", "", "_rows", "_stale", "_read"))]
    )


def text_columns(catalog: Catalog) -> tuple[str, ...]:
    """The columns of the index: as many as the table with the most has; others leave the last ones null."""
    most = max((len(table.options.searchable) for table in searchable_tables(catalog)), default=0)
    return tuple(f"text_{number}" for number in range(1, most + 1))


def _end_at_newest(table: Table, place: int) -> str:
    """`last` is not behind the newest row."""
    newest = f"coalesce((SELECT max(rowid) FROM {quoted(table.name)}), {NOTHING_READ})"
    return f"UPDATE {INDEX}_read SET last = {newest} WHERE place = {place} AND last > {newest}"


def _last(place: int) -> str:
    return f"(SELECT last FROM {INDEX}_read WHERE place = {place})"


def _triggers(table: Table, place: int) -> list[str]:
    columns = table.options.searchable
    changed = " OR ".join(f"old.{quoted(name)} IS NOT new.{quoted(name)}" for name in columns)
    listed = ", ".join(quoted(name) for name in columns)
    # DO NOTHING and not OR IGNORE: the conflict clause of the statement that fires it would take its place.
    note = "INSERT INTO " + INDEX + "_stale SELECT {}, {}.id WHERE {}.rowid <= {} ON CONFLICT DO NOTHING"
    edited, gone = (note.format(place, row, row, _last(place)) for row in ("new", "old"))
    made = [
        _trigger(table, "update", f"UPDATE OF {listed}", f"WHEN {changed} BEGIN {edited}"),
        _trigger(table, "delete", "DELETE", f"BEGIN {gone}; {_end_at_newest(table, place)}"),
    ]
    if table.options.uniques and table.scope is Scope.LOCAL:
        made.append(_trigger(table, "insert", "INSERT", f"BEGIN {edited}"))
    return made


def _trigger(table: Table, name: str, event: str, work: str) -> str:
    return f"CREATE TRIGGER {quoted(f'{INDEX}_{table.name}_{name}')} AFTER {event} ON {quoted(table.name)} {work}; END;"
