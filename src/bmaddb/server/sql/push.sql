-- Push: the entries of one device, in order, each all or nothing, each exactly once.

create function bmad_sync.entries_per_push_max() returns int language sql immutable as $$ select 1000 $$;
create function bmad_sync.stamp_ahead_ms_max() returns bigint language sql immutable as $$ select 86400000 $$;

-- Takes the caller's head lock, so that everything below sees a scope nobody else is changing, and meets the device.
create function bmad_sync.begin_push(p_device text, p_schema_version int, p_settled bigint) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  uid constant uuid := bmad_sync.caller();
  last bigint;
begin
  perform bmad_sync.lock_head(uid);
  insert into bmad_sync.devices as d (user_id, device_id, schema_version) values (uid, p_device, p_schema_version)
  on conflict (user_id, device_id) do update set schema_version = excluded.schema_version, seen_at = now(),
    settled = greatest(d.settled, least(p_settled, d.last_number))
  returning last_number into last;
  delete from bmad_sync.answers a where a.user_id = uid and a.device_id = p_device and a.number <= p_settled;
  return last;
end
$$;

create function bmad_sync.stored_answer(p_device text, p_number bigint, out answer json, out versions bigint[])
language sql stable security definer set search_path = ''
as $$
  select a.answer, a.versions from bmad_sync.answers a
  where a.user_id = bmad_sync.uid() and a.device_id = p_device and a.number = p_number
$$;

create function bmad_sync.store_answer(p_device text, p_number bigint, p_answer json, p_versions bigint[]) returns void
language sql security definer set search_path = ''
as $$
  insert into bmad_sync.answers values (bmad_sync.uid(), p_device, p_number, p_answer, p_versions);
  update bmad_sync.devices set last_number = p_number where user_id = bmad_sync.uid() and device_id = p_device;
$$;

-- A version for rows of the caller that a push writes itself.
create function bmad_sync.own_version(p_tab int, p_wanted int, out version bigint, out granted int)
language sql security definer set search_path = ''
as $$ select r.version, r.granted from bmad_sync.reserve(bmad_sync.caller(), p_tab, p_wanted, true) r $$;

-- The stamps of the columns one update sets.
create function bmad_sync.marks(assigned jsonb, stamp text) returns jsonb
language sql immutable
as $$ select coalesce(jsonb_object_agg(k, stamp), '{}') from jsonb_object_keys(assigned) k $$;

-- Refuses one entry. `at_table` tells the device where.
create function bmad_sync.reject(reason text, message text, at_table text, hint text default '') returns void
language plpgsql
as $$
begin
  raise exception '%: %', reason, message using errcode = 'PT422', table = coalesce(at_table, ''), hint = hint;
end
$$;

create function bmad_sync.facts_of(table_name text) returns bmad_sync.tables
language plpgsql stable
as $$
declare
  facts bmad_sync.tables;
begin
  select * into facts from bmad_sync.tables t where t.name = table_name;
  if not found then
    perform bmad_sync.reject('unknown_table', format('no synced table is called %s', coalesce(to_json(table_name)::text, 'null')), null);
  elsif not facts.writable then
    raise exception 'read_only_table: % is written by the server only', table_name using errcode = '42501', table = table_name;
  end if;
  return facts;
end
$$;

-- Every name in `columns` may be set by a client.
create function bmad_sync.check_columns(facts bmad_sync.tables, columns text[]) returns void
language plpgsql immutable
as $$
declare
  stranger text;
begin
  select c into stranger from unnest(columns) c where not facts.types ? coalesce(c, '');
  if not found then
    return;
  elsif stranger = any (facts.server_columns) then
    perform bmad_sync.reject('server_column', format('%s.%s is set by the server only', facts.name, stranger), facts.name);
  end if;
  perform bmad_sync.reject('unknown_column', format('%s has no column %s', facts.name, coalesce(to_json(stranger)::text, 'null')), facts.name);
end
$$;

create function bmad_sync.check_type(facts bmad_sync.tables, column_name text, given text) returns void
language plpgsql immutable
as $$
declare
  wanted text := facts.types ->> column_name;
begin
  if given <> wanted and wanted <> 'any' and given <> 'null' then
    perform bmad_sync.reject('wrong_type', format('%s.%s takes a %s, not a %s', facts.name, column_name, wanted, given), facts.name);
  end if;
end
$$;

create function bmad_sync.check_insert(facts bmad_sync.tables, columns text[], listed jsonb) returns void
language plpgsql
as $$
declare
  shape jsonb;
  place int;
begin
  perform bmad_sync.check_columns(facts, columns);
  if array_position(columns, 'id') is null or cardinality(columns) <> (select count(distinct c) from unnest(columns) c) then
    perform bmad_sync.reject('bad_insert', 'columns must name id, and nothing twice', facts.name);
  end if;
  place := array_position(columns, 'id') - 1;
  if jsonb_array_length(listed) <> (select count(distinct r ->> place) from jsonb_array_elements(listed) r) then
    perform bmad_sync.reject('bad_insert', 'every row needs an id of its own', facts.name);
  end if;
  for shape in select distinct jsonb_path_query_array(r, '$[*].type()') from jsonb_array_elements(listed) r loop
    if jsonb_array_length(shape) <> cardinality(columns) then
      perform bmad_sync.reject('bad_insert', 'every row must be an array as long as columns', facts.name);
    end if;
    for place in 1 .. cardinality(columns) loop
      perform bmad_sync.check_type(facts, columns[place], shape ->> place - 1);
    end loop;
  end loop;
end
$$;

create function bmad_sync.check_update(facts bmad_sync.tables, changes jsonb) returns void
language plpgsql
as $$
declare
  given record;
begin
  if exists (select from jsonb_array_elements(changes) e where jsonb_typeof(e -> 'id') is distinct from 'string'
      or jsonb_typeof(e -> 'set') is distinct from 'object' or coalesce(jsonb_typeof(e -> 'base'), 'null') not in ('null', 'number')) then
    perform bmad_sync.reject('bad_update', 'an update needs an id (text), a base (version or null) and a set (object)', facts.name);
  elsif jsonb_array_length(changes) <> (select count(distinct e ->> 'id') from jsonb_array_elements(changes) e) then
    perform bmad_sync.reject('bad_update', 'an entry may change a row once', facts.name);
  end if;
  for given in
    select distinct k.key, jsonb_typeof(k.value) as type from jsonb_array_elements(changes) e, jsonb_each(e -> 'set') k
  loop
    perform bmad_sync.check_columns(facts, array[given.key]);
    if given.key = 'id' then
      perform bmad_sync.reject('bad_update', 'an id never changes', facts.name);
    end if;
    perform bmad_sync.check_type(facts, given.key, given.type);
  end loop;
end
$$;

create function bmad_sync.check_delete(facts bmad_sync.tables, changes jsonb) returns void
language plpgsql
as $$
begin
  if not facts.deletable and jsonb_array_length(changes) > 0 then
    raise exception 'no_delete: rows of % are never deleted by a device', facts.name using errcode = '42501', table = facts.name;
  elsif exists (select from jsonb_array_elements(changes) e where jsonb_typeof(e -> 'id') is distinct from 'string'
      or coalesce(jsonb_typeof(e -> 'base'), 'null') not in ('null', 'number')) then
    perform bmad_sync.reject('bad_delete', 'a delete needs an id (text) and a base (version or null)', facts.name);
  end if;
end
$$;

-- One table's change out of an entry, checked and in order: {"facts":…} is looked up once.
create type bmad_sync.change as (facts bmad_sync.tables, columns text[], inserted jsonb, updated jsonb, deleted jsonb);

create function bmad_sync.read_change(given jsonb) returns bmad_sync.change
language plpgsql
as $$
declare
  change bmad_sync.change;
  facts bmad_sync.tables := bmad_sync.facts_of(given ->> 'table');
  stranger text;
begin
  select k into stranger from jsonb_object_keys(given) k where k not in ('table', 'insert', 'update', 'delete');
  if found or exists (
    select from (values ('insert', 'object'), ('update', 'array'), ('delete', 'array')) v (key, type)
    where coalesce(jsonb_typeof(given -> v.key), 'null') not in ('null', v.type)
  ) or jsonb_typeof(given -> 'insert') = 'object' and (
    jsonb_typeof(given #> '{insert,columns}') is distinct from 'array' or jsonb_typeof(given #> '{insert,rows}') is distinct from 'array'
  ) then
    perform bmad_sync.reject('bad_change', 'a change has table, insert {columns, rows}, update [], delete []', facts.name);
  end if;
  change.facts := facts;
  change.columns := array(select jsonb_array_elements_text(nullif(given #> '{insert,columns}', 'null')));
  change.inserted := coalesce(given #> '{insert,rows}', '[]');
  change.updated := coalesce(nullif(given -> 'update', 'null'), '[]');
  change.deleted := coalesce(nullif(given -> 'delete', 'null'), '[]');
  if jsonb_array_length(change.inserted) > 0 then
    perform bmad_sync.check_insert(facts, change.columns, change.inserted);
  end if;
  perform bmad_sync.check_update(facts, change.updated);
  perform bmad_sync.check_delete(facts, change.deleted);
  return change;
end
$$;

-- The rows of an entry that changed on the server since the device's base, as the server has them now; null when none.
create function bmad_sync.conflicts(uid uuid, changes bmad_sync.change[], written bigint[]) returns jsonb
language plpgsql stable
as $$
declare
  change bmad_sync.change;
  found_rows jsonb := '[]';
begin
  foreach change in array changes loop
    found_rows := found_rows
      || bmad_sync.insert_conflicts(uid, change)
      || bmad_sync.row_conflicts(uid, (change.facts).number, (change.facts).name, change.updated, written, true)
      || bmad_sync.row_conflicts(uid, (change.facts).number, (change.facts).name, change.deleted, written, false);
  end loop;
  return nullif(found_rows, '[]');
end
$$;

-- An insert meets a row that exists already: fine if every sent column is equal, else a conflict.
create function bmad_sync.insert_conflicts(uid uuid, change bmad_sync.change) returns jsonb
language plpgsql stable
as $$
declare
  place int := array_position(change.columns, 'id') - 1;
  stored jsonb;
begin
  if jsonb_array_length(change.inserted) = 0 then
    return '[]';
  end if;
  stored := bmad_sync.do_look((change.facts).number, uid, array(select r ->> place from jsonb_array_elements(change.inserted) r));
  if stored is null then
    return '[]';
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('table', (change.facts).name, 'id', r ->> place) || (stored -> (r ->> place)))
    from jsonb_array_elements(change.inserted) r
    where stored ? (r ->> place) and exists (
      select from unnest(change.columns) with ordinality c (name, number)
      where c.name <> 'id' and stored -> (r ->> place) -> 'row' -> c.name is distinct from r -> (c.number - 1)::int
    )
  ), '[]');
end
$$;

create function bmad_sync.row_conflicts(uid uuid, tab int, table_name text, changes jsonb, written bigint[], must_exist boolean)
returns jsonb
language plpgsql stable
as $$
declare
  ids text[];
  stored jsonb;
  buried jsonb;
begin
  if jsonb_array_length(changes) = 0 then
    return '[]';
  end if;
  ids := array(select e ->> 'id' from jsonb_array_elements(changes) e);
  stored := coalesce(bmad_sync.do_look(tab, uid, ids), '{}');
  if must_exist and not stored ?& ids then
    buried := bmad_sync.known_deleted(tab, ids);
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('table', table_name, 'id', e ->> 'id') || coalesce(stored -> (e ->> 'id'),
      jsonb_build_object('server_seq', buried -> (e ->> 'id'), 'hlc', null, 'stamps', null, 'row', null)))
    from jsonb_array_elements(changes) e
    cross join lateral (select (stored -> (e ->> 'id') ->> 'server_seq')::bigint as seq) s
    where case when s.seq is null then must_exist
      else s.seq > coalesce((e ->> 'base')::bigint, 0) and s.seq <> all (written) end
  ), '[]');
end
$$;

-- Writes an entry: all inserts, then all updates, then the deletes, children before parents.
create function bmad_sync.apply_changes(uid uuid, device text, changes bmad_sync.change[], stamp text) returns void
language plpgsql
as $$
declare
  change bmad_sync.change;
begin
  foreach change in array changes loop
    perform bmad_sync.apply_insert(uid, device, (change.facts).number, (change.facts).write_columns, change.columns, change.inserted, stamp);
  end loop;
  foreach change in array changes loop
    perform bmad_sync.apply_update(uid, (change.facts).number, change.updated, stamp);
  end loop;
  for place in reverse cardinality(changes) .. 1 loop
    perform bmad_sync.apply_delete(uid, (changes[place].facts).number, changes[place].deleted);
  end loop;
end
$$;

create function bmad_sync.apply_delete(uid uuid, tab int, changes jsonb) returns void
language plpgsql
as $$
declare
  ids text[];
begin
  if jsonb_array_length(changes) > 0 then
    ids := bmad_sync.do_alive(tab, uid, array(select e ->> 'id' from jsonb_array_elements(changes) e));
    perform bmad_sync.bury_own(tab, ids);
    perform bmad_sync.do_delete(tab, ids, uid);
  end if;
end
$$;

create function bmad_sync.apply_insert(uid uuid, device text, tab int, known text[], columns text[], listed jsonb, stamp text) returns void
language plpgsql
as $$
declare
  total constant int := jsonb_array_length(listed);
  places int[];
  done int := 0;
  given record;
begin
  if total = 0 then
    return;
  end if;
  places := array(select array_position(columns, k.name) - 1 from unnest(known) with ordinality k (name, n) order by k.n);
  while done < total loop
    given := bmad_sync.own_version(tab, total - done);
    perform bmad_sync.do_insert(tab, places, bmad_sync.slice(listed, done, given.granted), uid, given.version, stamp, device);
    done := done + given.granted;
  end loop;
end
$$;

create function bmad_sync.apply_update(uid uuid, tab int, changes jsonb, stamp text) returns void
language plpgsql
as $$
declare
  total constant int := jsonb_array_length(changes);
  part jsonb;
  done int := 0;
  given record;
begin
  while done < total loop
    given := bmad_sync.own_version(tab, total - done);
    part := bmad_sync.slice(changes, done, given.granted);
    perform bmad_sync.do_update(tab, array(select e ->> 'id' from jsonb_array_elements(part) e), part, uid, given.version, stamp);
    done := done + given.granted;
  end loop;
end
$$;

create function bmad_sync.slice(listed jsonb, start int, wanted int) returns jsonb
language sql immutable
as $$
  select case when start = 0 and wanted >= jsonb_array_length(listed) then listed
    else jsonb_path_query_array(listed, '$[$a to $b]', jsonb_build_object('a', start, 'b', start + wanted - 1)) end
$$;

-- Is this SQLSTATE the entry's fault? Anything else (a lock, a cancelled statement, a full disk) ends the request.
create function bmad_sync.is_refusal(state text) returns boolean
language sql immutable
as $$ select left(state, 2) in ('21', '22', '23', 'PT', 'P0') or state in ('42501', '54001', '0A000') $$;

create type bmad_sync.entry as (number bigint, hlc text, changes json);
create type bmad_sync.outcome as (answer json, versions bigint[]);

create function bmad_sync.check_stamp(stamp text) returns void
language plpgsql
as $$
begin
  if stamp is null or stamp !~ '^[0-9a-f]{12}-[0-9a-f]{4}-[0-9a-f]{12}$' then
    perform bmad_sync.reject('bad_stamp', 'hlc must be 12-4-12 hexadecimal digits', null);
  elsif left(stamp, 12) > lpad(to_hex(bmad_sync.now_ms() + bmad_sync.stamp_ahead_ms_max()), 12, '0') then
    perform bmad_sync.reject('stamp_ahead', 'the stamp lies more than a day ahead of the server', null, 'set the clock of the device');
  end if;
end
$$;

-- What can be written of an entry's changes, in the order parents first; refuses anything else.
create function bmad_sync.read_changes(given json) returns bmad_sync.change[]
language plpgsql
as $$
begin
  if json_typeof(given) is distinct from 'array' then
    perform bmad_sync.reject('bad_entry', 'changes must be an array', null);
  elsif position(bmad_sync.unreadable() in given::text) > 0 then
    perform bmad_sync.reject('bad_text', 'a text holds U+0000 or half a surrogate pair', null, 'Postgres cannot store it; take it out');
  end if;
  return array(
    select c from jsonb_array_elements(given::jsonb) e, bmad_sync.read_change(e) c order by ((c).facts).place
  );
end
$$;

-- One entry, in a subtransaction of its own. `written` holds the versions this request has written before it.
create function bmad_sync.push_entry(uid uuid, device text, entry bmad_sync.entry, written bigint[]) returns bmad_sync.outcome
language plpgsql
as $$
declare
  changes bmad_sync.change[];
  refused jsonb;
  state text; message text; detail text; hint text; at_table text; context text;
  versions bigint[];
begin
  perform set_config('bmad_sync.own', '', true), set_config('bmad_sync.own_versions', '', true);
  begin
    perform bmad_sync.check_stamp(entry.hlc);
    changes := bmad_sync.read_changes(entry.changes);
    refused := bmad_sync.conflicts(uid, changes, written);
    if refused is not null then
      return (json_build_object('number', entry.number, 'status', 'conflict', 'rows', refused), '{}'::bigint[]);
    end if;
    perform bmad_sync.apply_changes(uid, device, changes, entry.hlc);
    set constraints all immediate;
    set constraints all deferred;
  exception when others then
    get stacked diagnostics state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, at_table = table_name, context = pg_exception_context;
    if not bmad_sync.is_refusal(state) then
      raise;
    end if;
    at_table := coalesce(nullif(at_table, ''), substring(context from 'bmad_sync\.(?:insert|update|delete)_(\w+)\('));
    return (json_build_object('number', entry.number, 'status', 'rejected',
      'error', json_build_object('code', state, 'message', message, 'details', nullif(detail, ''), 'hint', nullif(hint, '')),
      'table', at_table, 'id', bmad_sync.culprit(entry.changes, at_table, detail)), '{}'::bigint[]);
  end;
  versions := string_to_array(nullif(current_setting('bmad_sync.own_versions', true), ''), ',')::bigint[];
  return (json_build_object('number', entry.number, 'status', 'applied',
    'version', coalesce(versions[cardinality(versions)], bmad_sync.head_version())), coalesce(versions, '{}'));
end
$$;

create function bmad_sync.head_version() returns bigint
language sql stable security definer set search_path = ''
as $$ select h.version from bmad_sync.heads h where h.scope = bmad_sync.uid() $$;

-- Which row an entry failed on: the one that holds the key a constraint complained of, or the only one of its table.
create function bmad_sync.culprit(changes json, at_table text, detail text) returns text
language plpgsql stable
as $$
declare
  keys text[] := regexp_match(detail, '^Key \((?:user_id, )?"?(\w+)"?\)=\((?:[0-9a-f-]{36}, )?(.*?)\)');
  ids text[];
begin
  select array_agg(x.id) filter (where keys is null or x.assigned ->> keys[1] = keys[2]) into ids
  from jsonb_array_elements(changes::jsonb) c
  cross join lateral (
    select jsonb_object_agg(k.name, r -> (k.n - 1)::int) as assigned
    from jsonb_array_elements(c #> '{insert,rows}') with ordinality rows (r, row_number)
    cross join lateral jsonb_array_elements_text(c #> '{insert,columns}') with ordinality k (name, n)
    group by row_number
    union all
    select e -> 'set' || jsonb_build_object('id', e -> 'id') from jsonb_array_elements(c -> 'update') e
    union all
    select jsonb_build_object('id', e -> 'id') from jsonb_array_elements(c -> 'delete') e
  ) a
  cross join lateral (select a.assigned ->> 'id' as id, a.assigned) x
  where c ->> 'table' = at_table;
  return case when keys is not null or cardinality(ids) = 1 then ids[1] end;
exception when others then
  return null; -- the entry is too broken to look into; its error says why
end
$$;

-- A request, taken apart once; everything in it is checked before anything is locked.
create function bmad_sync.read_push(
  body json, out device text, out schema_version int, out settled bigint, out cursor text, out limit_rows int, out entries json
)
language plpgsql
as $$
declare
  asked record;
begin
  if json_typeof(body) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  select * into asked from json_to_record(bmad_sync.readable(body, bmad_sync.unreadable()))
    as r(device_id json, schema_version json, settled json, cursor json, limit_rows json, entries json);
  device := bmad_sync.text_of(asked.device_id, 'device_id');
  schema_version := coalesce(bmad_sync.whole(asked.schema_version, 'schema_version', 1, 1000000), 1);
  settled := coalesce(bmad_sync.whole(asked.settled, 'settled', 0, 999999999999999), 0);
  cursor := bmad_sync.text_of(asked.cursor, 'cursor');
  limit_rows := bmad_sync.page_rows(asked.limit_rows);
  entries := asked.entries;
  if coalesce(device, '') !~ '^[A-Za-z0-9_.-]{1,64}$' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"device_id" must be 1 to 64 of A-Z a-z 0-9 _ . -');
  elsif json_typeof(entries) is distinct from 'array' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"entries" must be an array');
  elsif json_array_length(entries) > bmad_sync.entries_per_push_max() then
    perform bmad_sync.refuse('PT400', 'too_many_entries', format('at most %s entries in one push', bmad_sync.entries_per_push_max()));
  end if;
end
$$;

create function bmad_sync.read_entry(given json) returns bmad_sync.entry
language plpgsql
as $$
declare
  asked record;
  entry bmad_sync.entry;
begin
  if json_typeof(given) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'an entry is an object');
  end if;
  select * into asked from json_to_record(given) as r(number json, schema_version json, hlc json, changes json);
  entry.number := bmad_sync.whole(asked.number, 'number', 1, 999999999999999);
  entry.hlc := bmad_sync.text_of(asked.hlc, 'hlc');
  entry.changes := asked.changes;
  perform bmad_sync.whole(asked.schema_version, 'schema_version', 1, 1000000);
  if entry.number is null then
    perform bmad_sync.refuse('PT400', 'bad_request', 'an entry has a "number"');
  end if;
  return entry;
end
$$;

-- Applies or recalls one entry and keeps its answer.
create function bmad_sync.take_entry(uid uuid, device text, entry bmad_sync.entry, last_number bigint, written bigint[])
returns bmad_sync.outcome
language plpgsql
as $$
declare
  outcome bmad_sync.outcome;
begin
  if entry.number <= last_number then
    outcome := bmad_sync.stored_answer(device, entry.number);
    if outcome.answer is null then
      perform bmad_sync.refuse('PT409', 'number_settled', format('entry %s was settled by this device before', entry.number),
        'take the next number', jsonb_build_object('last_number', last_number)::text);
    end if;
    return outcome;
  elsif entry.number > last_number + 1 then
    perform bmad_sync.refuse('PT409', 'number_gap', format('entry %s came before entry %s', entry.number, last_number + 1),
      'entries are numbered without a gap', jsonb_build_object('last_number', last_number)::text);
  end if;
  outcome := bmad_sync.push_entry(uid, device, entry, written);
  perform bmad_sync.store_answer(device, entry.number, outcome.answer, outcome.versions);
  return outcome;
end
$$;

create function public.bmad_push_v1(json) returns json
language plpgsql volatile set search_path = '' set statement_timeout = '60s'
as $$
declare
  uid constant uuid := bmad_sync.caller();
  asked record := bmad_sync.read_push($1);
  last_number bigint := bmad_sync.begin_push(asked.device, asked.schema_version, asked.settled);
  entry bmad_sync.entry;
  given json;
  outcome bmad_sync.outcome;
  written bigint[] := '{}';
  answers json[] := '{}';
begin
  for given in select json_array_elements(asked.entries) loop
    entry := bmad_sync.read_entry(given);
    outcome := bmad_sync.take_entry(uid, asked.device, entry, last_number, written);
    last_number := greatest(last_number, entry.number);
    answers := array_append(answers, outcome.answer);
    written := written || outcome.versions;
    exit when outcome.answer ->> 'status' <> 'applied'; -- what lies behind may build on it
  end loop;
  return json_build_object(
    'answers', array_to_json(answers),
    'last_number', last_number,
    'pull', case when asked.cursor is not null then bmad_sync.pull_page(uid, asked.cursor, asked.limit_rows, null, written) end
  );
end
$$;
