-- Writing what an entry says, with versions of its own.

-- A version for rows of the caller that a push writes itself.
create function bmad_sync.own_version(p_tab int, p_wanted int, out version bigint, out granted int)
language sql security definer set search_path = ''
as $$ select r.version, r.granted from bmad_sync.reserve(bmad_sync.caller(), p_tab, p_wanted, true) r $$;

-- The stamps of the columns one update sets.
create function bmad_sync.marks(assigned jsonb, stamp text) returns jsonb
language sql immutable
as $$ select coalesce(jsonb_object_agg(k, stamp), '{}') from jsonb_object_keys(assigned) k $$;

-- Writes an entry: all inserts, then all updates, then the deletes, children before parents.
create function bmad_sync.apply_changes(uid uuid, device text, changes bmad_sync.change[], stamp text) returns void
language plpgsql
as $$
declare
  change bmad_sync.change;
begin
  foreach change in array changes loop
    perform bmad_sync.apply_insert(uid, device, (change.facts).number, (change.facts).write_columns, change.columns, change.inserted, stamp);
  end loop;
  foreach change in array changes loop
    perform bmad_sync.apply_update(uid, (change.facts).number, change.updated, stamp);
  end loop;
  for place in reverse cardinality(changes) .. 1 loop
    perform bmad_sync.apply_delete(uid, (changes[place].facts).number, changes[place].deleted);
  end loop;
end
$$;

create function bmad_sync.apply_delete(uid uuid, tab int, changes jsonb) returns void
language plpgsql
as $$
declare
  ids text[];
begin
  if jsonb_array_length(changes) > 0 then
    ids := bmad_sync.do_alive(tab, uid, array(select e ->> 'id' from jsonb_array_elements(changes) e));
    perform bmad_sync.bury_own(tab, ids);
    perform bmad_sync.do_delete(tab, ids, uid);
  end if;
end
$$;

create function bmad_sync.apply_insert(uid uuid, device text, tab int, known text[], columns text[], listed jsonb, stamp text) returns void
language plpgsql
as $$
declare
  total constant int := jsonb_array_length(listed);
  places int[];
  done int := 0;
  given record;
begin
  if total = 0 then
    return;
  end if;
  places := array(select array_position(columns, k.name) - 1 from unnest(known) with ordinality k (name, n) order by k.n);
  while done < total loop
    given := bmad_sync.own_version(tab, total - done);
    perform bmad_sync.do_insert(tab, places, bmad_sync.slice(listed, done, given.granted), uid, given.version, stamp, device);
    done := done + given.granted;
  end loop;
end
$$;

create function bmad_sync.apply_update(uid uuid, tab int, changes jsonb, stamp text) returns void
language plpgsql
as $$
declare
  total constant int := jsonb_array_length(changes);
  part jsonb;
  done int := 0;
  given record;
begin
  while done < total loop
    given := bmad_sync.own_version(tab, total - done);
    part := bmad_sync.slice(changes, done, given.granted);
    perform bmad_sync.do_update(tab, array(select e ->> 'id' from jsonb_array_elements(part) e), part, uid, given.version, stamp);
    done := done + given.granted;
  end loop;
end
$$;

create function bmad_sync.slice(listed jsonb, start int, wanted int) returns jsonb
language sql immutable
as $$
  select case when start = 0 and wanted >= jsonb_array_length(listed) then listed
    else jsonb_path_query_array(listed, '$[$a to $b]', jsonb_build_object('a', start, 'b', start + wanted - 1)) end
$$;
