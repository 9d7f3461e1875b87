"""Functions of every synced table: read, look, raw, versions, insert, update, delete; and one dispatcher for each.

Rules of this room:
- The SQL is static: plans are kept, nothing is pasted at run time.
- Plans are made when tables are empty and must be good when they are not. So a look-up goes id by id (LATERAL ...
  OFFSET 0), and only what reads by version says `server_seq > 0`, which is the condition of that index.
- Values come in and go out as the wire has them.
- Row-level security and grants decide who may: every function here runs with the caller's rights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_tables import declared_columns, fixed_columns, literal, qualified, quoted
from bmaddb.schema.records import writable
from bmaddb.schema.rules import MergeRule, Scope
from bmaddb.schema.tables import Table

COLUMNS_MAX: Final = 90  # json_build_array takes a hundred arguments
_SINCE: Final = "t.server_seq > 0 and t.server_seq > p_lo and t.server_seq <= p_hi"
_ENVELOPE_KINDS: Final[dict[Scope, dict[str, Kind]]] = {
    Scope.USER: {"id": Kind.TEXT, "created_at": Kind.TS, "updated_at": Kind.TS},
    Scope.CATALOG: {"id": Kind.TEXT, "published_at": Kind.TS, "retired_at": Kind.TS},
}
_JSON_TYPES: Final[dict[Kind, str]] = {
    Kind.TEXT: "string",
    Kind.INT: "number",
    Kind.REAL: "number",
    Kind.BOOL: "boolean",
    Kind.JSON: "any",
    Kind.TS: "number",
    Kind.BLOB: "string",
}

_SHAPES: Final[dict[MergeRule, str]] = {
    MergeRule.SET: "array",
    MergeRule.CNT: "object",
    MergeRule.MAP: "object",
}


def wire_kinds(table: Table) -> dict[str, Kind]:
    """Name and kind of every column that travels, bookkeeping left out, in the order of the wire."""
    kinds = {**_ENVELOPE_KINDS[table.scope], **{column.name: column.kind for column in declared_columns(table)}}
    if len(kinds) > COLUMNS_MAX:
        raise e.SchemaError(f"{table.name} has more than {COLUMNS_MAX} columns", hint="split the table in two")
    return kinds


def read_columns(table: Table) -> tuple[str, ...]:
    """The columns of a pulled row, in order."""
    names = list(wire_kinds(table))
    at = 3
    book = ["server_seq", "hlc", "stamps"] if table.scope is Scope.USER else ["server_seq"]
    return (*names[:at], *book, *names[at:])


def wire_row(table: Table) -> str:
    """A row as it is pulled: the SQL of a JSON array of its `read_columns`."""
    book = {"server_seq": "t.server_seq", "hlc": "t.hlc", "stamps": "nullif(t.stamps, '{}')"}
    kinds = wire_kinds(table)
    columns = ", ".join(book.get(name) or out(name, kinds[name]) for name in read_columns(table))
    return f"json_build_array({columns})"


def write_columns(table: Table) -> dict[str, Kind]:
    """The columns a client may set, with their kinds."""
    if not writable(table) or table.scope is not Scope.USER:
        return {}
    held = set(server_columns(table))
    return {name: kind for name, kind in wire_kinds(table).items() if name not in held}


def server_columns(table: Table) -> tuple[str, ...]:
    """The declared columns only the server may set."""
    return tuple(column.name for column in declared_columns(table) if not column.client_writable)


def json_types(table: Table) -> dict[str, str]:
    """What type of JSON value each writable column takes; a rule that merges inside a value says which."""
    shapes = {column.name: _SHAPES.get(column.spec.merge) for column in declared_columns(table)}
    return {name: shapes.get(name) or _JSON_TYPES[kind] for name, kind in write_columns(table).items()}


def table_functions(table: Table) -> str:
    """Every function of one table."""
    parts = [_read(table), _versions(table), _raw(table), _alive(table)]
    if write_columns(table):
        parts += [_look(table), _insert(table), _update(table), _delete(table)]
    return "\n\n".join(parts)


def dispatchers(
    tables: Mapping[str, int], writable_tables: Mapping[str, int], more: Iterable[tuple[str, str, str, str]] = ()
) -> str:
    """`read(tab, ...)` and its sisters: one CASE over the numbers of the tables, each.

    `more` are (verb, types of the arguments, type of the result, volatility) of further functions of all tables.
    """
    signatures = (
        ("read", "uuid, bigint, bigint, int, bigint[]", "bmad_sync.page", "stable", tables),
        ("versions", "uuid, bigint, bigint, int, bigint[]", "bigint[]", "stable", tables),
        ("raw", "uuid, bigint, bigint", "json", "stable", tables),
        ("alive", "uuid, text[]", "text[]", "stable", tables),
        ("look", "uuid, text[]", "jsonb", "stable", writable_tables),
        ("insert", "int[], jsonb, uuid, bigint, text, text", "int", "volatile", writable_tables),
        ("update", "text[], jsonb, uuid, bigint, text", "int", "volatile", writable_tables),
        ("delete", "text[], uuid", "int", "volatile", writable_tables),
        *((*signature, tables) for signature in more),
    )
    return "\n\n".join(_dispatcher(*signature) for signature in signatures)


def _dispatcher(verb: str, arguments: str, result: str, volatility: str, tables: Mapping[str, int]) -> str:
    passed = ", ".join(f"${index + 2}" for index in range(arguments.count(",") + 1))
    cases = "\n".join(f"    when {number} then bmad_sync.{verb}_{name}({passed})" for name, number in tables.items())
    body = f"case $1\n{cases}\n  end" if tables else f"null::{result}"
    return (
        f"create function bmad_sync.do_{verb}(int, {arguments}) returns {result}\n"
        f"language plpgsql {volatility}\nas $$\nbegin\n  return {body};\nend\n$$;"
    )


def _read(table: Table) -> str:
    return f"""create function bmad_sync.read_{table.name}(
  p_uid uuid, p_lo bigint, p_hi bigint, p_max int, p_skip bigint[]
)
returns bmad_sync.page
language plpgsql stable
as $$
declare
  page bmad_sync.page;
begin
  select json_agg(x.listed), count(*) into page
  from (
    select {wire_row(table)} as listed
    from {qualified(table.name)} t
    where {mine(table)}{_SINCE} and t.server_seq <> all (p_skip)
    order by t.server_seq
    limit p_max
  ) x;
  return page;
end
$$;"""


def _versions(table: Table) -> str:
    return f"""create function bmad_sync.versions_{table.name}(
  p_uid uuid, p_lo bigint, p_hi bigint, p_max int, p_skip bigint[]
)
returns bigint[]
language plpgsql stable
as $$
begin
  return array(
    select t.server_seq from {qualified(table.name)} t
    where {mine(table)}{_SINCE} and t.server_seq <> all (p_skip)
    order by t.server_seq
    limit p_max
  );
end
$$;"""


def _raw(table: Table) -> str:
    columns = ", ".join(
        f"{out(name, kind, json_as_text=True)} as {quoted(name)}" for name, kind in wire_kinds(table).items()
    )
    return f"""create function bmad_sync.raw_{table.name}(p_uid uuid, p_lo bigint, p_hi bigint)
returns json
language plpgsql stable
as $$
begin
  return (
    select json_agg(x)
    from (
      select {columns}
      from {qualified(table.name)} t
      where {mine(table)}{_SINCE}
      order by t.server_seq
    ) x
  );
end
$$;"""


def _alive(table: Table) -> str:
    return f"""create function bmad_sync.alive_{table.name}(p_uid uuid, p_ids text[])
returns text[]
language plpgsql stable
as $$
begin
  return array(
    select t.id from unnest(p_ids) k (id)
    cross join lateral (select t.id from {qualified(table.name)} t where {mine(table)}t.id = k.id offset 0) t
  );
end
$$;"""


def _look(table: Table) -> str:
    columns = ", ".join(
        f"{out(name, kind)} as {quoted(name)}" for name, kind in wire_kinds(table).items() if name != "id"
    )
    return f"""create function bmad_sync.look_{table.name}(p_uid uuid, p_ids text[])
returns jsonb
language plpgsql stable
as $$
begin
  return (
    select jsonb_object_agg(t.id, jsonb_build_object(
      'server_seq', t.server_seq, 'hlc', t.hlc, 'stamps', nullif(t.stamps, '{{}}'), 'row', to_jsonb(x)
    ))
    from unnest(p_ids) k (id)
    cross join lateral (
      select * from {qualified(table.name)} t where t.user_id = p_uid and t.id = k.id offset 0
    ) t
    cross join lateral (select {columns}) x
  );
end
$$;"""


def _insert(table: Table) -> str:
    columns = write_columns(table)
    declared = {column.name: column for column in declared_columns(table)}
    names = ", ".join(quoted(name) for name in columns)
    values = ",\n    ".join(
        _in_array(kind, index + 1, _fallback(name, declared.get(name)))
        for index, (name, kind) in enumerate(columns.items())
    )
    return f"""create function bmad_sync.insert_{table.name}(
  p_at int[], p_rows jsonb, p_uid uuid, p_version bigint, p_stamp text, p_device text
)
returns int
language plpgsql
as $$
declare
  written int;
begin
  insert into {qualified(table.name)} (user_id, server_seq, hlc, origin_device_id, {names})
  select p_uid, p_version, p_stamp, p_device,
    {values}
  from jsonb_array_elements(p_rows) r
  on conflict (user_id, id) do nothing;
  get diagnostics written = row_count;
  return written;
end
$$;"""


def _update(table: Table) -> str:
    fixed = fixed_columns(table)
    columns = {name: kind for name, kind in write_columns(table).items() if name != "id" and fixed.get(name, True)}
    sets = ",\n    ".join(
        f"{quoted(name)} = case when c.s ? '{name}' then {_in_object(name, kind)} else t.{quoted(name)} end"
        for name, kind in columns.items()
    )
    return f"""create function bmad_sync.update_{table.name}(
  p_ids text[], p_changes jsonb, p_uid uuid, p_version bigint, p_stamp text
)
returns int
language plpgsql
set enable_nestloop = off
as $$
declare
  written int;
begin
  update {qualified(table.name)} t set
    {sets},
    stamps = t.stamps || c.marks,
    server_seq = p_version
  from (
    select e ->> 'id' as id, e -> 'set' as s, bmad_sync.marks(e -> 'set', p_stamp) as marks
    from jsonb_array_elements(p_changes) e
    offset 0
  ) c
  where t.user_id = p_uid and t.id = any (p_ids) and t.id = c.id;
  get diagnostics written = row_count;
  return written;
end
$$;"""


def _delete(table: Table) -> str:
    return f"""create function bmad_sync.delete_{table.name}(p_ids text[], p_uid uuid)
returns int
language plpgsql
as $$
declare
  gone int;
begin
  delete from {qualified(table.name)} t where t.user_id = p_uid and t.id = any (p_ids);
  get diagnostics gone = row_count;
  return gone;
end
$$;"""


def mine(table: Table) -> str:
    """The condition that leaves the rows of the user `p_uid`, with its AND; none on a catalogue table."""
    return "t.user_id = p_uid and " if table.scope is Scope.USER else ""


def out(name: str, kind: Kind, *, json_as_text: bool = False) -> str:
    """A column as the wire has it."""
    column = f"t.{quoted(name)}"
    if kind is Kind.TS:
        return f"bmad_sync.ms({column})"
    if kind is Kind.BLOB:
        return f"translate(encode({column}, 'base64'), E'\\n', '')"
    return f"{column}::text" if kind is Kind.JSON and json_as_text else column


def _fallback(name: str, column: Column[Any] | None) -> str | None:
    """What a column gets that an insert does not mention (a device of an older schema)."""
    if name in ("created_at", "updated_at"):
        return "date_trunc('milliseconds', clock_timestamp())"
    if column is None or not column.spec.has_default or column.spec.default is None:
        return None
    value = literal(column.kind, column.spec.default)
    return f"{value}::jsonb" if column.kind is Kind.JSON else value


def _in_array(kind: Kind, place: int, fallback: str | None) -> str:
    value = _CASTS[kind]("r", f"p_at[{place}]")
    return value if fallback is None else f"case when p_at[{place}] is null then {fallback} else {value} end"


def _in_object(name: str, kind: Kind) -> str:
    return _CASTS[kind]("c.s", f"'{name}'")


_CASTS: Final[dict[Kind, Callable[[str, str], str]]] = {
    Kind.TEXT: lambda source, key: f"{source} ->> {key}",
    Kind.INT: lambda source, key: f"({source} ->> {key})::bigint",
    Kind.REAL: lambda source, key: f"({source} ->> {key})::double precision",
    Kind.BOOL: lambda source, key: f"({source} ->> {key})::boolean",
    Kind.JSON: lambda source, key: f"nullif({source} -> {key}, 'null')",
    Kind.TS: lambda source, key: f"bmad_sync.moment(({source} ->> {key})::bigint)",
    Kind.BLOB: lambda source, key: f"decode({source} ->> {key}, 'base64')",
}
