-- Digests: does a device hold what its user may read here? From one snapshot, and by the rights of the caller.

create function bmad_sync.ids_per_digest_max() returns int language sql immutable as $$ select 5000 $$;

-- Which columns a digest of the table covers; the device makes the same 8 digits out of its own columns.
create function bmad_sync.form_of(facts bmad_sync.tables) returns text
language sql immutable
as $$
  select left(md5(string_agg(k.key || ':' || k.value, ',' order by k.key collate "C")), 8) from jsonb_each_text(facts.kinds) k
$$;

-- A list of ids, bounds or other text out of a request.
create function bmad_sync.texts(given jsonb, key text, most int) returns text[]
language plpgsql immutable
as $$
begin
  if coalesce(jsonb_typeof(given), 'null') = 'null' then
    return '{}';
  elsif jsonb_typeof(given) <> 'array' or jsonb_path_exists(given, '$[*] ? (@.type() != "string")') then
    perform bmad_sync.refuse('PT400', 'bad_request', format('"%s" must be an array of text', key));
  elsif jsonb_array_length(given) > most then
    perform bmad_sync.refuse('PT400', 'bad_request', format('"%s" holds more than %s', key, most), 'ask for less at once');
  end if;
  return array(select jsonb_array_elements_text(given));
end
$$;

-- The parts of a request, each an object that names a table.
create function bmad_sync.asked_parts(given json, key text) returns setof jsonb
language plpgsql stable
as $$
declare
  parts constant jsonb := coalesce(given::jsonb, '[]');
begin
  if parts <> 'null' and (jsonb_typeof(parts) <> 'array' or jsonb_path_exists(parts, '$[*] ? (@.table.type() != "string")')
    or jsonb_path_exists(parts, '$[*] ? (@.type() != "object" || !exists(@.table))'))
  then
    perform bmad_sync.refuse('PT400', 'bad_request', format('"%s" must be an array of {table, ...}', key));
  end if;
  return query select e from jsonb_array_elements(nullif(parts, 'null')) e;
end
$$;

create function bmad_sync.synced_table(given jsonb) returns bmad_sync.tables
language plpgsql stable
as $$
declare
  facts bmad_sync.tables;
begin
  select * into facts from bmad_sync.tables t where t.name = given ->> 'table';
  if not found then
    perform bmad_sync.refuse('PT400', 'unknown_table', format('no synced table is called %s', given -> 'table'));
  end if;
  return facts;
end
$$;

-- Ranges of ids between neighbouring bounds: rows in each, and the sum of their hashes. Empty ranges are left out.
create function bmad_sync.digest_part(uid uuid, given jsonb) returns json
language plpgsql stable
as $$
declare
  facts bmad_sync.tables;
  bounds constant text[] := bmad_sync.texts(given -> 'bounds', 'bounds', bmad_sync.ids_per_digest_max());
  skipped constant text[] := bmad_sync.texts(given -> 'skip', 'skip', 100000);
begin
  select * into facts from bmad_sync.tables t where t.name = given ->> 'table';
  if not found or bmad_sync.form_of(facts) is distinct from given ->> 'form' then
    return json_build_object('table', given -> 'table', 'unlike', true);
  elsif cardinality(bounds) < 2 or exists (
    select from unnest(bounds[2:], bounds[:cardinality(bounds) - 1]) b (upper, lower) where b.upper collate "C" <= b.lower collate "C"
  ) then
    perform bmad_sync.refuse('PT400', 'bad_request', '"bounds" must be two or more, ascending');
  end if;
  return json_build_object('table', facts.name, 'ranges', coalesce(bmad_sync.do_digest(facts.number, uid, bounds, skipped), '{}'));
end
$$;

-- The ids and hashes of one range, in order, up to a limit.
create function bmad_sync.list_part(uid uuid, given jsonb) returns json
language plpgsql stable
as $$
declare
  facts constant bmad_sync.tables := bmad_sync.synced_table(given);
  most constant int := bmad_sync.ids_per_digest_max();
  listed json;
begin
  if jsonb_typeof(given -> 'from') is distinct from 'string' or jsonb_typeof(given -> 'to') is distinct from 'string' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"from" and "to" must be text');
  end if;
  listed := bmad_sync.do_hashes(facts.number, uid, given ->> 'from', given ->> 'to', bmad_sync.texts(given -> 'skip', 'skip', 100000), most + 1);
  return json_build_object('table', facts.name, 'from', given -> 'from', 'to', given -> 'to', 'more', coalesce(json_array_length(listed), 0) > most,
    'rows', coalesce(listed, '[]'));
end
$$;

-- Rows by id, as a pull has them; `deleted` are those the caller cannot see.
create function bmad_sync.rows_part(uid uuid, given jsonb) returns json
language plpgsql stable
as $$
declare
  facts constant bmad_sync.tables := bmad_sync.synced_table(given);
  ids constant text[] := bmad_sync.texts(given -> 'ids', 'ids', bmad_sync.ids_per_digest_max());
  page constant bmad_sync.page := bmad_sync.do_fetch(facts.number, uid, ids);
  alive constant text[] := bmad_sync.do_alive(facts.number, uid, ids);
begin
  return json_build_object('table', facts.name, 'columns', facts.read_columns, 'rows', coalesce(page.listed, '[]'),
    'deleted', array(select k from unnest(ids) k where k <> all (alive)));
end
$$;

-- Ids of a scope's rows that were deleted later than the version a device knows.
create function bmad_sync.buried_later(p_tab int, ids text[], versions bigint[]) returns text[]
language sql stable security definer set search_path = ''
as $$
  select array(
    select k.id from unnest(ids, versions) k (id, version)
    join bmad_sync.tombstones t on t.scope = bmad_sync.uid() and t.tab = p_tab and t.id = k.id and t.version > k.version
  )
$$;

-- Of rows that a device was once given in some version, and that are not here: those that nobody deleted. A delete
-- leaves a tombstone; one of a version so old that it may be forgotten counts as a delete, unless that version was
-- given out on a timeline that is lost (before a restore), or was never given out here at all.
create function bmad_sync.unseen_part(uid uuid, given jsonb, h record) returns json
language plpgsql stable
as $$
declare
  facts constant bmad_sync.tables := bmad_sync.synced_table(given);
  ids text[] := bmad_sync.texts(given -> 'ids', 'ids', bmad_sync.ids_per_digest_max());
  buried text[];
  alive text[];
  versions bigint[];
  lost int8multirange := h.user_lost + int8multirange(int8range(h.user_version, null, '()'));
begin
  if jsonb_typeof(coalesce(given -> 'versions', '[]')) <> 'array' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"versions" must be an array');
  end if;
  versions := array(
    select bmad_sync.whole(v::json, 'versions', 0, 999999999999999) from jsonb_array_elements(coalesce(given -> 'versions', '[]')) v
  );
  if cardinality(versions) <> cardinality(ids) then
    perform bmad_sync.refuse('PT400', 'bad_request', '"versions" must be as long as "ids"');
  elsif not facts.writable then
    return json_build_object('table', facts.name, 'ids', '[]'::json);
  end if;
  buried := bmad_sync.buried_later(facts.number, ids, versions);
  alive := bmad_sync.do_alive(facts.number, uid, ids); -- another device gave it back since this one read everything
  ids := bmad_sync.do_unseen(facts.number, uid, ids, versions, h.user_floor, lost);
  return json_build_object('table', facts.name, 'ids', array(select k from unnest(ids) k where k <> all (buried)), 'alive', alive);
end
$$;

create function public.bmad_digest_v1(json) returns json
language plpgsql stable set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off set statement_timeout = '60s'
as $$
declare
  uid constant uuid := bmad_sync.caller();
  h record := bmad_sync.heads_now();
  asked record;
  given text;
  standing text;
begin
  if json_typeof($1) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  select * into asked from json_to_record(bmad_sync.readable($1, bmad_sync.unreadable()))
    as r(cursor json, schema_version json, "user" json, digests json, lists json, rows json, unseen json);
  perform bmad_sync.check_owner(uid, asked."user");
  perform bmad_sync.whole(asked.schema_version, 'schema_version', 1, 1000000);
  given := bmad_sync.text_of(asked.cursor, 'cursor');
  standing := bmad_sync.write_cursor(h.epoch, uid, h.catalogue_version, h.user_version, 0, 0);
  if given is not null then
    perform bmad_sync.read_cursor(given, uid);
    if given <> standing then -- what the device holds is of another moment: nothing could be compared
      return json_build_object('cursor', standing, 'moved', true);
    end if;
  end if;
  return json_build_object(
    'cursor', standing, 'moved', false, 'heads', json_build_array(h.catalogue_version, h.user_version),
    'digests', (select coalesce(json_agg(bmad_sync.digest_part(uid, p)), '[]') from bmad_sync.asked_parts(asked.digests, 'digests') p),
    'lists', (select coalesce(json_agg(bmad_sync.list_part(uid, p)), '[]') from bmad_sync.asked_parts(asked.lists, 'lists') p),
    'rows', (select coalesce(json_agg(bmad_sync.rows_part(uid, p)), '[]') from bmad_sync.asked_parts(asked.rows, 'rows') p),
    'unseen', (select coalesce(json_agg(bmad_sync.unseen_part(uid, p, h)), '[]') from bmad_sync.asked_parts(asked.unseen, 'unseen') p)
  );
end
$$;
