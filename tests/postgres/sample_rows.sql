-- name: act
select set_config('role', %(role)s, true), set_config('request.jwt.claims', %(claims)s, true)

-- name: unprotected
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('bmad', 'bmad_sync') and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity)

-- name: given_to_all
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
where n.nspname in ('bmad', 'bmad_sync') and (a.grantee = 0 or a.grantee = 'anon'::regrole)
union all
select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
  aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
where (n.nspname = 'bmad_sync' or n.nspname = 'public' and p.proname ~ '^bmad_|_optimized$') and (a.grantee = 0 or a.grantee = 'anon'::regrole)

-- name: count
select count(*) from {table} where id = {id}

-- name: insert
insert into {table} ({columns}) values ({values})

-- name: update
update {table} set {column} = {column} where id = {id}

-- name: refer
update {table} set {column} = {target} where id = {id}

-- name: delete
delete from {table} where id = {id}

-- name: give
update {table} set user_id = {user} where id = {id}

-- name: set_constraints
set constraints all immediate

-- name: orphan
select set_config('session_replication_role', 'replica', true)

-- name: with_checks
select set_config('session_replication_role', 'origin', true)
