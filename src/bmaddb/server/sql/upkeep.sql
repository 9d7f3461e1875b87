-- What whoever runs the server calls now and then.

-- Forgets tombstones older than `older_than` and devices silent for `silent_for`. Returns how many tombstones went.
-- A device whose cursor lies before them is told to resync. Devices are kept longer: with one go the answers it may
-- never have heard, and what it sends again is then no longer known as a repeat.
create function bmad_sync.purge(older_than interval default '90 days', silent_for interval default '400 days') returns bigint
language plpgsql security definer set search_path = ''
as $$
declare
  old record;
  gone bigint := 0;
begin
  for old in
    select t.scope, max(t.version) as version from bmad_sync.tombstones t
    where t.buried_at < now() - older_than
    group by t.scope order by t.scope
  loop
    update bmad_sync.heads h set floor = greatest(h.floor, old.version) where h.scope = old.scope;
    with purged as (
      delete from bmad_sync.tombstones t
      where t.scope = old.scope and t.version <= old.version
      returning 1
    )
    select gone + count(*) into gone from purged;
  end loop;
  delete from bmad_sync.devices d where d.seen_at < now() - silent_for;
  delete from bmad_sync.requests r where coalesce(r.ended_at, r.asked_at) < now() - silent_for;
  return gone;
end
$$;

-- To be called once after a restore from a backup, a failover that lost transactions, or a clone: versions that were
-- given out on the lost timeline must not be given out again with another meaning. How far it jumps is left to chance:
-- the same backup may be restored twice, and what was given out after the first time must not be given out again either.
create function bmad_sync.after_restore() returns text
language plpgsql security definer set search_path = ''
as $$
declare
  user_jump constant bigint := (16 + floor(random() * 256)::bigint) << 16;
  catalogue_jump constant bigint := 1 << 10; -- the WatermelonDB cursor leaves it 21 bits
  fresh constant text := left(md5(gen_random_uuid()::text), 8);
begin
  lock table bmad_sync.heads in share row exclusive mode;
  update bmad_sync.heads h
  set version = h.version + j.jump, lost = h.lost + int8multirange(int8range(h.version + 1, h.version + j.jump))
  from (select scope, case scope when bmad_sync.catalogue() then catalogue_jump else user_jump end as jump from bmad_sync.heads) j
  where j.scope = h.scope;
  update bmad_sync.state set epoch = fresh, base_version = base_version + user_jump where only_row;
  return fresh;
end
$$;
