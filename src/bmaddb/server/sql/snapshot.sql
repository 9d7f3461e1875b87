-- The walk: a first sync table by table, in the order the device asks for, up to where the heads stood when it began.
-- What changes meanwhile gets a higher version and comes by the ordinary pull that follows, from those heads on.

-- w1.<epoch>-<user>.<catalogue version>.<user version>.<numbers of finished tables>.<table>.<version>.<id>: the two
-- versions are the heads at the beginning; the last three say which row of which table came last (0.0. for none).
create function bmad_sync.is_walk(given text) returns boolean
language sql immutable
as $$ select given like 'w1.%' $$;

create function bmad_sync.read_walk(
  given text, uid uuid, out epoch text, out c bigint, out u bigint, out done int[], out tab int, out lo bigint, out after text
)
language plpgsql immutable
as $$
declare
  parts text[] := regexp_match(given,
    '^w1\.([0-9a-f]{8})-([0-9a-f]{8})\.(\d{1,15})\.(\d{1,15})\.((?:\d{1,4}(?:-\d{1,4})*)?)\.(\d{1,4})\.(\d{1,15})\.(.*)$');
begin
  if parts is null then
    perform bmad_sync.refuse('PT400', 'cursor_garbage', 'this is not a cursor of a first sync', 'send the cursor of the last answer, or null to start anew');
  elsif parts[2] <> left(md5(uid::text), 8) then
    perform bmad_sync.refuse('PT400', 'cursor_foreign', 'this cursor was given to another user', 'send null to start anew');
  end if;
  epoch := parts[1];
  c := parts[3];
  u := parts[4];
  done := string_to_array(nullif(parts[5], ''), '-');
  done := coalesce(done, '{}');
  tab := parts[6];
  lo := parts[7];
  after := parts[8];
end
$$;

-- How many rows of one table are still to come.
create function bmad_sync.walk_count(table_name text, scope text, uid uuid, lo bigint, after text, hi bigint) returns bigint
language plpgsql stable
as $$
declare
  counted bigint;
begin
  execute format(
    'select count(*) from bmad.%I t where %s t.server_seq > 0 and t.server_seq >= $2 and t.server_seq <= $4%s',
    table_name,
    case when scope = 'user' then 't.user_id = $1 and' end,
    case when after <> '' then ' and (t.server_seq, t.id) > ($2, $3)' end
  ) into counted using uid, lo, after, hi;
  return counted;
end
$$;

-- What a walk from this cursor (null: from the beginning) has before it, as JSON:
-- {"cursor": how its cursors begin, "user", "schema_version", "done": [number, ...], "final": the cursor after it, "more": has more happened since?,
--  "tables": [{"number", "name", "columns", "lo", "after", "hi", "rows"}, ...]}, or the news of a resync.
create function bmad_sync.walk_plan(uid uuid, given text, wanted text[]) returns json
language plpgsql stable
as $$
declare
  h record := bmad_sync.heads_now();
  at record;
begin
  if given is null then
    select h.epoch as epoch, h.catalogue_version as c, h.user_version as u, '{}'::int[] as done, 0 as tab, 0::bigint as lo, '' as after into at;
  else
    at := bmad_sync.read_walk(given, uid);
  end if;
  if at.epoch <> h.epoch then
    return json_build_object('resync', true, 'reason', 'the server was restored from a backup', 'cursor', null);
  elsif (at.c > h.catalogue_version or at.u > h.user_version) and not pg_is_in_recovery() then
    perform bmad_sync.refuse('PT400', 'cursor_future', 'this cursor lies ahead of the server', 'send null to start anew');
  elsif at.c < h.catalogue_floor or at.u < h.user_floor then
    return json_build_object('resync', true, 'reason', 'the cursor is older than the tombstones kept', 'cursor', null);
  end if;
  return (
    select json_build_object(
      'cursor', concat('w1.', at.epoch, '-', left(md5(uid::text), 8), '.', at.c, '.', at.u),
      'user', uid,
      'schema_version', h.schema_version,
      'done', at.done || case when at.tab > 0 and bool_or(x.here and x.rows > 0) is not true then array[at.tab] else '{}' end,
      'final', bmad_sync.write_cursor(at.epoch, uid, at.c, at.u, 0, 0),
      'more', at.c < h.catalogue_version or at.u < h.user_version,
      'tables', coalesce(json_agg(x order by x.here desc, x.wish nulls last, x.place) filter (where x.rows > 0), '[]')
    )
    from (
      select t.number, t.name, t.read_columns as columns, t.place, t.number = at.tab as here,
        array_position(wanted, t.name) as wish, p.lo, p.after, p.hi,
        bmad_sync.walk_count(t.name, t.scope, uid, p.lo, p.after, p.hi) as rows
      from bmad_sync.tables t
      cross join lateral (
        select case when t.number = at.tab then at.lo else 0 end as lo, case when t.number = at.tab then at.after else '' end as after,
          case when t.scope = 'user' then at.u else at.c end as hi,
          case when t.scope = 'user' then h.user_touched[t.number] else h.catalogue_touched[t.number] end as touched
      ) p
      where t.number <> all (at.done) and p.touched > 0
    ) x
  );
end
$$;

-- The body of a request for a walk; our server calls it in the snapshot from which it then copies the rows out.
create function bmad_sync.begin_walk(given json) returns json
language plpgsql stable
as $$
declare
  uid constant uuid := bmad_sync.caller();
  asked record;
begin
  if json_typeof(given) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  select * into asked
  from json_to_record(bmad_sync.readable(given, bmad_sync.unreadable())) as r(cursor json, schema_version json, tables json, "user" json);
  perform bmad_sync.check_owner(uid, asked."user");
  perform bmad_sync.whole(asked.schema_version, 'schema_version', 1, 1000000);
  return bmad_sync.walk_plan(uid, bmad_sync.text_of(asked.cursor, 'cursor'), bmad_sync.names_of(asked.tables));
end
$$;

-- Names out of a request, known here or not; null when absent.
create function bmad_sync.names_of(given json) returns text[]
language plpgsql immutable
as $$
begin
  if given is null or json_typeof(given) = 'null' then
    return null;
  elsif json_typeof(given) <> 'array' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"tables" must be an array of names');
  end if;
  return array(select json_array_elements_text(given));
end
$$;

-- The next rows of one table: at most `rows_max`, and no more once they come to `bytes_max` bytes of JSON.
create function bmad_sync.walk_rows(
  table_name text, uid uuid, lo bigint, after text, hi bigint, rows_max int, bytes_max bigint, out listed json[], out bytes bigint
)
language plpgsql stable
as $$
declare
  w json;
begin
  listed := '{}';
  bytes := 0;
  for w in execute format('select w from bmad_sync.%I($1, $2, $3, $4) w limit $5', 'walk_' || table_name)
    using uid, lo, after, hi, rows_max
  loop
    listed := array_append(listed, w);
    bytes := bytes + octet_length(w::text);
    exit when bytes >= bytes_max;
  end loop;
end
$$;

-- One page of a walk, for a device whose walk was begun by a stream and goes on without one.
create function bmad_sync.walk_page(uid uuid, given text, rows_max int, bytes_max bigint) returns json
language plpgsql stable
as $$
declare
  plan constant json := bmad_sync.walk_plan(uid, given, null);
  done int[];
  room int := rows_max;
  room_bytes bigint := bytes_max;
  facts record;
  next record;
  parts json[] := '{}';
  last json;
  here text;
begin
  if plan -> 'resync' is not null then
    return plan;
  end if;
  done := array(select json_array_elements_text(plan -> 'done'));
  for facts in
    select * from json_to_recordset(plan -> 'tables') as t (number int, name text, columns json, lo bigint, after text, hi bigint)
  loop
    next := bmad_sync.walk_rows(facts.name, uid, facts.lo, facts.after, facts.hi, room, room_bytes);
    continue when next.listed = '{}';
    parts := array_append(parts, json_build_object('table', facts.name, 'columns', facts.columns, 'rows', array_to_json(next.listed), 'deleted', json_build_array()));
    room := room - cardinality(next.listed);
    room_bytes := room_bytes - next.bytes;
    if room <= 0 or room_bytes <= 0 then
      last := next.listed[cardinality(next.listed)];
      here := concat(plan ->> 'cursor', '.', array_to_string(done, '-'), '.', facts.number, '.', last ->> 3, '.', last ->> 0);
      return json_build_object('cursor', here, 'more', true, 'schema_version', plan -> 'schema_version', 'tables', array_to_json(parts));
    end if;
    done := done || facts.number;
  end loop;
  return json_build_object('cursor', plan -> 'final', 'more', plan -> 'more', 'schema_version', plan -> 'schema_version', 'tables', array_to_json(parts));
end
$$;
