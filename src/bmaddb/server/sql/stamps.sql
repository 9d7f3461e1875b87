-- Stamps: every row that changes outside a push gets a version and a hybrid logical clock of the server's own.

-- A stamp of the server (device part all zeros), later than `after`.
create function bmad_sync.server_stamp(after text default null) returns text
language plpgsql
as $$
declare
  now_part text := lpad(to_hex(bmad_sync.now_ms()), 12, '0');
  counter int;
begin
  if after is null or after = '' or left(after, 12) < now_part then
    return now_part || '-0000-000000000000';
  end if;
  counter := ('x' || lpad(substr(after, 14, 4), 8, '0'))::bit(32)::int + 1;
  if counter > 65535 then
    return lpad(to_hex(('x' || lpad(left(after, 12), 16, '0'))::bit(64)::bigint + 1), 12, '0') || '-0000-000000000000';
  end if;
  return left(after, 12) || '-' || lpad(to_hex(counter), 4, '0') || '-000000000000';
end
$$;

-- BEFORE ROW on user tables, skipped by WHEN for rows that name the version a push keeps for its own. What a statement
-- names otherwise (a copy of a row carries the version it once had) is not a version anybody would see, and is replaced.
-- Argument: the table's number.
create function bmad_sync.stamp_user_row() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  tab constant int := tg_argv[0];
  stamp text;
  changed jsonb;
begin
  if tg_op = 'INSERT' then
    new.server_seq := (bmad_sync.reserve(new.user_id, tab, 1, false)).version;
    new.hlc := case when new.hlc = '' then bmad_sync.server_stamp() else new.hlc end;
    return new;
  end if;
  if old.user_id <> new.user_id or old.id <> new.id then
    if new.user_id < old.user_id then -- heads are always locked in the order of their scopes
      perform bmad_sync.reserve(new.user_id, tab, 1, false);
    end if;
    perform bmad_sync.bury(old.user_id, tab, array[old.id], false);
  end if;
  new.server_seq := (bmad_sync.reserve(new.user_id, tab, 1, false)).version;
  stamp := bmad_sync.server_stamp((
    select max(s) from (select old.hlc as s union all select value from jsonb_each_text(old.stamps)) known
  ));
  select jsonb_object_agg(n.key, stamp) into changed
  from jsonb_each(to_jsonb(new)) n
  where n.key not in ('user_id', 'id', 'server_seq', 'hlc', 'stamps', 'origin_device_id')
    and n.value is distinct from to_jsonb(old) -> n.key;
  new.stamps := old.stamps || coalesce(changed, '{}');
  return new;
end
$$;

-- The same for catalogue tables, which carry no stamps.
create function bmad_sync.stamp_catalogue_row() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and old.id <> new.id then
    perform bmad_sync.bury(bmad_sync.catalogue(), tg_argv[0]::int, array[old.id], false);
  end if;
  new.server_seq := (bmad_sync.reserve(bmad_sync.catalogue(), tg_argv[0]::int, 1, false)).version;
  return new;
end
$$;

-- AFTER STATEMENT on user tables: every version that was written was reserved by this transaction, whatever the settings
-- said that WHEN believed. Rows an UPDATE left as they were keep their old one.
create function bmad_sync.check_versions() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  tab constant int := tg_argv[0];
  strange record;
begin
  for strange in
    select x.user_id, x.server_seq from (select distinct w.user_id, w.server_seq from written w offset 0) x
    where not bmad_sync.is_reserved(x.user_id, tab, x.server_seq)
  loop
    if tg_op = 'INSERT' then
      perform bmad_sync.refuse_version(strange.server_seq);
    elsif exists (
      select from written w
      where w.user_id = strange.user_id and w.server_seq = strange.server_seq and not exists (
        select from before b where b.user_id = w.user_id and b.id = w.id and b.* is not distinct from w.*
      )
    ) then
      perform bmad_sync.refuse_version(strange.server_seq);
    end if;
  end loop;
  return null;
end
$$;

-- BEFORE ROW: JSON nests deeper than a device reads. (JSON_DEPTH_MAX; the trigger looks, and only at what is large enough.)
create function bmad_sync.refuse_nesting() returns trigger
language plpgsql
as $$
begin
  raise exception 'too_deep: JSON of a row of bmad.% nests deeper than 64 levels', tg_table_name
    using errcode = '22023', hint = 'no device could read it: make it flatter';
end
$$;

-- BEFORE ROW: plain SQL of a client gives another value to a column that is set at insert. (A push is answered before.)
create function bmad_sync.refuse_fixed() returns trigger
language plpgsql
as $$
begin
  raise exception 'fixed_column: a reference of bmad.% is set at insert and may only become null', tg_table_name using errcode = '42501';
end
$$;
