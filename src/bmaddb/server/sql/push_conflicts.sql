-- Whether the server's rows moved on since the device saw them.

-- The rows of an entry that changed on the server since the device's base, as the server has them now; null when none.
create function bmad_sync.conflicts(uid uuid, changes bmad_sync.change[], written bigint[]) returns jsonb
language plpgsql stable
as $$
declare
  change bmad_sync.change;
  found_rows jsonb := '[]';
begin
  foreach change in array changes loop
    found_rows := found_rows
      || bmad_sync.insert_conflicts(uid, change)
      || bmad_sync.row_conflicts(uid, (change.facts).number, (change.facts).name, change.updated, written, true)
      || bmad_sync.row_conflicts(uid, (change.facts).number, (change.facts).name, change.deleted, written, false);
  end loop;
  return nullif(found_rows, '[]');
end
$$;

-- An insert meets a row that exists already: fine if every sent column is equal, else a conflict.
create function bmad_sync.insert_conflicts(uid uuid, change bmad_sync.change) returns jsonb
language plpgsql stable
as $$
declare
  place int := array_position(change.columns, 'id') - 1;
  stored jsonb;
begin
  if jsonb_array_length(change.inserted) = 0 then
    return '[]';
  end if;
  stored := bmad_sync.do_look((change.facts).number, uid, array(select r ->> place from jsonb_array_elements(change.inserted) r));
  if stored is null then
    return '[]';
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('table', (change.facts).name, 'id', r ->> place) || (stored -> (r ->> place)))
    from jsonb_array_elements(change.inserted) r
    where stored ? (r ->> place) and exists (
      select from unnest(change.columns) with ordinality c (name, number)
      where c.name <> 'id' and stored -> (r ->> place) -> 'row' -> c.name is distinct from r -> (c.number - 1)::int
    )
  ), '[]');
end
$$;

create function bmad_sync.row_conflicts(uid uuid, tab int, table_name text, changes jsonb, written bigint[], must_exist boolean)
returns jsonb
language plpgsql stable
as $$
declare
  ids text[];
  stored jsonb;
  buried jsonb;
begin
  if jsonb_array_length(changes) = 0 then
    return '[]';
  end if;
  ids := array(select e ->> 'id' from jsonb_array_elements(changes) e);
  stored := coalesce(bmad_sync.do_look(tab, uid, ids), '{}');
  if must_exist and not stored ?& ids then
    buried := bmad_sync.known_deleted(tab, ids);
  end if;
  return coalesce((
    select jsonb_agg(jsonb_build_object('table', table_name, 'id', e ->> 'id') || coalesce(stored -> (e ->> 'id'),
      jsonb_build_object('server_seq', buried -> (e ->> 'id'), 'hlc', null, 'stamps', null, 'row', null)))
    from jsonb_array_elements(changes) e
    cross join lateral (select (stored -> (e ->> 'id') ->> 'server_seq')::bigint as seq) s
    where case when s.seq is null then must_exist
      else s.seq > coalesce((e ->> 'base')::bigint, 0) and s.seq <> all (written) end
  ), '[]');
end
$$;

-- Columns that are set at insert: saying again what the server holds is fine, another value rejects the entry. (A reference
-- may become null: the device that deletes the parent says what follows from it.)
create function bmad_sync.check_fixed(uid uuid, changes bmad_sync.change[]) returns void
language plpgsql stable
as $$
declare
  change bmad_sync.change;
  facts bmad_sync.tables;
  named jsonb;
  stored jsonb;
  other record;
begin
  foreach change in array changes loop
    facts := change.facts;
    continue when facts.fixed = '{}' or jsonb_array_length(change.updated) = 0;
    select jsonb_agg(e) into named from jsonb_array_elements(change.updated) e
    where e -> 'set' ?| array(select jsonb_object_keys(facts.fixed));
    continue when named is null;
    stored := coalesce(bmad_sync.do_look(facts.number, uid, array(select e ->> 'id' from jsonb_array_elements(named) e)), '{}');
    select e ->> 'id' as id, k.key into other
    from jsonb_array_elements(named) e, jsonb_each(e -> 'set') k
    where facts.fixed ? k.key and stored ? (e ->> 'id')
      and k.value is distinct from stored -> (e ->> 'id') -> 'row' -> k.key
      and not (k.value = 'null' and facts.fixed -> k.key = 'true')
    limit 1;
    if found then
      perform bmad_sync.reject('fixed_column', format('%s.%s of %s is set at insert and never changes', facts.name, other.key, to_json(other.id)),
        facts.name, 'leave the column out of the update');
    end if;
  end loop;
end
$$;
