"""The rows a catalogue table starts with, and the statements that bring them up to date. Text out, no I/O.

Rule of this room: a row that already is as declared is not touched, or every start of the server would send it to
every device again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, to_raw
from bmaddb.schema.postgres_ddl_tables import TYPES, qualified, quoted
from bmaddb.schema.tables import Table

_SOURCE_TYPES: Final[dict[Kind, str]] = {**TYPES, Kind.TS: "bigint", Kind.BLOB: "text"}


def seed_statements(table: Table, rows: tuple[Mapping[str, Any], ...]) -> tuple[str, ...]:
    """UPDATE of the rows that differ, INSERT of those that are missing; each takes `seed_json` of them all (`%s`).

    Not INSERT ... ON CONFLICT: that fires the stamping trigger, and so moves the cursor, for rows it then leaves alone.
    """
    columns = _mentioned(table, rows)
    source = ", ".join(f"{quoted(column.name)} {_SOURCE_TYPES[column.kind]}" for column in columns)
    given = f"jsonb_to_recordset(%s::jsonb) as r({source})"
    names = {quoted(column.name): _value(column) for column in columns}
    insert = (
        f"insert into {qualified(table.name)} ({', '.join(names)})\n"
        f"select {', '.join(names.values())} from {given}\n"
        f"where not exists (select from {qualified(table.name)} t where t.id = r.id)"
    )
    changing = {name: value for name, value in names.items() if name != '"id"'}
    if not changing:
        return (insert,)
    stored = ", ".join(f"t.{name}" for name in changing)
    sets = ", ".join(f"{name} = {value}" for name, value in changing.items())
    update = (
        f"update {qualified(table.name)} t set {sets}\nfrom {given}\n"
        f"where t.id = r.id and ({stored}) is distinct from ({', '.join(changing.values())})"
    )
    return (update, insert)


def seed_json(table: Table, rows: tuple[Mapping[str, Any], ...]) -> str:
    """The rows as a JSON array of objects, every column present, defaults filled in."""
    columns = _mentioned(table, rows)
    return json.dumps([{column.name: _wire(column, row) for column in columns} for row in rows], ensure_ascii=False)


def _mentioned(table: Table, rows: tuple[Mapping[str, Any], ...]) -> tuple[Column[Any], ...]:
    """What the rows say or a default says; anything else (retired_at, say) is left to whoever runs the server."""
    said = {name for row in rows for name in row}
    unknown = said - {column.name for column in table.columns}
    if unknown:
        raise e.SchemaError(f"seed of {table.name}: no column {', '.join(sorted(unknown))}")
    return tuple(c for c in table.columns if c.name in said or c.spec.has_default)


def _wire(column: Column[Any], row: Mapping[str, Any]) -> Any:
    value = row.get(column.name, column.spec.default if column.spec.has_default else None)
    if value is None:
        return None
    raw = to_raw(column.kind, value)
    if column.kind is Kind.JSON:
        return json.loads(raw)
    if column.kind is Kind.BLOB:
        return base64.b64encode(raw).decode()
    return bool(raw) if column.kind is Kind.BOOL else raw


def _value(column: Column[Any]) -> str:
    name = f"r.{quoted(column.name)}"
    if column.kind is Kind.TS:
        return f"bmad_sync.moment({name})"
    return f"decode({name}, 'base64')" if column.kind is Kind.BLOB else name
