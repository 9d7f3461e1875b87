"""SQLite DDL of a device: STRICT tables, their checks, their foreign keys, their indexes. Text out, no I/O.

Rules of this room:
- The file of a device holds one user, so an index there does not start with `user_id`.
- A synced table has no UNIQUE besides its id: two devices may each sync a row that collides with the
  other's, and only the server can say which one stays. Its uniques become plain indexes. Natural keys need
  none: they make the id.
- A foreign key to a catalogue table is not enforced: the catalogue may arrive later than the row.
- A `row_key` is SQLite's own key of the rows (INTEGER PRIMARY KEY): such a table is one tree, without an index.
- ON DELETE RESTRICT is written NO ACTION, or it would not wait for the end of the transaction.
- Every enforced foreign key has an index that starts with it, or deleting a parent would scan its children.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from bmaddb.schema.catalog import Catalog
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import IndexColumns, Table

_TYPES: Final[dict[Kind, str]] = {
    Kind.TEXT: "TEXT",
    Kind.INT: "INTEGER",
    Kind.REAL: "REAL",
    Kind.BOOL: "INTEGER",
    Kind.JSON: "TEXT",
    Kind.TS: "INTEGER",
    Kind.BLOB: "BLOB",
}
_ON_DELETE: Final[dict[str, str]] = {"cascade": "CASCADE", "null": "SET NULL", "restrict": "NO ACTION"}
_USER_ID_LETTERS: Final = "\"id\" NOT GLOB '*[^A-Za-z0-9_.-]*'"


def create_all(catalog: Catalog) -> str:
    """Every table of a device with its indexes, parents first, as one script."""
    parts = [(create_table(table, catalog), *create_indexes(table, catalog)) for table in catalog.device_tables]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def create_table(table: Table, catalog: Catalog, *, name: str | None = None) -> str:
    """CREATE TABLE for `table`, under another `name` while it is being rebuilt."""
    lines = [f"  {column_definition(table, column)}" for column in table.columns]
    lines += [
        f"  FOREIGN KEY ({quoted(column.name)}) {reference(column)}" for column in enforced_references(table, catalog)
    ]
    body = ",\n".join(lines)
    return f"CREATE TABLE {quoted(name or table.name)} (\n{body}\n) STRICT;"


def create_indexes(table: Table, catalog: Catalog) -> tuple[str, ...]:
    """CREATE INDEX statements: the unique ones first, then the declared, then those for foreign keys."""
    unique = table.options.uniques if table.scope is Scope.LOCAL else ()
    plain = _plain_indexes(table, unique)
    leading = {columns[0] for columns in (*unique, *plain)}
    references = [column for column in enforced_references(table, catalog) if column.name not in leading]
    return (
        *(create_index(table.name, columns, unique=True) for columns in unique),
        *(create_index(table.name, columns) for columns in plain),
        *(create_index(table.name, (column.name,), partial=column.spec.nullable) for column in references),
    )


def create_index(table: str, columns: tuple[str, ...], *, unique: bool = False, partial: bool = False) -> str:
    """One CREATE INDEX; a `partial` one leaves out the rows where its first column is null."""
    listed = ", ".join(quoted(column) for column in columns)
    where = f" WHERE {quoted(columns[0])} IS NOT NULL" if partial else ""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    return f"CREATE {kind} {quoted(index_name(table, columns))} ON {quoted(table)} ({listed}){where};"


def index_name(table: str, columns: tuple[str, ...]) -> str:
    """The name follows from what is indexed, so that a migration can find the index again."""
    return f"ix_{table}__{'__'.join(columns)}"


def column_definition(table: Table, column: Column[Any]) -> str:
    """One column as it stands in CREATE TABLE: type, null, key, default, checks."""
    words = [quoted(column.name), _TYPES[column.kind]]
    if not column.spec.nullable:
        words.append("NOT NULL")
    if column.name == row_key(table):
        words.append("PRIMARY KEY")
    if column.spec.has_default and column.spec.default is not None:
        words.append(f"DEFAULT {literal(to_raw(column.kind, column.spec.default))}")
    words += [f"CHECK ({check})" for check in _checks(table, column)]
    return " ".join(words)


def check_alone(table: Table, column: Column[Any]) -> str:
    """CREATE TABLE with nothing but the names of the table's columns and the check of one of them."""
    names = ", ".join(quoted(each.name) for each in table.columns)
    return f"CREATE TABLE {quoted(table.name)} ({names}, CHECK ({column.spec.check}));"


def row_key(table: Table) -> str:
    """The column that is the primary key in the file."""
    return table.options.row_key or "id"


def enforced_references(table: Table, catalog: Catalog) -> tuple[Column[Any], ...]:
    """The foreign keys a device enforces: those that do not lead to a catalogue table."""
    return tuple(
        column for column in table.foreign_keys if catalog.table(str(column.spec.references)).scope is not Scope.CATALOG
    )


def reference(column: Column[Any]) -> str:
    """The REFERENCES clause of an enforced foreign key."""
    spec = column.spec
    return (
        f"REFERENCES {quoted(str(spec.references))} ({quoted('id')}) "
        f"ON DELETE {_ON_DELETE[str(spec.on_delete)]} DEFERRABLE INITIALLY DEFERRED"
    )


def without_user(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The index as a device has it."""
    return columns[1:] if columns[0] == "user_id" else columns


def quoted(name: str) -> str:
    """`name` as an identifier; names hold nothing that needs escaping (checked when they are declared)."""
    return f'"{name}"'


def literal(raw: Any) -> str:
    """What SQLite holds, written as a literal."""
    if isinstance(raw, str):
        return "'" + raw.replace("'", "''") + "'"
    return f"X'{raw.hex()}'" if isinstance(raw, bytes) else repr(raw)


def _checks(table: Table, column: Column[Any]) -> list[str]:
    """What SQLite holds a value to. Nothing in the engine's own tables: no door leads there, and every write pays."""
    if table.options.engine:
        return []
    spec, name = column.spec, quoted(column.name)
    checks = [spec.check] if spec.check else []
    if column.name == "id" and table.scope is Scope.USER:
        checks.append(_USER_ID_LETTERS)
    if column.kind is Kind.BOOL:
        checks.append(f"{name} IN (0, 1)")
    if column.kind is Kind.JSON:
        checks.append(f"json_valid({name})")
    if spec.enum:
        checks.append(f"{name} IN ({', '.join(literal(value) for value in spec.enum)})")
    return checks


def _plain_indexes(table: Table, unique: IndexColumns) -> IndexColumns:
    declared = table.options.indexes if unique else (*table.options.indexes, *table.options.uniques)
    groups = dict.fromkeys(group for columns in declared if (group := without_user(columns)))
    return tuple(group for group in groups if not _covered(group, (*groups, *unique)))


def _covered(columns: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> bool:
    """Does a longer index start with these columns?"""
    return any(len(other) > len(columns) and other[: len(columns)] == columns for other in others)
