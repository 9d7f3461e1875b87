"""The function of every synced table that a first sync walks through. Text out, no I/O.

Rules of this room: it is one SELECT in plain SQL, so that Postgres puts it in the place of its call and a COPY
streams rows as the index gives them; the order is that of the cursor, (server_seq, id).
"""

from __future__ import annotations

from bmaddb.schema.postgres_ddl_functions import wire_row
from bmaddb.schema.postgres_ddl_tables import qualified
from bmaddb.schema.rules import Scope
from bmaddb.schema.tables import Table


def walk(table: Table) -> str:
    """Rows in versions `p_lo` to `p_hi`, those of `p_lo` only after the id `p_after`, as pulled rows."""
    mine = "t.user_id = p_uid and " if table.scope is Scope.USER else ""
    return f"""create function bmad_sync.walk_{table.name}(p_uid uuid, p_lo bigint, p_after text, p_hi bigint)
returns setof json
language sql stable
as $$
  select {wire_row(table)}
  from {qualified(table.name)} t
  where {mine}t.server_seq > 0 and t.server_seq >= p_lo and t.server_seq <= p_hi
    and (t.server_seq > p_lo or t.id > p_after)
  order by t.server_seq, t.id
$$;"""
