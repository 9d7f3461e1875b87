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
    insert into bmad_sync.tombstones as t (scope, tab, id, version)
    select p_scope, p_tab, buried, given.version
    from unnest(ids[done + 1 : done + given.granted]) as buried
    on conflict (scope, tab, id) do update set version = excluded.version, buried_at = excluded.buried_at;
    done := done + given.granted;
  end loop;
end
$$;

-- AFTER DELETE, per statement. The rows a push deletes itself belong to the push's own version; what falls by a
-- cascade (a statement inside a trigger, so one level deeper) is a side effect the device has yet to learn.
create function bmad_sync.bury_user_rows() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  own constant boolean := pg_trigger_depth() = 1 and current_setting('bmad_sync.pushing', true) = 'yes';
  fallen record;
begin
  for fallen in
    select user_id, array_agg(id order by id) as ids from gone group by user_id order by user_id
  loop
    perform bmad_sync.bury(fallen.user_id, tg_argv[0]::int, fallen.ids, own);
  end loop;
  return null;
end
$$;

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
