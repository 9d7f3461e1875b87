-- Versions. Rule of this file: no version is chosen before the lock on its scope's head is held.

create function bmad_sync.rows_per_version_max() returns int
language sql immutable
as $$ select 5000 $$;

create function bmad_sync.catalogue() returns uuid
language sql immutable parallel safe
as $$ select '00000000-0000-0000-0000-000000000000'::uuid $$;

-- A version for up to `wanted` rows of table `tab`; `granted` says for how many, the rest needs another one.
-- One transaction keeps one version per scope as long as it has room: bmad_sync.memo (or, for the rows a push
-- itself writes, bmad_sync.own) remembers "scope version room tables". A savepoint that is rolled back takes
-- version and memo back together. Whoever has a connection may set these settings, so they are a short cut and never
-- believed: what was written or buried with a version must be found reserved (is_reserved).
create function bmad_sync.reserve(
  p_scope uuid, p_tab int, p_wanted int, p_own boolean, out version bigint, out granted int
)
language plpgsql security definer set search_path = ''
as $$
declare
  memo_name constant text := case when p_own then 'bmad_sync.own' else 'bmad_sync.memo' end;
  memo text[] := string_to_array(current_setting(memo_name, true), ' ');
  room int := bmad_sync.rows_per_version_max();
  tables text := ',' || p_tab || ',';
begin
  if memo[1] = p_scope::text and memo[3]::int > 0 then
    version := memo[2];
    room := memo[3];
    tables := memo[4];
    if position(',' || p_tab || ',' in tables) = 0 then
      update bmad_sync.heads h set touched[p_tab] = greatest(h.touched[p_tab], reserve.version) where h.scope = p_scope;
      tables := tables || p_tab || ',';
    end if;
  else
    version := bmad_sync.next_version(p_scope, p_tab);
    if p_own then
      perform set_config('bmad_sync.own_versions', concat_ws(',', nullif(current_setting('bmad_sync.own_versions', true), ''), version), true);
    end if;
  end if;
  granted := least(p_wanted, room);
  perform set_config(memo_name, concat_ws(' ', p_scope, version, room - granted, tables), true);
end
$$;

create function bmad_sync.next_version(p_scope uuid, p_tab int) returns bigint
language plpgsql
as $$
declare
  given bigint;
begin
  perform bmad_sync.lock_head(p_scope);
  update bmad_sync.heads h set version = h.version + 1, touched[p_tab] = h.version + 1,
    since = case when h.holder = pg_current_xact_id() then h.since else h.version end, holder = pg_current_xact_id()
  where h.scope = p_scope
  returning h.version into given;
  return given;
end
$$;

-- Did this very transaction reserve this version, for rows of this table? Then no cursor is past it, and a pull after
-- the commit looks into the table.
create function bmad_sync.is_reserved(p_scope uuid, p_tab int, p_version bigint) returns boolean
language plpgsql stable
as $$
begin
  return exists (
    select from bmad_sync.heads h
    where h.scope = p_scope and h.holder = pg_current_xact_id_if_assigned()
      and p_version > h.since and p_version <= h.version and p_version <= h.touched[p_tab]
  );
end
$$;

create function bmad_sync.refuse_version(p_version bigint) returns void
language plpgsql
as $$
begin
  raise exception 'forged_version: version % was not reserved by this transaction', p_version
    using errcode = '42501', hint = 'leave server_seq and the settings bmad_sync.* to the server';
end
$$;

-- Waits until no other transaction holds the scope. A new head starts above everything an older timeline gave out.
create function bmad_sync.lock_head(p_scope uuid) returns void
language plpgsql
as $$
begin
  perform from bmad_sync.heads h where h.scope = p_scope for no key update;
  if not found then
    insert into bmad_sync.heads (scope, version, lost)
    select p_scope, base_version, case when base_version > 0 then int8multirange(int8range(1, base_version)) else '{}' end
    from bmad_sync.state
    on conflict (scope) do nothing;
    perform from bmad_sync.heads h where h.scope = p_scope for no key update;
  end if;
end
$$;

-- Both heads a caller may read, as one row. A user without a head has written nothing yet.
create function bmad_sync.heads_now(
  out epoch text, out schema_version int,
  out catalogue_version bigint, out catalogue_touched bigint[], out catalogue_floor bigint, out catalogue_lost int8multirange,
  out user_version bigint, out user_touched bigint[], out user_floor bigint, out user_lost int8multirange
)
language sql stable security definer set search_path = ''
as $$
  select s.epoch, s.schema_version, c.version, c.touched, c.floor, c.lost,
    coalesce(u.version, s.base_version), coalesce(u.touched, '{}'), coalesce(u.floor, 0),
    coalesce(u.lost, case when s.base_version > 0 then int8multirange(int8range(1, s.base_version)) else '{}' end)
  from bmad_sync.state s
  join bmad_sync.heads c on c.scope = bmad_sync.catalogue()
  left join bmad_sync.heads u on u.scope = bmad_sync.uid()
$$;
