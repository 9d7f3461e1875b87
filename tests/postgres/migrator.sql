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

-- name: what_holds
select 'trigger', tgrelid::regclass::text, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all
select 'function', p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid)) || coalesce(p.proacl::text, '') from pg_proc p
where pronamespace = 'bmad_sync'::regnamespace or proname ~ '^bmad_|_optimized$'
union all
select 'policy', polrelid::regclass::text, concat(polname, ' ', polcmd) || coalesce(pg_get_expr(polqual, polrelid), '') from pg_policy
union all
select 'rights', c.oid::regclass::text, coalesce(a.attname, '') || coalesce(r.acl, '') from pg_class c
left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
cross join lateral (
  select string_agg(x::text, ' ' order by x::text) as acl from unnest(coalesce(c.relacl, '{}') || coalesce(a.attacl, '{}')) x
) r
where c.relnamespace in ('bmad_sync'::regnamespace, 'bmad'::regnamespace) and c.relkind in ('r', 'v')
order by 1, 2, 3

-- name: as_it_was_before_versions_were_checked
alter table bmad_sync.heads drop column holder, drop column since;
alter table bmad_sync.tables drop column fixed;
drop function bmad_sync.check_versions cascade;
drop function bmad_sync.refuse_fixed cascade;
drop function bmad_sync.is_reserved cascade;
drop trigger stamp_new on bmad.boxes;
create trigger stamp_new before insert on bmad.boxes for each row when (new.server_seq = 0)
  execute function bmad_sync.stamp_user_row(3);
drop trigger stamp_changed on bmad.boxes;
grant update (key, made_in, made_at, box_id) on bmad.settings to authenticated;
grant delete on bmad.settings to authenticated;
grant execute on all functions in schema bmad_sync to authenticated, anon;
drop policy read on bmad.things;
update bmad_sync.state set fingerprint = 'an older build';
