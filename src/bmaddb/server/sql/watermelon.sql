-- The WatermelonDB door: the same rows in the shapes its clients know.

create function bmad_sync.whole_changes(rows json, ids jsonb) returns json
language sql immutable
as $$
  select json_build_object('created', '[]'::json, 'updated', coalesce(rows, '[]'), 'deleted', coalesce(ids, '[]'))
$$;

-- Both versions of an integer cursor; null or 0 means: everything.
create function bmad_sync.split_cursor(given bigint, out c bigint, out u bigint)
language plpgsql immutable
as $$
begin
  if given < 0 or given >= 1::bigint << 53 then
    perform bmad_sync.refuse('PT400', 'cursor_garbage', 'last_pulled_at is not a timestamp this server gave', 'send null to start anew');
  end if;
  c := coalesce(given, 0) >> 32;
  u := coalesce(given, 0) & ((1::bigint << 32) - 1);
end
$$;

-- The tables a migration brought to the client: all their rows are sent, whatever the cursor says.
create function bmad_sync.migrated_tables(migration json) returns text[]
language plpgsql immutable
as $$
declare
  given constant jsonb := bmad_sync.readable(coalesce(migration, 'null'), '');
begin
  if given = 'null' then
    return '{}';
  elsif not coalesce(
    jsonb_typeof(given) = 'object'
    and jsonb_typeof(coalesce(given -> 'tables', '[]')) = 'array'
    and jsonb_typeof(coalesce(given -> 'columns', '[]')) = 'array'
    and not jsonb_path_exists(given, '$.tables[*] ? (@.type() != "string")')
    and not jsonb_path_exists(given, '$.columns[*] ? (@.type() != "object" || !exists(@.table))'), false)
  then
    perform bmad_sync.refuse('PT400', 'bad_request', 'migration must be null or {from, tables, columns}');
  end if;
  return array(
    select jsonb_array_elements_text(coalesce(given -> 'tables', '[]'))
    union
    select c ->> 'table' from jsonb_array_elements(coalesce(given -> 'columns', '[]')) c
  );
end
$$;

create function public.pull_changes_optimized(
  last_pulled_at bigint default null, schema_version int default null, migration json default null,
  user_type text default null, optimization_hints json default null
) returns json
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set statement_timeout = '60s'
as $$
declare
  uid uuid := bmad_sync.caller();
  h record := bmad_sync.heads_now();
  at record := bmad_sync.split_cursor(last_pulled_at);
  migrated text[] := bmad_sync.migrated_tables(migration);
  whole boolean := coalesce(last_pulled_at, 0) = 0;
  replaced boolean := false;
  names text[] := '{}';
  parts json[] := '{}';
  facts record;
  buried record;
begin
  if at.c > h.catalogue_version or at.u > h.user_version then
    perform bmad_sync.refuse('PT400', 'cursor_future', 'last_pulled_at lies ahead of the server', 'send null to start anew');
  end if;
  -- where the server cannot say what changed, it sends all there is and says that it is all
  replaced := not whole and (at.c < h.catalogue_floor or at.u < h.user_floor or h.catalogue_lost @> at.c or h.user_lost @> at.u);
  if replaced or whole then
    at := bmad_sync.split_cursor(0);
  end if;
  select bmad_sync.buried(bmad_sync.catalogue(), at.c, h.catalogue_version, '{}') as catalog,
    bmad_sync.buried(uid, at.u, h.user_version, '{}') as mine into buried;
  for facts in
    select t.number, t.name, s.*, t.name = any (migrated) as is_new
    from bmad_sync.tables t
    cross join lateral (
      select uid as scope, at.u as lo, h.user_version as hi, h.user_touched[t.number] as touched, buried.mine as gone where t.scope = 'user'
      union all
      select bmad_sync.catalogue(), at.c, h.catalogue_version, h.catalogue_touched[t.number], buried.catalog where t.scope = 'catalog'
    ) s
    order by t.place
  loop
    names := array_append(names, facts.name);
    if facts.touched is null or facts.touched <= facts.lo and not facts.is_new then
      parts := array_append(parts, bmad_sync.whole_changes(null, null));
    else
      parts := array_append(parts, bmad_sync.whole_changes(
        bmad_sync.do_raw(facts.number, facts.scope, case when facts.is_new then 0 else facts.lo end, facts.hi),
        case when not (whole or replaced) then bmad_sync.still_gone(facts.number, facts.scope, facts.gone -> facts.number::text) end
      ));
    end if;
  end loop;
  return (
    select case when replaced
      then json_build_object('changes', c.changes, 'timestamp', c.timestamp, 'experimentalStrategy', 'replacement')
      else json_build_object('changes', c.changes, 'timestamp', c.timestamp) end
    from (
      select json_object_agg(n, p) as changes, (h.catalogue_version << 32) + h.user_version as timestamp
      from unnest(names, parts) z (n, p)
    ) c
  );
end
$$;
