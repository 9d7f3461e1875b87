-- Tombstones: a row that leaves a scope, by whatever path, leaves its id behind until the horizon.

create function bmad_sync.bury(p_scope uuid, p_tab int, ids text[], p_own boolean) returns void
language plpgsql
as $$
declare
  total constant int := cardinality(ids);
  done int := 0;
  given record;
begin
  while done < total loop
    given := bmad_sync.reserve(p_scope, p_tab, total - done, p_own);
    if not bmad_sync.is_reserved(p_scope, p_tab, given.version) then
      perform bmad_sync.refuse_version(given.version);
    end if;
    insert into bmad_sync.tombstones as t (scope, tab, id, version)
    select p_scope, p_tab, buried, given.version
    from unnest(ids[done + 1 : done + given.granted]) as buried
    on conflict (scope, tab, id) do update set version = excluded.version, buried_at = excluded.buried_at;
    done := done + given.granted;
  end loop;
end
$$;

-- AFTER DELETE, per statement. What a push deletes it has buried itself, with its own version; what falls with it by a
-- cascade is a side effect that the device has yet to learn, and gets another one.
create function bmad_sync.bury_user_rows() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  number constant int := tg_argv[0];
  own bigint[] := string_to_array(nullif(current_setting('bmad_sync.own_versions', true), ''), ',');
  fallen record;
begin
  if own is not null then
    own := array(select v from unnest(own) v where bmad_sync.is_reserved(bmad_sync.uid(), number, v));
  end if;
  for fallen in
    select g.user_id, array_agg(g.id order by g.id) as ids
    from gone g
    where own is null or not exists (
      select from bmad_sync.tombstones t
      where t.scope = g.user_id and t.tab = number and t.id = g.id and t.version = any (own)
    )
    group by g.user_id order by g.user_id
  loop
    perform bmad_sync.bury(fallen.user_id, number, fallen.ids, false);
  end loop;
  return null;
end
$$;

-- The rows a push is about to delete.
create function bmad_sync.bury_own(p_tab int, ids text[]) returns void
language sql security definer set search_path = ''
as $$ select bmad_sync.bury(bmad_sync.caller(), p_tab, ids, true) $$;

create function bmad_sync.bury_catalogue_rows() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform bmad_sync.bury(bmad_sync.catalogue(), tg_argv[0]::int, (select array_agg(id order by id) from gone), false);
  return null;
end
$$;

create function bmad_sync.refuse_truncate() returns trigger
language plpgsql
as $$
begin
  raise exception 'truncate would leave no tombstones in bmad.%', tg_table_name
    using errcode = '0A000', hint = 'use DELETE: devices then learn what is gone';
end
$$;

-- The version at which each of the caller's rows was deleted, as {id: version}.
create function bmad_sync.known_deleted(p_tab int, ids text[]) returns jsonb
language sql stable security definer set search_path = ''
as $$
  select coalesce(jsonb_object_agg(t.id, t.version), '{}')
  from bmad_sync.tombstones t
  where t.scope = bmad_sync.uid() and t.tab = p_tab and t.id = any (ids)
$$;
