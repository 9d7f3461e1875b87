-- Push: the entries of one device, in order, each all or nothing, each exactly once.

create function bmad_sync.entries_per_push_max() returns int language sql immutable as $$ select 1000 $$;

-- Takes the caller's head lock, so that everything below sees a scope nobody else is changing, and meets the device.
-- What a device says it has settled is behind it: a server that forgot the device (silent for long), or was restored
-- from a backup, goes on from there. Were its numbers to begin anew, a request that is still on its way could meet them
-- with another meaning.
create function bmad_sync.begin_push(p_device text, p_schema_version int, p_settled bigint) returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  uid constant uuid := bmad_sync.caller();
  last bigint;
begin
  perform bmad_sync.lock_head(uid);
  insert into bmad_sync.devices as d (user_id, device_id, schema_version, last_number, settled)
  values (uid, p_device, p_schema_version, p_settled, p_settled)
  on conflict (user_id, device_id) do update set schema_version = excluded.schema_version, seen_at = now(),
    last_number = greatest(d.last_number, p_settled), settled = greatest(d.settled, p_settled)
  returning last_number into last;
  delete from bmad_sync.answers a where a.user_id = uid and a.device_id = p_device and a.number <= p_settled;
  return last;
end
$$;

-- The answer belongs to the entry with this number and this stamp: two copies of one file may give out the same numbers.
create function bmad_sync.stored_answer(p_device text, p_number bigint, p_stamp text, out answer json, out versions bigint[])
language sql stable security definer set search_path = ''
as $$
  select a.answer, a.versions from bmad_sync.answers a
  where a.user_id = bmad_sync.uid() and a.device_id = p_device and a.number = p_number
    and coalesce(a.hlc, p_stamp) is not distinct from p_stamp
$$;

create function bmad_sync.store_answer(p_device text, p_number bigint, p_stamp text, p_answer json, p_versions bigint[]) returns void
language sql security definer set search_path = ''
as $$
  insert into bmad_sync.answers (user_id, device_id, number, hlc, answer, versions)
  values (bmad_sync.uid(), p_device, p_number, p_stamp, p_answer, p_versions);
  update bmad_sync.devices set last_number = p_number where user_id = bmad_sync.uid() and device_id = p_device;
$$;

-- Is this SQLSTATE the entry's fault? Anything else (a lock, a cancelled statement, a full disk) ends the request.
create function bmad_sync.is_refusal(state text) returns boolean
language sql immutable
as $$ select left(state, 2) in ('21', '22', '23', 'PT', 'P0') or state in ('42501', '54001', '0A000') $$;

create type bmad_sync.entry as (number bigint, hlc text, changes json);
create type bmad_sync.outcome as (answer json, versions bigint[]);

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
    perform bmad_sync.check_fixed(uid, changes);
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
    as r(device_id json, schema_version json, settled json, cursor json, limit_rows json, entries json, "user" json);
  perform bmad_sync.check_owner(bmad_sync.caller(), asked."user");
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
    outcome := bmad_sync.stored_answer(device, entry.number, entry.hlc);
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
  perform bmad_sync.store_answer(device, entry.number, entry.hlc, outcome.answer, outcome.versions);
  return outcome;
end
$$;

create function public.bmad_push_v1(json) returns json
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set statement_timeout = '60s'
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
  perform bmad_sync.check_timeline(asked.cursor);
  for given in select json_array_elements(asked.entries) loop
    entry := bmad_sync.read_entry(given);
    outcome := bmad_sync.take_entry(uid, asked.device, entry, last_number, written);
    last_number := greatest(last_number, entry.number);
    answers := array_append(answers, outcome.answer);
    written := written || outcome.versions;
    exit when outcome.answer ->> 'status' <> 'applied'; -- what lies behind may build on it
  end loop;
  perform set_config('bmad_sync.own', '', true), set_config('bmad_sync.own_versions', '', true);
  return json_build_object(
    'answers', array_to_json(answers),
    'last_number', last_number,
    'pull', case when asked.cursor is not null then bmad_sync.pull_page(uid, asked.cursor, asked.limit_rows, null, written) end
  );
end
$$;
