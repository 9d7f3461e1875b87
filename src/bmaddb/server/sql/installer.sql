-- name: lock
select pg_advisory_xact_lock(7239401125)

-- name: state_exists
select to_regclass('bmad_sync.state') is not null

-- name: installed
select schema_version, fingerprint from bmad_sync.state

-- name: known_tables
select name, number from bmad_sync.tables

-- name: existing_tables
select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'bmad' and c.relkind in ('r', 'p')

-- name: existing_columns
select a.attname::text from pg_attribute a where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped

-- name: drop_functions
do $$
declare
  -- all names before the first drop: what fell with another function has no name any more, only a number
  signatures constant text[] := array(
    select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'bmad_sync' or n.nspname = 'public' and p.proname in (
      'bmad_pull_v1', 'bmad_push_v1', 'bmad_digest_v1', 'bmad_request_v1', 'pull_changes_optimized', 'push_changes_optimized'
    )
  );
  signature text;
begin
  foreach signature in array signatures loop
    execute format('drop function if exists %s cascade', signature);
  end loop;
  drop type if exists bmad_sync.page, bmad_sync.change, bmad_sync.entry, bmad_sync.outcome, bmad_sync.request cascade;
end
$$

-- name: forget_facts
delete from bmad_sync.tables

-- name: write_facts
insert into bmad_sync.tables (
  place, number, name, scope, writable, deletable, read_columns, write_columns, server_columns, types, kinds, fallbacks, fixed
)
select row_number() over (), f.*
from jsonb_to_recordset(%s::jsonb) as f(
  number smallint, name text, scope text, writable boolean, deletable boolean,
  read_columns text[], write_columns text[], server_columns text[], types jsonb, kinds jsonb, fallbacks jsonb, fixed jsonb
)

-- name: forget_tombstones
delete from bmad_sync.tombstones t where not exists (select from bmad_sync.tables f where f.number = t.tab)

-- name: first_heads
insert into bmad_sync.heads (scope, version) values (bmad_sync.catalogue(), 1) on conflict (scope) do nothing

-- name: write_state
insert into bmad_sync.state as s (epoch, schema_version, fingerprint)
values (left(md5(gen_random_uuid()::text), 8), %(version)s, %(fingerprint)s)
on conflict (only_row) do update set
  schema_version = excluded.schema_version, fingerprint = excluded.fingerprint, installed_at = now()

-- name: write_mark
-- What `/ready` reads: which schema is here, for a login role that may read nothing else.
do $$
begin
  execute format(
    'comment on schema bmad_sync is %L',
    (select format('bmaddb %s %s', schema_version, fingerprint) from bmad_sync.state)
  );
end
$$

-- name: announce
notify pgrst, 'reload schema'
