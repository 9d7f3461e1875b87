-- What an entry may say. Whatever is wrong rejects the entry, with the table it is about.

create function bmad_sync.stamp_ahead_ms_max() returns bigint language sql immutable as $$ select 86400000 $$;

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

create function bmad_sync.article(word text) returns text
language sql immutable
as $$ select case when left(word, 1) in ('a', 'o') then 'an ' else 'a ' end || word $$;

create function bmad_sync.check_type(facts bmad_sync.tables, column_name text, given text) returns void
language plpgsql immutable
as $$
declare
  wanted text := facts.types ->> column_name;
begin
  if given <> wanted and wanted <> 'any' and given <> 'null' then
    perform bmad_sync.reject('wrong_type', format('%s.%s takes %s, not %s', facts.name, column_name, bmad_sync.article(wanted), bmad_sync.article(given)), facts.name);
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
  facts bmad_sync.tables;
  stranger text;
begin
  if jsonb_typeof(given) <> 'object' or jsonb_typeof(given -> 'table') is distinct from 'string' then
    perform bmad_sync.reject('bad_change', 'a change is an object that names its table', null);
  end if;
  facts := bmad_sync.facts_of(given ->> 'table');
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

-- A row stands once in an entry: which of two changes came first could not be said.
create function bmad_sync.check_once(changes bmad_sync.change[]) returns void
language plpgsql
as $$
declare
  twice record;
begin
  select x.name, x.id into twice
  from (
    select (c.facts).name, r ->> (array_position(c.columns, 'id') - 1) as id
    from unnest(changes) c, jsonb_array_elements(c.inserted) r
    union all
    select (c.facts).name, e ->> 'id' from unnest(changes) c, jsonb_array_elements(c.updated || c.deleted) e
  ) x
  group by x.name, x.id having count(*) > 1
  limit 1;
  if found then
    perform bmad_sync.reject('bad_entry', format('%s %s stands more than once in the entry', twice.name, to_json(twice.id)), twice.name,
      'give each row one change, or make two entries');
  end if;
end
$$;

-- What can be written of an entry's changes, in the order parents first; refuses anything else.
create function bmad_sync.read_changes(given json) returns bmad_sync.change[]
language plpgsql
as $$
declare
  changes bmad_sync.change[];
begin
  if json_typeof(given) is distinct from 'array' then
    perform bmad_sync.reject('bad_entry', 'changes must be an array', null);
  elsif position(bmad_sync.unreadable() in given::text) > 0 then
    perform bmad_sync.reject('bad_text', 'a text holds U+0000 or half a surrogate pair', null, 'Postgres cannot store it; take it out');
  end if;
  changes := array(
    select c from jsonb_array_elements(given::jsonb) e, bmad_sync.read_change(e) c order by ((c).facts).place
  );
  perform bmad_sync.check_once(changes);
  return changes;
end
$$;
