-- Small functions that stand for what a server offers: every result shape, every way to fail.
create table public.notes (id int primary key, owner uuid not null default gen_random_uuid(), body text not null);
alter table public.notes enable row level security;
grant select, insert on public.notes to authenticated;
create policy own on public.notes to authenticated
  using (owner = (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid);
insert into public.notes values
  (1, '00000000-0000-0000-0000-0000000a11ce', 'mine'), (2, '00000000-0000-0000-0000-00000000b0b0', 'theirs');

create function public.add(a int, b int default 10) returns int language sql stable as 'select a + b';
create function public.echo(json) returns json language sql volatile as 'select $1';
create function public.echo_b(jsonb) returns jsonb language sql volatile as 'select $1';
create function public.shout(text) returns text language sql stable as 'select upper($1)';
create function public.size_of(bytea) returns int language sql stable as 'select length($1)';
create function public.nothing() returns void language sql volatile as '';
create function public.null_text() returns text language sql stable as 'select null::text';
create function public.numbers(count int) returns setof int language sql stable as 'select generate_series(1, count)';
create function public.all_notes() returns setof public.notes language sql stable as 'select * from public.notes order by id';
create function public.first_note() returns public.notes language sql stable as 'select * from public.notes where id = 1';
create function public.no_rows() returns table (id int, name text) language sql stable as 'select 1, ''x'' where false';
create function public.one_out(in a int, out doubled int) language sql stable as 'select a * 2';
create function public.total(variadic items int[]) returns bigint language sql stable as 'select sum(i) from unnest(items) i';
create function public."odd ""name%"("the %s ""arg""" text) returns text language sql stable as 'select $1';
create function public.big(size int) returns json language sql stable as 'select to_json(repeat(''x'', size))';
create function public.whoami() returns json language sql stable as $$
  select json_build_object(
    'role', current_user, 'claims', current_setting('request.jwt.claims')::json,
    'method', current_setting('request.method'), 'path', current_setting('request.path'),
    'headers', current_setting('request.headers')::json, 'cookies', current_setting('request.cookies')::json,
    'read_only', current_setting('transaction_read_only'), 'timeout', current_setting('statement_timeout'),
    'isolation', current_setting('transaction_isolation'), 'search_path', current_setting('search_path'))
$$;
create function public.whoami_writing() returns json language sql volatile as 'select public.whoami()';
create function public.patient() returns json language sql stable
  set statement_timeout to '7s' set default_transaction_isolation to 'repeatable read' as 'select public.whoami()';
create function public.write_note(id int, body text) returns int language plpgsql volatile as $$
begin
  insert into public.notes (id, owner, body)
  values (id, (current_setting('request.jwt.claims')::json ->> 'sub')::uuid, body);
  return id;
end $$;
create function public.write_for(id int, owner uuid) returns void language sql volatile as $$
  insert into public.notes (id, owner, body) values (id, owner, 'not mine')
$$;
create function public.write_in_stable(id int) returns int language plpgsql stable as $$
begin
  insert into public.notes (id, owner, body) values (id, gen_random_uuid(), 'x');
  return id;
end $$;
create function public.fail(state text, message text default 'failed', detail text default '', hint text default '')
returns void language plpgsql volatile as $$
begin
  raise exception using errcode = state, message = fail.message, detail = fail.detail, hint = fail.hint;
end $$;
create function public.answer_as(status text, headers text) returns json language sql volatile as $$
  select set_config('response.status', status, true), set_config('response.headers', headers, true);
  select '"done"'::json
$$;
create function public.sleepy(seconds double precision) returns void language sql volatile as 'select pg_sleep(seconds)';
create function public.sleepy_by_itself(seconds double precision) returns void language sql volatile
  set statement_timeout to '50ms' as 'select pg_sleep(seconds)';
create function public.late_constraint() returns void language plpgsql volatile as $$
begin
  create temporary table late (id int primary key deferrable initially deferred) on commit drop;
  insert into late values (1), (1);
end $$;
create function public.overloaded(a int) returns text language sql stable as 'select ''a''';
create function public.overloaded(a int, b int) returns text language sql stable as 'select ''a, b''';
create function public.ambiguous(a int) returns text language sql stable as 'select ''int''';
create function public.ambiguous(a text) returns text language sql stable as 'select ''text''';
create function public.hidden() returns int language sql stable as 'select 1';
create function public.for_users() returns int language sql stable as 'select 2';
revoke execute on function public.hidden(), public.for_users() from public;
grant execute on function public.for_users() to authenticated;
