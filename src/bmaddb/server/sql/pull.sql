-- Pull: what changed since a cursor, from one snapshot. Every function here is STABLE: all its queries see the same
-- moment, so the head that becomes the next cursor and the rows belong together.

create function bmad_sync.rows_per_page_default() returns int language sql immutable as $$ select 5000 $$;
create function bmad_sync.bytes_per_page_default() returns int language sql immutable as $$ select 8000000 $$;
create function bmad_sync.bytes_per_page_max() returns int language sql immutable as $$ select 64000000 $$;
-- Fewer rows than these are not weighed: it would cost more than most pulls.
create function bmad_sync.rows_unweighed() returns int language sql immutable as $$ select 100 $$;
create function bmad_sync.rows_per_page_max() returns int language sql immutable as $$ select 20000 $$;

-- A cursor is 1.<epoch>-<user>.<catalogue version>.<user version>; while a first sync is still being paged it also
-- says where the heads stood when that began: tombstones up to there are of no use to a device that starts empty.
create function bmad_sync.write_cursor(epoch text, uid uuid, c bigint, u bigint, c_start bigint, u_start bigint) returns text
language sql immutable
as $$
  select concat('1.', epoch, '-', left(md5(uid::text), 8), '.', c, '.', u,
    case when c < c_start or u < u_start then concat('.', c_start, '.', u_start) end)
$$;

create function bmad_sync.read_cursor(
  given text, uid uuid, out epoch text, out c bigint, out u bigint, out c_start bigint, out u_start bigint
)
language plpgsql immutable
as $$
declare
  parts text[] := regexp_match(given, '^1\.([0-9a-f]{8})-([0-9a-f]{8})\.(\d{1,15})\.(\d{1,15})(?:\.(\d{1,15})\.(\d{1,15}))?$');
begin
  if parts is null then
    perform bmad_sync.refuse('PT400', 'cursor_garbage', 'this is not a cursor', 'send the cursor of the last answer, or null to start anew');
  elsif parts[2] <> left(md5(uid::text), 8) then
    perform bmad_sync.refuse('PT400', 'cursor_foreign', 'this cursor was given to another user', 'send null to start anew');
  end if;
  epoch := parts[1];
  c := parts[3];
  u := parts[4];
  c_start := coalesce(parts[5], '0');
  u_start := coalesce(parts[6], '0');
end
$$;

-- Versions and ids of what left the caller's sight (p_scope: own user id or the catalogue, nothing else is answered).
create function bmad_sync.buried_versions(p_scope uuid, p_tabs int[], p_lo bigint, p_hi bigint, p_max int, p_skip bigint[])
returns bigint[]
language sql stable security definer set search_path = ''
as $$
  select array(
    select t.version from bmad_sync.tombstones t
    where t.scope = p_scope and p_scope in (bmad_sync.uid(), bmad_sync.catalogue())
      and t.version > p_lo and t.version <= p_hi and t.tab = any (p_tabs) and t.version <> all (p_skip)
    order by t.version
    limit p_max
  )
$$;

create function bmad_sync.buried(p_scope uuid, p_lo bigint, p_hi bigint, p_skip bigint[]) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(jsonb_object_agg(g.tab, g.ids), '{}')
  from (
    select t.tab, jsonb_agg(t.id order by t.version, t.id) as ids
    from bmad_sync.tombstones t
    where t.scope = p_scope and p_scope in (bmad_sync.uid(), bmad_sync.catalogue())
      and t.version > p_lo and t.version <= p_hi and t.version <> all (p_skip)
    group by t.tab
  ) g
$$;

-- The last version of a page that starts after `lo`: whole versions, at most `rows_max` rows unless the first
-- version alone has more. What is in `skip` is not sent, so it takes no room.
create function bmad_sync.page_end(
  p_scope uuid, tabs int[], lo bigint, hi bigint, rows_max int, skip bigint[], out upto bigint, out counted int
)
language plpgsql stable
as $$
declare
  seen bigint[] := bmad_sync.buried_versions(p_scope, tabs, lo, hi, rows_max + 1, skip);
  tab int;
begin
  upto := hi;
  foreach tab in array array_append(tabs, null) loop
    if tab is not null then
      seen := array(
        select v from unnest(seen || bmad_sync.do_versions(tab, p_scope, lo, upto, rows_max + 1, skip)) v
        where v <= upto order by v limit rows_max + 1
      );
    end if;
    if cardinality(seen) > rows_max then
      upto := case when seen[1] < seen[rows_max + 1] then seen[rows_max + 1] - 1 else seen[1] end;
    end if;
  end loop;
  counted := cardinality(seen);
end
$$;

-- The same by weight: whole versions of about `bytes_max` bytes of JSON, unless the first one alone has more.
create function bmad_sync.page_end_by_weight(
  p_scope uuid, tabs int[], lo bigint, hi bigint, bytes_max bigint, skip bigint[], out upto bigint
)
language plpgsql stable
as $$
declare
  query text;
  first bigint;
  over bigint;
begin
  select string_agg(format(
    'select t.server_seq as v, %s as w from bmad.%I t where %s t.server_seq > 0 and t.server_seq > $2 and t.server_seq <= $3 and t.server_seq <> all ($5)',
    w.weight, f.name, case when f.scope = 'user' then 't.user_id = $1 and' end
  ), ' union all ') into query
  from bmad_sync.tables f
  cross join lateral (
    select string_agg(case
      when k.kind in ('text', 'json') then format('coalesce(octet_length(t.%I::text), 4)', k.name)
      when k.kind = 'blob' then format('coalesce(octet_length(t.%I) * 4 / 3, 4)', k.name)
      else '12' end, ' + ') as weight
    from jsonb_each_text(f.kinds) k (name, kind)
  ) w
  where f.number = any (tabs);
  execute format('select min(v), min(v) filter (where w > $4) from (select v, sum(sum(w)) over (order by v) as w from (%s) x group by v) y', query)
  into first, over using p_scope, lo, hi, bytes_max, skip;
  upto := case when over is null then hi when over = first then over else over - 1 end;
end
$$;

-- One scope's part of a page: {"listed": tables with something in them, "upto": version, "used": rows}.
create function bmad_sync.pull_scope(
  p_scope uuid, p_names text[], touched bigint[], lo bigint, hi bigint, start bigint, rows_max int, bytes_max bigint, skip bigint[],
  out listed json[], out upto bigint, out used int
)
language plpgsql stable
as $$
declare
  tabs int[] := array(
    select t.number from bmad_sync.tables t
    where t.scope = case when p_scope = bmad_sync.catalogue() then 'catalog' else 'user' end
      and (p_names is null or t.name = any (p_names)) and touched[t.number] > lo
    order by t.place
  );
  others constant bigint := hi - lo - (select count(distinct v) from unnest(skip) v where v > lo and v <= hi);
  buried jsonb;
  facts record;
  page bmad_sync.page;
  ids jsonb;
begin
  listed := '{}';
  upto := hi;
  used := 0;
  if others <= 0 then -- nothing, or only what the request wrote itself: its cursor is past that
    upto := hi;
    return;
  elsif rows_max <= 0 then
    upto := lo;
    return;
  end if;
  -- a version holds a bounded number of rows, so few versions fit without counting
  if others * bmad_sync.rows_per_version_max() > rows_max then
    select p.upto, p.counted into upto, used
    from bmad_sync.page_end(p_scope, tabs, lo, hi, rows_max, skip) p;
    if used > bmad_sync.rows_unweighed() then
      upto := bmad_sync.page_end_by_weight(p_scope, tabs, lo, upto, bytes_max, skip);
    end if;
    used := 0;
  end if;
  buried := bmad_sync.buried(p_scope, greatest(lo, start), upto, skip);
  for facts in select t.number, t.name, t.read_columns from bmad_sync.tables t where t.number = any (tabs) order by t.place loop
    page := bmad_sync.do_read(facts.number, p_scope, lo, upto, null, skip);
    ids := bmad_sync.still_gone(facts.number, p_scope, buried -> facts.number::text);
    used := used + page.counted + coalesce(jsonb_array_length(ids), 0);
    if page.counted > 0 or ids is not null then
      listed := array_append(listed, json_build_object(
        'table', facts.name, 'columns', facts.read_columns,
        'rows', coalesce(page.listed, '[]'), 'deleted', coalesce(ids, '[]')
      ));
    end if;
  end loop;
end
$$;

-- Of these ids, those that do not exist again; null when none is left.
create function bmad_sync.still_gone(tab int, p_scope uuid, ids jsonb) returns jsonb
language plpgsql stable
as $$
declare
  alive text[];
begin
  if ids is null then
    return null;
  end if;
  alive := bmad_sync.do_alive(tab, p_scope, array(select jsonb_array_elements_text(ids)));
  return (select jsonb_agg(id) from jsonb_array_elements_text(ids) id where id <> all (alive));
end
$$;

-- A whole answer. `skip` holds the versions the same request wrote itself.
create function bmad_sync.pull_page(
  uid uuid, given text, rows_max int, names text[], skip bigint[], bytes_max bigint default bmad_sync.bytes_per_page_default()
) returns json
language plpgsql stable
as $$
declare
  h record := bmad_sync.heads_now();
  at record;
  part record;
  listed json[];
  c_upto bigint;
  room int;
  cursor text;
  more boolean;
begin
  if bmad_sync.is_walk(given) then
    return bmad_sync.walk_page(uid, given, rows_max, bytes_max);
  elsif given is null then
    select h.epoch as epoch, 0::bigint as c, 0::bigint as u, h.catalogue_version as c_start, h.user_version as u_start into at;
  else
    at := bmad_sync.read_cursor(given, uid);
  end if;
  if at.epoch <> h.epoch then
    return json_build_object('resync', true, 'reason', 'the server was restored from a backup', 'cursor', null);
  elsif at.c > h.catalogue_version or at.u > h.user_version then
    if not pg_is_in_recovery() then
      perform bmad_sync.refuse('PT400', 'cursor_future', 'this cursor lies ahead of the server', 'send null to start anew');
    end if; -- a replica that lags has nothing new, that is all
  elsif greatest(at.c, at.c_start) < h.catalogue_floor or greatest(at.u, at.u_start) < h.user_floor then
    return json_build_object('resync', true, 'reason', 'the cursor is older than the tombstones kept', 'cursor', null);
  end if;
  part := bmad_sync.pull_scope(
    bmad_sync.catalogue(), names, h.catalogue_touched, at.c, h.catalogue_version, at.c_start, rows_max, bytes_max, skip => '{}');
  listed := part.listed;
  c_upto := greatest(part.upto, at.c);
  room := case when c_upto < h.catalogue_version then 0 else rows_max - part.used end;
  part := bmad_sync.pull_scope(uid, names, h.user_touched, at.u, h.user_version, at.u_start, room, bytes_max, skip);
  cursor := bmad_sync.write_cursor(h.epoch, uid, c_upto, greatest(part.upto, at.u), at.c_start, at.u_start);
  more := c_upto < h.catalogue_version or part.upto < h.user_version;
  if given is null and not isempty(h.user_lost) then -- what a device holds of these, or of later than now, it alone holds
    return json_build_object('cursor', cursor, 'more', more, 'schema_version', h.schema_version, 'tables', array_to_json(listed || part.listed),
      'lost', (select json_agg(json_build_array(lower(r), upper(r) - 1)) from unnest(h.user_lost + int8multirange(int8range(h.user_version + 1, 1::bigint << 53))) r));
  end if;
  return json_build_object('cursor', cursor, 'more', more, 'schema_version', h.schema_version, 'tables', array_to_json(listed || part.listed));
end
$$;

-- Before a push is applied: a cursor of a lost timeline means that what the device edits may be lost here too. Applied
-- now, an edit of a row that is not here would look like an edit of a deleted one; so the device reads everything first.
create function bmad_sync.check_timeline(given text) returns void
language plpgsql stable
as $$
declare
  h record := bmad_sync.heads_now();
  at text[] := regexp_match(given, '^w?1\.([0-9a-f]{8})-[0-9a-f]{8}\.(\d{1,15})\.(\d{1,15})');
begin
  if at[1] <> h.epoch then
    perform bmad_sync.refuse('PT400', 'cursor_epoch', 'the server was restored from a backup', 'send null to start anew');
  elsif (at[2]::bigint > h.catalogue_version or at[3]::bigint > h.user_version) and not pg_is_in_recovery() then
    perform bmad_sync.refuse('PT400', 'cursor_future', 'this cursor lies ahead of the server', 'send null to start anew');
  end if;
end
$$;

create function bmad_sync.table_names(given json) returns text[]
language plpgsql stable
as $$
declare
  names text[];
  stranger text;
begin
  if given is null or json_typeof(given) = 'null' then
    return null;
  elsif json_typeof(given) <> 'array' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"tables" must be an array of names');
  end if;
  names := array(select json_array_elements_text(given));
  select n into stranger from unnest(names) n where not exists (select from bmad_sync.tables t where t.name = n);
  if found then
    perform bmad_sync.refuse('PT400', 'unknown_table', format('no synced table is called %s', to_json(stranger)));
  end if;
  return names;
end
$$;

create function bmad_sync.page_rows(given json) returns int
language sql immutable
as $$
  select coalesce(bmad_sync.whole(given, 'limit_rows', 1, bmad_sync.rows_per_page_max()), bmad_sync.rows_per_page_default())::int
$$;

create function public.bmad_pull_v1(json) returns json
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set statement_timeout = '30s'
as $$
declare
  uid constant uuid := bmad_sync.caller();
  asked record;
begin
  if json_typeof($1) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  select * into asked
  from json_to_record(bmad_sync.readable($1, bmad_sync.unreadable())) as r(cursor json, schema_version json, limit_rows json, limit_bytes json, tables json, "user" json);
  perform bmad_sync.check_owner(uid, asked."user");
  perform bmad_sync.whole(asked.schema_version, 'schema_version', 1, 1000000);
  return bmad_sync.pull_page(
    uid, bmad_sync.text_of(asked.cursor, 'cursor'), bmad_sync.page_rows(asked.limit_rows), bmad_sync.table_names(asked.tables), '{}',
    coalesce(bmad_sync.whole(asked.limit_bytes, 'limit_bytes', 1, bmad_sync.bytes_per_page_max()), bmad_sync.bytes_per_page_default())
  );
end
$$;
