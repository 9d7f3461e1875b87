-- Handlers of the application's server, and the ledger in which they leave what they did.

-- name: ground
create schema app;
create table app.effects (
  number bigint generated always as identity primary key,
  user_id uuid not null,
  kind text not null,
  key text not null,
  payload jsonb
);
create table app.quota (left_over int not null);
insert into app.quota values (0);
create table app.trouble (name text primary key);
grant usage on schema app to authenticated;
create sequence app.dice;
grant usage on sequence app.dice to authenticated;

-- name: handlers
-- A note for the user, written as the user, and a line in the ledger.
create function app.note_effect(kind text, key text, payload jsonb) returns void
language sql security definer set search_path = ''
as $$ insert into app.effects (user_id, kind, key, payload) values (bmad_sync.uid(), kind, key, payload) $$;

create function app.cut() returns boolean
language sql security definer set search_path = ''
as $$ select pg_terminate_backend(pg_backend_pid()) $$;

create function app.has_trouble(name text) returns boolean
language sql security definer set search_path = ''
as $$ select exists (select from app.trouble t where t.name = has_trouble.name) $$;

create function app.take_quota() returns int
language plpgsql security definer set search_path = ''
as $$
declare
  left_now int;
begin
  update app.quota set left_over = left_over - 1 where left_over > 0 returning left_over into left_now;
  if not found then
    raise exception 'the quota is used up' using errcode = 'P0001', hint = 'buy more', detail = 'quota';
  end if;
  return left_now;
end
$$;

create function app.reserve(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  perform app.note_effect('reserve', key, payload);
  return jsonb_build_object('left', app.take_quota());
end
$$;

create function app.insight(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  perform app.note_effect('insight', key, payload);
  insert into bmad.notes (user_id, id, title, body)
  values (bmad_sync.uid(), md5(key), 'insight', (select n.title from bmad.notes n where n.id = payload ->> 'note'));
  return jsonb_build_object('note', md5(key));
end
$$;

create function app.flaky(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  if app.has_trouble('before') then
    raise exception 'the handler died before its effect' using errcode = 'XX000';
  end if;
  perform app.note_effect('flaky', key, payload);
  if app.has_trouble('after') then
    raise exception 'the handler died after its effect' using errcode = 'XX000';
  end if;
  return payload;
end
$$;

-- Dies before its effect for two keys of ten in each round of the dice, and after it for two others.
create function app.dicey(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  thrown constant int := ('x' || left(md5(key || nextval('app.dice')), 6))::bit(24)::int % 10;
begin
  if coalesce((payload ->> 'never')::boolean, false) then
    raise exception 'this one is never done' using errcode = 'P0001';
  elsif thrown < 2 then
    raise exception 'died before the effect' using errcode = 'XX000';
  end if;
  perform app.note_effect('dicey', key, payload);
  if thrown < 4 then
    raise exception 'died after the effect' using errcode = 'XX000';
  end if;
  return payload;
end
$$;

-- Fails as it is asked to.
create function app.fails(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  raise exception 'as asked' using errcode = payload #>> '{}';
end
$$;

-- Breaks a key that is checked at the commit.
create function app.orphan(payload jsonb, key text) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  insert into bmad.jobs (user_id, id, title, note_id) values (bmad_sync.uid(), md5(key), 't', 'nowhere');
  return 'true';
end
$$;

-- name: register
select bmad_sync.handle_requests('fails', 'app.fails(jsonb, text)');
select bmad_sync.handle_requests('orphan', 'app.orphan(jsonb, text)');
select bmad_sync.handle_requests('quota.reserve', 'app.reserve(jsonb, text)');
select bmad_sync.handle_requests('insight', 'app.insight(jsonb, text)');
select bmad_sync.handle_requests('flaky', 'app.flaky(jsonb, text)');
select bmad_sync.handle_requests('dicey', 'app.dicey(jsonb, text)');

-- name: effects
select kind, key from app.effects order by number

-- name: payloads
select payload from app.effects order by number

-- name: give_quota
update app.quota set left_over = %s

-- name: make_trouble
insert into app.trouble values (%s)

-- name: end_trouble
delete from app.trouble

-- name: answers
select key, answer ->> 'status', attempts from bmad_sync.requests order by asked_at
