"""Functions of every synced table that compare and repair: digest of ranges of ids, hashes of rows, rows by id.

Rules of this room: the canonical text of a row is the one `sqlite_ddl_digests` writes, letter by letter: a token for
each column that travels, in the order of the names; what is not null says its length or ends in a comma.
"""

from __future__ import annotations

from typing import Final

from bmaddb.schema.kinds import Kind
from bmaddb.schema.postgres_ddl_functions import mine, out, read_columns, wire_kinds
from bmaddb.schema.postgres_ddl_tables import qualified, quoted
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table

SIGNATURES: Final = (
    ("digest", "uuid, text[], text[]", "json", "stable"),
    ("hashes", "uuid, text, text, text[], int", "json", "stable"),
    ("fetch", "uuid, text[]", "bmad_sync.page", "stable"),
    ("unseen", "uuid, text[], bigint[], bigint, int8multirange", "text[]", "stable"),
)


def digest_functions(table: Table) -> str:
    """Every such function of one table."""
    return "\n\n".join((_digest(table), _hashes(table), _fetch(table), _unseen(table)))


def _hash(table: Table) -> str:
    tokens = ", ".join(_token(name, kind) for name, kind in sorted(wire_kinds(table).items()))
    return f"('x' || left(md5(concat({tokens})), 16))::bit(64)::bigint"


def _token(name: str, kind: Kind) -> str:
    column = f"t.{quoted(name)}"
    if kind in (Kind.TEXT, Kind.JSON):
        text = f"nullif({column}::text, 'null')" if kind is Kind.JSON else column
        return f"coalesce(octet_length({text}) || ':' || {text}, '~')"
    written = {
        Kind.INT: column,
        Kind.BOOL: f"{column}::int",
        Kind.TS: f"bmad_sync.ms({column})",
        Kind.REAL: f"encode(float8send({column} + 0), 'hex')",
        Kind.BLOB: f"encode({column}, 'hex')",
    }[kind]
    return f"coalesce({written} || ',', '~')"


def _digest(table: Table) -> str:
    return f"""create function bmad_sync.digest_{table.name}(p_uid uuid, p_bounds text[], p_skip text[])
returns json
language plpgsql stable
as $$
begin
  return (
    select json_object_agg(x.place, json_build_array(x.counted, x.total))
    from (
      select width_bucket(t.id, p_bounds) as place, count(*) as counted,
        sum({_hash(table)})::text as total
      from {qualified(table.name)} t
      where {mine(table)}t.id >= p_bounds[1] and t.id < p_bounds[cardinality(p_bounds)] and t.id <> all (p_skip)
      group by 1
    ) x
  );
end
$$;"""


def _hashes(table: Table) -> str:
    return f"""create function bmad_sync.hashes_{table.name}(p_uid uuid, p_lo text, p_hi text, p_skip text[], p_max int)
returns json
language plpgsql stable
as $$
begin
  return (
    select json_agg(json_build_array(x.id, x.hash::text))
    from (
      select t.id, {_hash(table)} as hash
      from {qualified(table.name)} t
      where {mine(table)}t.id >= p_lo and t.id < p_hi and t.id <> all (p_skip)
      order by t.id
      limit p_max
    ) x
  );
end
$$;"""


def _fetch(table: Table) -> str:
    book = {"server_seq": "t.server_seq", "hlc": "t.hlc", "stamps": "nullif(t.stamps, '{}')"}
    kinds = wire_kinds(table)
    columns = ", ".join(book.get(name) or out(name, kinds[name]) for name in read_columns(table))
    return f"""create function bmad_sync.fetch_{table.name}(p_uid uuid, p_ids text[])
returns bmad_sync.page
language plpgsql stable
as $$
declare
  page bmad_sync.page;
begin
  select json_agg(json_build_array({columns})), count(*) into page
  from unnest(p_ids) k (id)
  cross join lateral (select * from {qualified(table.name)} t where {mine(table)}t.id = k.id offset 0) t;
  return page;
end
$$;"""


def _unseen(table: Table) -> str:
    """Of rows a device holds and the server does not: those that were never deleted here, but lost."""
    if table.scope is not Scope.USER:
        body = "  return '{}';"
    else:
        body = f"""  return array(
    select k.id from unnest(p_ids, p_versions) k (id, version)
    where (k.version >= p_floor or p_lost @> k.version)
      and not exists (select from {qualified(table.name)} t where {mine(table)}t.id = k.id)
  );"""
    return f"""create function bmad_sync.unseen_{table.name}(
  p_uid uuid, p_ids text[], p_versions bigint[], p_floor bigint, p_lost int8multirange
)
returns text[]
language plpgsql stable
as $$
begin
{body}
end
$$;"""
