-- Requests: what only the server can carry out, each under a key, each with one effect.
-- The answer is written in the transaction of the effect, so neither is ever there without the other.

create type bmad_sync.request as (kind text, key text, payload jsonb, digest text, round int, withdrawn boolean);

-- Which function carries out requests of this kind: (payload jsonb, key text) returns jsonb. It runs as the caller,
-- under row-level security; one that may do more is `security definer` and asks bmad_sync.uid() who calls.
create function bmad_sync.handle_requests(p_kind text, p_handler regprocedure) returns void
language plpgsql
as $$
declare
  found pg_catalog.pg_proc;
begin
  select * into found from pg_catalog.pg_proc p where p.oid = p_handler;
  if p_kind !~ '^[a-z][a-z0-9_.-]{0,63}$' then
    raise exception 'a kind is 1 to 64 of a-z 0-9 _ . -, a letter first, not "%"', p_kind using errcode = '22023';
  elsif pg_catalog.oidvectortypes(found.proargtypes) <> 'jsonb, text' or found.prorettype <> 'jsonb'::regtype then
    raise exception '% must take (payload jsonb, key text) and return jsonb', p_handler using errcode = '22023';
  end if;
  insert into bmad_sync.request_kinds (kind, handler)
  values (p_kind, found.pronamespace::regnamespace::text || '.' || quote_ident(found.proname))
  on conflict (kind) do update set handler = excluded.handler;
end
$$;

-- Null too where the function is gone.
create function bmad_sync.request_handler(p_kind text) returns text
language sql stable security definer set search_path = ''
as $$
  select k.handler from bmad_sync.request_kinds k
  where k.kind = p_kind and to_regprocedure(k.handler || '(jsonb, text)') is not null
$$;

-- Is this SQLSTATE the word of a handler that will not do it, rather than trouble that passes?
create function bmad_sync.is_final(state text) returns boolean
language sql immutable
as $$
  select left(state, 2) in ('21', '22', '23', 'P0') or state in ('42501', '54001', '0A000')
    or (left(state, 3) = 'PT4' and state not in ('PT408', 'PT425', 'PT429'))
$$;

-- A request, taken apart once. Texts that Postgres cannot hold are refused: a handler must get what was asked.
create function bmad_sync.read_request(body json) returns bmad_sync.request
language plpgsql
as $$
declare
  asked record;
  request bmad_sync.request;
begin
  if json_typeof(body) is distinct from 'object' then
    perform bmad_sync.refuse('PT400', 'bad_request', 'the body must be a JSON object');
  end if;
  if bmad_sync.readable(body, bmad_sync.unreadable())::text <> body::text then
    perform bmad_sync.refuse('PT400', 'bad_request', 'a text of the request cannot be stored');
  end if;
  select * into asked from json_to_record(body) as r(kind json, key json, payload json, round json, withdraw json, "user" json);
  perform bmad_sync.check_owner(bmad_sync.caller(), asked."user");
  request.kind := bmad_sync.text_of(asked.kind, 'kind');
  request.key := bmad_sync.text_of(asked.key, 'key');
  request.payload := coalesce(asked.payload::jsonb, 'null');
  request.digest := md5(request.payload::text);
  request.round := coalesce(bmad_sync.whole(asked.round, 'round', 0, 1000000), 0);
  request.withdrawn := coalesce(asked.withdraw::text = 'true', false);
  if coalesce(request.kind, '') !~ '^[a-z][a-z0-9_.-]{0,63}$' then
    perform bmad_sync.refuse('PT400', 'bad_request', '"kind" must be 1 to 64 of a-z 0-9 _ . -, a letter first');
  elsif length(coalesce(request.key, '')) not between 1 and 200 then
    perform bmad_sync.refuse('PT400', 'bad_request', '"key" must be a text of 1 to 200 characters');
  end if;
  return request;
end
$$;

-- Takes the caller's key until the transaction ends; what was answered under it, or null. Who finds it taken does not
-- wait: the handler of another may take long. A later round reopens what had no effect, an earlier one never does.
create function bmad_sync.hold_request(request bmad_sync.request, out attempt int, out answer json)
language plpgsql security definer set search_path = ''
as $$
declare
  uid constant uuid := bmad_sync.caller();
  held bmad_sync.requests;
begin
  insert into bmad_sync.requests (user_id, kind, key, digest, round)
  values (uid, request.kind, request.key, request.digest, request.round)
  on conflict (user_id, kind, key) do nothing;
  begin
    select * into strict held from bmad_sync.requests r
    where r.user_id = uid and r.kind = request.kind and r.key = request.key for update nowait;
  exception when lock_not_available then
    perform bmad_sync.refuse('PT503', 'request_running', 'this request is being carried out just now', 'ask again');
  end;
  if held.digest <> request.digest then
    perform bmad_sync.refuse('PT409', 'key_reused', format('the key "%s" stands for another request', request.key),
      'give every request a key of its own, or none');
  end if;
  answer := held.answer;
  attempt := held.attempts;
  if request.round > held.round and answer ->> 'status' <> 'done' then
    answer := null;
  end if;
  if answer is null then
    attempt := attempt + 1;
    update bmad_sync.requests r
    set attempts = attempt, answer = null, ended_at = null, round = greatest(r.round, request.round)
    where r.user_id = uid and r.kind = request.kind and r.key = request.key;
  end if;
end
$$;

create function bmad_sync.end_request(p_kind text, p_key text, p_answer json) returns void
language sql security definer set search_path = ''
as $$
  update bmad_sync.requests r set answer = p_answer, ended_at = clock_timestamp()
  where r.user_id = bmad_sync.caller() and r.kind = p_kind and r.key = p_key
$$;

-- Runs the handler in a subtransaction: what it refuses leaves nothing behind.
create function bmad_sync.run_request(request bmad_sync.request) returns json
language plpgsql
as $$
declare
  handler constant text := bmad_sync.request_handler(request.kind);
  result jsonb;
  said text;
  more text;
  advice text;
begin
  if handler is null then
    perform bmad_sync.refuse('PT501', 'unknown_kind',
      format('this server carries out no requests of the kind "%s"', request.kind), 'is it older than the device?');
  end if;
  begin
    execute format('select %s($1, $2)', handler) into result using request.payload, request.key;
    set constraints all immediate;  -- what the commit would refuse is refused here
    return json_build_object('status', 'done', 'result', result);
  exception when others then
    if not bmad_sync.is_final(sqlstate) then
      raise;
    end if;
    get stacked diagnostics said = message_text, more = pg_exception_detail, advice = pg_exception_hint;
    return json_build_object('status', 'rejected', 'error', json_build_object(
      'code', sqlstate, 'message', said, 'details', nullif(more, ''), 'hint', nullif(advice, '')));
  end;
end
$$;

-- For a handler outside Postgres: notes the attempt, in a transaction of its own, and says what is to be done, or what
-- was answered before.
create function bmad_sync.claim_request(
  body json, out "user" text, out kind text, out key text, out payload jsonb, out attempt int, out answer json
)
language plpgsql
as $$
declare
  request constant bmad_sync.request := bmad_sync.read_request(body);
  held record;
begin
  held := bmad_sync.hold_request(request);
  "user" := bmad_sync.caller()::text;
  kind := request.kind;
  key := request.key;
  payload := request.payload;
  attempt := held.attempt;
  answer := held.answer;
  if answer is null and request.withdrawn then
    answer := json_build_object('status', 'cancelled');
    perform bmad_sync.end_request(kind, key, answer);
  end if;
end
$$;

-- Holds the claim until the transaction ends, if the attempt is still the last one.
create function bmad_sync.keep_claim(p_kind text, p_key text, p_attempt int) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  perform from bmad_sync.requests r
  where r.user_id = bmad_sync.caller() and r.kind = p_kind and r.key = p_key
    and r.attempts = p_attempt and r.answer is null
  for update nowait;
  if not found then
    perform bmad_sync.refuse('PT503', 'request_running', 'another attempt came between', 'ask again');
  end if;
exception when lock_not_available then
  perform bmad_sync.refuse('PT503', 'request_running', 'this request is being carried out just now', 'ask again');
end
$$;

create function public.bmad_request_v1(json) returns json
language plpgsql volatile set search_path = '' set statement_timeout = '60s'
as $$
declare
  request constant bmad_sync.request := bmad_sync.read_request($1);
  held record;
  answer json;
begin
  held := bmad_sync.hold_request(request);
  if held.answer is not null then
    return held.answer;
  elsif request.withdrawn then
    answer := json_build_object('status', 'cancelled');
  else
    answer := bmad_sync.run_request(request);
  end if;
  perform bmad_sync.end_request(request.kind, request.key, answer);
  return answer;
end
$$;
