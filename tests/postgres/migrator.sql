-- name: tables
select relname::text from pg_class where relnamespace = 'bmad'::regnamespace and relkind = 'r'

-- name: objects
select oid::bigint, proname::text from pg_proc where pronamespace = 'bmad_sync'::regnamespace
union all select oid::bigint, tgname::text from pg_trigger where not tgisinternal
union all select oid::bigint, polname::text from pg_policy
union all select oid::bigint, relname::text from pg_class where relnamespace in ('bmad_sync'::regnamespace, 'bmad'::regnamespace)
order by 1

-- name: make_owner
create role plain_owner login createrole nosuperuser

-- name: make_database
create database plain owner plain_owner

-- name: is_plain
select rolsuper, rolbypassrls from pg_roles where rolname = current_user

-- name: age
update bmad_sync.tombstones set buried_at = now() - interval '91 days'

-- name: purge
select bmad_sync.purge()

-- name: own_rows
select count(*) from bmad.boxes
