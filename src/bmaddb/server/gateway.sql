-- name: preamble
select count(set_config(key, value, true)) from json_each_text($1::json)

-- name: alive
select 1

-- name: schema_mark
-- A comment, for whoever logs in may read it; the tables of the machinery are closed to the login role.
select pg_catalog.obj_description(pg_catalog.to_regnamespace('bmad_sync'), 'pg_namespace')

-- name: quiet_search_path
set local search_path = ''

-- name: functions
select p.proname,
       format('%%I.%%I', n.nspname, p.proname) as quoted_name,
       coalesce(a.names, '{}') as argument_names,
       coalesce(a.quoted, '{}') as argument_quoted,
       coalesce(a.types, '{}') as argument_types,
       p.pronargdefaults as defaults_count,
       p.provariadic <> 0 as is_variadic,
       p.proretset as is_set,
       case
         when p.prorettype = 'pg_catalog.void'::pg_catalog.regtype then 'void'
         when r.typtype = 'c' or coalesce(p.proargmodes::text[] && '{t,b,o}', false) then 'composite'
         when coalesce(nullif(r.typbasetype, 0), r.oid)
              in ('pg_catalog.json'::pg_catalog.regtype, 'pg_catalog.jsonb'::pg_catalog.regtype) then 'json'
         else 'scalar'
       end as result_kind,
       p.provolatile <> 'v' as is_read_only,
       coalesce(p.proconfig, '{}') as settings,
       array(select rolname::text from pg_catalog.pg_roles
             where rolname = any (%(roles)s::name[])
               and pg_catalog.has_function_privilege(pg_roles.oid, p.oid, 'EXECUTE')) as roles
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_type r on r.oid = p.prorettype
left join lateral (
  select array_agg(coalesce(i.name, '') order by i.position) as names,
         array_agg(format('%%I', coalesce(i.name, '')) order by i.position) as quoted,
         array_agg(pg_catalog.format_type(i.type, null) order by i.position) as types
  from unnest(coalesce(p.proallargtypes, p.proargtypes::pg_catalog.oid[]), p.proargnames, p.proargmodes)
       with ordinality as i (type, name, mode, position)
  where coalesce(i.mode, 'i') in ('i', 'b', 'v')
) a on true
where n.nspname = %(schema)s
  and p.prokind = 'f'
  and r.typname not in ('trigger', 'event_trigger')

-- name: role_settings
select r.rolname, item
from pg_catalog.pg_db_role_setting s
join pg_catalog.pg_roles r on r.oid = s.setrole
cross join unnest(s.setconfig) as item
where split_part(item, '=', 1) in (select name from pg_catalog.pg_settings where context = 'user')
  and r.rolname = any (%(roles)s::name[])
  and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
order by s.setdatabase

-- name: listen
listen pgrst

-- name: call_json
select {call}, 1, current_setting('response.status', true), current_setting('response.headers', true) {source}

-- name: call_void
select {call}, 1, current_setting('response.status', true), current_setting('response.headers', true) {source}

-- name: call_scalar
select to_json({call}), 1, current_setting('response.status', true), current_setting('response.headers', true) {source}

-- name: call_composite
select to_json(answer), 1, current_setting('response.status', true), current_setting('response.headers', true)
from (select called.* from {laterals} {call} as called) as answer

-- name: call_set
select coalesce(json_agg(answer.item), '[]'), count(*),
       current_setting('response.status', true), current_setting('response.headers', true)
from (select {call} as item {source}) as answer

-- name: call_set_composite
select coalesce(json_agg(answer), '[]'), count(*),
       current_setting('response.status', true), current_setting('response.headers', true)
from (select called.* from {laterals} {call} as called) as answer

-- name: named_source
from json_to_record($1::json) as _ ({columns})

-- name: named_laterals
json_to_record($1::json) as _ ({columns}), lateral

-- name: create_login_role
do $$
declare
  member name;
begin
  foreach member in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = member) then
      execute format('create role %I nologin noinherit', member);
    end if;
  end loop;
  if not exists (select from pg_catalog.pg_roles where rolname = 'authenticator') then
    create role authenticator login noinherit;
  end if;
  alter role authenticator login noinherit;
  grant anon, authenticated, service_role to authenticator;
  alter role service_role bypassrls;
end
$$

-- name: database_exists
select 1 from pg_catalog.pg_database where datname = %(dbname)s

-- name: create_database
create database {}

-- name: begin_walk
select bmad_sync.begin_walk($1::json)

-- name: copy_walk
copy (select * from bmad_sync.{walk}({user}, {lo}, {after}, {hi})) to stdout with (format csv, quote e'\x01', delimiter e'\x02')

-- name: claim_request
select to_json(claim) from bmad_sync.claim_request($1::json) as claim

-- name: keep_claim
select bmad_sync.keep_claim($1, $2, $3::int)

-- name: end_request
select bmad_sync.end_request($1, $2, $3::json)

-- name: is_final
select bmad_sync.is_final($1)

-- name: check_constraints
set constraints all immediate
