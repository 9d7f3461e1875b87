-- Push through the WatermelonDB door: full records in, one transaction, conflicts abort it, single bad rows are named.

create function bmad_sync.lock_mine() returns void
language sql security definer set search_path = ''
as $$ select bmad_sync.lock_head(bmad_sync.caller()) $$;

-- Can a device hold this JSON? It nests no deeper than JSON_DEPTH_MAX, and its numbers are no larger than a double.
-- (The native door is looked at as a whole by the server before it; here a value comes as text.)
create function bmad_sync.is_bearable(parsed jsonb) returns boolean
language sql immutable
as $$
  select not jsonb_path_exists(parsed, 'strict $.**{65}')
    and not jsonb_path_exists(parsed, 'strict $.** ? (@.type() == "number" && (@ > 1e308 || @ < -1e308))')
$$;

-- One value as the native door would have it. Whole numbers may come with a fraction (JavaScript has one kind of
-- number), booleans as 0 or 1, JSON as text; null becomes the fallback.
create function bmad_sync.sanitised(kind text, wanted text, given jsonb, fallback jsonb) returns jsonb
language plpgsql immutable
as $$
declare
  type constant text := coalesce(jsonb_typeof(given), 'null');
  parsed jsonb;
begin
  if type = 'null' then
    return coalesce(fallback, 'null');
  elsif kind in ('int', 'ts') and type = 'number' then
    return to_jsonb(round((given #>> '{}')::numeric));
  elsif kind = 'real' and type = 'number' or kind = 'bool' and type = 'boolean' or kind in ('text', 'blob') and type = 'string' then
    return given;
  elsif kind = 'bool' and given in ('0', '1') then
    return to_jsonb(given = '1');
  elsif kind = 'json' and type = 'string' then
    parsed := case when given #>> '{}' = '' then coalesce(fallback, 'null') else (given #>> '{}')::jsonb end;
    if not bmad_sync.is_bearable(parsed) then
      raise exception 'JSON nests too deep, or holds a number that is too large' using errcode = '22023';
    elsif wanted = 'any' or jsonb_typeof(parsed) in (wanted, 'null') then
      return parsed;
    end if;
  end if;
  raise exception '% does not fit a column of kind % (%)', type, kind, wanted using errcode = '22023';
end
$$;

create function bmad_sync.is_part(part jsonb) returns boolean
language plpgsql immutable
as $$
begin
  if jsonb_typeof(part) <> 'object' then
    return false;
  elsif exists (
    select from jsonb_each(part) l where l.key not in ('created', 'updated', 'deleted') or jsonb_typeof(l.value) <> 'array'
  ) then
    return false;
  end if;
  return not exists (select from jsonb_array_elements(coalesce(part -> 'deleted', '[]')) d where jsonb_typeof(d) <> 'string')
    and not exists (select from bmad_sync.raws_of(part) r where jsonb_typeof(r -> 'id') is distinct from 'string');
end
$$;

-- Shape, tables and columns of the whole push; ends it when one is unknown.
create function bmad_sync.check_raws(changes jsonb) returns void
language plpgsql stable
as $$
declare
  part record;
  facts bmad_sync.tables;
  stranger text;
begin
  if jsonb_typeof(changes) <> 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"changes" must be an object of tables');
  end if;
  for part in select key, value from jsonb_each(changes) loop
    select * into facts from bmad_sync.tables t where t.name = part.key;
    if not found then
      perform bmad_sync.refuse('PT400', 'unknown_table', format('no synced table is called %s', to_json(part.key)));
    elsif not bmad_sync.is_part(part.value) then
      perform bmad_sync.refuse('PT400', 'bad_request', format('%s must be {created: [record], updated: [record], deleted: [id]}, every id text', part.key));
    end if;
    select k into stranger from bmad_sync.raws_of(part.value) r, jsonb_object_keys(r) k
    where k not in ('_status', '_changed') and not facts.kinds ? k;
    if found then
      perform bmad_sync.refuse('PT400', 'unknown_column', format('%s has no column %s', part.key, to_json(stranger)));
    end if;
  end loop;
end
$$;

create function bmad_sync.raws_of(part jsonb) returns setof jsonb
language sql immutable
as $$
  select jsonb_array_elements(coalesce(part -> 'created', '[]') || coalesce(part -> 'updated', '[]'))
$$;

-- Aborts when a row of this table changed after the client's last pull, or is updated after its deletion.
create function bmad_sync.check_raw_conflicts(uid uuid, tab int, table_name text, part jsonb, base bigint) returns void
language plpgsql stable
as $$
declare
  ids text[] := array(select r ->> 'id' from bmad_sync.raws_of(part) r union select jsonb_array_elements_text(coalesce(part -> 'deleted', '[]')));
  updated text[] := array(select r ->> 'id' from jsonb_array_elements(coalesce(part -> 'updated', '[]')) r);
  stored jsonb := coalesce(bmad_sync.do_look(tab, uid, ids), '{}');
  late text;
begin
  select s.key into late from jsonb_each(stored) s where (s.value ->> 'server_seq')::bigint > base limit 1;
  if found then
    perform bmad_sync.refuse('PT409', 'conflict', format('%s %s changed on the server after the last pull', table_name, late), 'pull, then push again');
  end if;
  select d.key into late from jsonb_each(bmad_sync.known_deleted(tab, updated)) d where not stored ? d.key limit 1;
  if found then
    perform bmad_sync.refuse('PT409', 'conflict', format('%s %s was deleted on the server', table_name, late), 'pull, then push again');
  end if;
end
$$;

-- Upserts records: those that exist get the columns that differ, the others are inserted whole. A column that is set at
-- insert keeps the server's value; the row gets a version all the same, so that the client's next pull brings that back.
create function bmad_sync.upsert_raws(uid uuid, facts bmad_sync.tables, raws jsonb) returns void
language plpgsql
as $$
declare
  ids text[] := array(select r ->> 'id' from jsonb_array_elements(raws) r);
  stored jsonb := coalesce(bmad_sync.do_look(facts.number, uid, ids), '{}');
  stamp text := bmad_sync.server_stamp((
    select max(greatest(s.value ->> 'hlc', m.value)) from jsonb_each(stored) s
    left join lateral jsonb_each_text(nullif(s.value -> 'stamps', 'null')) m on true
  ));
  fallbacks constant jsonb := facts.fallbacks
    || jsonb_build_object('created_at', bmad_sync.now_ms(), 'updated_at', bmad_sync.now_ms());
  fresh jsonb;
  edits jsonb;
begin
  select jsonb_agg((
    select jsonb_agg(bmad_sync.sanitised(facts.kinds ->> c.name, facts.types ->> c.name, r -> c.name, fallbacks -> c.name) order by c.n)
    from unnest(facts.write_columns) with ordinality c (name, n)
  )) into fresh
  from jsonb_array_elements(raws) r where not stored ? (r ->> 'id');
  select jsonb_agg(jsonb_build_object('id', e.id, 'set', e.set)) into edits
  from (
    select r ->> 'id' as id, coalesce(jsonb_object_agg(c.name, v.clean) filter (
      where not facts.fixed ? c.name or v.clean = 'null' and facts.fixed -> c.name = 'true'
    ), '{}') as set
    from jsonb_array_elements(raws) r
    cross join unnest(facts.write_columns) c (name)
    cross join lateral (select bmad_sync.sanitised(facts.kinds ->> c.name, facts.types ->> c.name, r -> c.name, fallbacks -> c.name) as clean) v
    where stored ? (r ->> 'id') and r ? c.name and c.name <> 'id'
      and stored -> (r ->> 'id') -> 'row' -> c.name is distinct from v.clean
    group by 1
  ) e;
  perform bmad_sync.apply_insert(uid, null, facts.number, facts.write_columns, facts.write_columns, coalesce(fresh, '[]'), stamp);
  perform bmad_sync.apply_update(uid, facts.number, coalesce(edits, '[]'), stamp);
end
$$;

-- Every table at once, keys checked at the end. Returns false (and leaves no trace) when some row is not acceptable.
create function bmad_sync.write_all(uid uuid, changes jsonb) returns boolean
language plpgsql
as $$
declare
  facts bmad_sync.tables;
begin
  for facts in select t.* from bmad_sync.tables t where changes ? t.name and t.writable order by t.place loop
    perform bmad_sync.upsert_raws(uid, facts, bmad_sync.latest(changes -> facts.name));
  end loop;
  for facts in select t.* from bmad_sync.tables t where changes ? t.name and t.deletable order by t.place desc loop
    perform bmad_sync.do_delete(facts.number, array(select jsonb_array_elements_text(coalesce(changes -> facts.name -> 'deleted', '[]'))), uid);
  end loop;
  set constraints all immediate;
  set constraints all deferred;
  return true;
exception when others then
  if not bmad_sync.is_refusal(sqlstate) then
    raise;
  end if;
  return false;
end
$$;

-- The records of one table, one for each id (the last one sent counts), as an array.
create function bmad_sync.latest(part jsonb) returns jsonb
language sql immutable
as $$
  select coalesce(jsonb_agg(x.r), '[]')
  from (
    select distinct on (r ->> 'id') r from bmad_sync.raws_of(part) with ordinality z (r, n) order by r ->> 'id', n desc
  ) x
$$;

-- Some of these records (or ids to delete) cannot be written: find out which, by halves. Returns their ids.
create function bmad_sync.write_some(uid uuid, facts bmad_sync.tables, items jsonb, deleting boolean) returns text[]
language plpgsql
as $$
declare
  total constant int := jsonb_array_length(items);
begin
  if total = 0 then
    return '{}';
  end if;
  begin
    if deleting then
      perform bmad_sync.do_delete(facts.number, array(select jsonb_array_elements_text(items)), uid);
    else
      perform bmad_sync.upsert_raws(uid, facts, items);
    end if;
    return '{}';
  exception when others then
    if not bmad_sync.is_refusal(sqlstate) then
      raise;
    elsif total = 1 then
      return array[case when deleting then items ->> 0 else items -> 0 ->> 'id' end];
    end if;
  end;
  return bmad_sync.write_some(uid, facts, bmad_sync.slice(items, 0, total / 2), deleting)
    || bmad_sync.write_some(uid, facts, bmad_sync.slice(items, total / 2, total), deleting);
end
$$;

-- Table by table, keys checked at once; what refers to a row that comes later in the same table gets another try.
create function bmad_sync.write_table(uid uuid, facts bmad_sync.tables, items jsonb, deleting boolean) returns text[]
language plpgsql
as $$
declare
  refused text[];
  left_over jsonb := items;
begin
  loop
    refused := bmad_sync.write_some(uid, facts, left_over, deleting);
    exit when cardinality(refused) in (0, jsonb_array_length(left_over));
    left_over := (
      select jsonb_agg(i) from jsonb_array_elements(left_over) i
      where case when deleting then i #>> '{}' else i ->> 'id' end = any (refused)
    );
  end loop;
  return refused;
end
$$;

create function bmad_sync.write_each(uid uuid, changes jsonb) returns jsonb
language plpgsql
as $$
declare
  facts bmad_sync.tables;
  refused jsonb := '{}';
  ids text[];
begin
  set constraints all immediate;
  for facts in select t.* from bmad_sync.tables t where changes ? t.name and t.writable order by t.place loop
    ids := bmad_sync.write_table(uid, facts, bmad_sync.latest(changes -> facts.name), false);
    refused := bmad_sync.noted(refused, facts.name, ids);
  end loop;
  for facts in select t.* from bmad_sync.tables t where changes ? t.name and t.deletable order by t.place desc loop
    ids := bmad_sync.write_table(uid, facts, coalesce(changes -> facts.name -> 'deleted', '[]'), true);
    refused := bmad_sync.noted(refused, facts.name, ids);
  end loop;
  return refused;
end
$$;

create function bmad_sync.noted(refused jsonb, table_name text, ids text[]) returns jsonb
language sql immutable
as $$
  select case when cardinality(ids) = 0 then refused
    else refused || jsonb_build_object(table_name, coalesce(refused -> table_name, '[]') || to_jsonb(ids)) end
$$;

-- What no client may write is refused row by row before anything else.
create function bmad_sync.never_written(changes jsonb) returns jsonb
language sql stable
as $$
  select coalesce(jsonb_object_agg(x.name, x.ids), '{}')
  from (
    select t.name, (
      select jsonb_agg(i) from (
        select r ->> 'id' as i from bmad_sync.raws_of(changes -> t.name) r where not t.writable
        union
        select jsonb_array_elements_text(coalesce(changes -> t.name -> 'deleted', '[]')) where not t.deletable
      ) y
    ) as ids
    from bmad_sync.tables t where changes ? t.name
  ) x
  where x.ids is not null
$$;

-- The arguments come as one body, unnamed: a named json argument would be cut out of it before this function can take
-- out what Postgres cannot hold, and one such letter would keep a client from ever pushing again.
create function bmad_sync.read_raw_push(body json, out changes jsonb, out last_pulled_at bigint)
language plpgsql immutable
as $$
declare
  given json;
  stranger text;
begin
  if json_typeof(body) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  given := bmad_sync.readable(body, '');
  select k into stranger from json_object_keys(given) k
  where k not in ('changes', 'last_pulled_at', 'user_type', 'optimization_hints');
  if found then
    perform bmad_sync.refuse('PT400', 'unknown_argument', format('there is no argument %s', to_json(stranger)));
  end if;
  changes := coalesce(given -> 'changes', 'null');
  last_pulled_at := bmad_sync.whole(given -> 'last_pulled_at', 'last_pulled_at', 0, (1::bigint << 53) - 1);
end
$$;

create function public.push_changes_optimized(json) returns json
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set statement_timeout = '60s'
as $$
declare
  uid uuid := bmad_sync.caller();
  asked record := bmad_sync.read_raw_push($1);
  given constant jsonb := asked.changes;
  at record := bmad_sync.split_cursor(asked.last_pulled_at);
  h record;
  facts record;
  refused jsonb;
  each jsonb;
begin
  perform bmad_sync.check_raws(given);
  perform bmad_sync.lock_mine();
  h := bmad_sync.heads_now();
  if at.c > h.catalogue_version or at.u > h.user_version then
    perform bmad_sync.refuse('PT400', 'cursor_future', 'last_pulled_at lies ahead of the server', 'pull, then push again');
  elsif h.user_lost @> at.u or h.catalogue_lost @> at.c then
    perform bmad_sync.refuse('PT409', 'conflict', 'the server was restored from a backup', 'pull, then push again');
  end if;
  for facts in select t.number, t.name from bmad_sync.tables t where given ? t.name and t.writable order by t.place loop
    perform bmad_sync.check_raw_conflicts(uid, facts.number, facts.name, given -> facts.name, at.u);
  end loop;
  refused := bmad_sync.never_written(given);
  perform set_config('bmad_sync.own', '', true), set_config('bmad_sync.own_versions', '', true);
  if not bmad_sync.write_all(uid, given) then
    each := bmad_sync.write_each(uid, given);
    select coalesce(jsonb_object_agg(k, coalesce(refused -> k, '[]') || coalesce(each -> k, '[]')), '{}') into refused
    from (select jsonb_object_keys(refused || each)) z (k);
  end if;
  perform set_config('bmad_sync.own', '', true), set_config('bmad_sync.own_versions', '', true);
  return case when refused = '{}' then json_build_object() else json_build_object('experimentalRejectedIds', refused) end;
end
$$;
