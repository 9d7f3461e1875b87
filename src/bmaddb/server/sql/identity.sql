-- Who is calling, and how refusals are worded.

-- The user the token names; null without one. Never taken from a payload.
create function bmad_sync.uid() returns uuid
language plpgsql stable parallel safe
as $$
declare
  sub constant text := nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub';
begin
  return case when sub ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then sub::uuid end;
end
$$;

create function bmad_sync.caller() returns uuid
language plpgsql stable
as $$
declare
  uid uuid := bmad_sync.uid();
begin
  if uid is null then
    raise exception 'no_user: the token names no user'
      using errcode = '42501', hint = 'sign in, and send the token as Authorization: Bearer';
  end if;
  return uid;
end
$$;

-- A device says whose file it is: rows of one user never reach the account of another because a token was mixed up.
create function bmad_sync.check_owner(uid uuid, given json) returns void
language plpgsql immutable
as $$
begin
  if lower(coalesce(given #>> '{}', uid::text)) <> uid::text then
    raise exception 'other_user: the file belongs to another user than the token'
      using errcode = '42501', hint = 'give the token of the user the file was opened for';
  end if;
end
$$;

-- PTnnn becomes the HTTP status nnn; the message starts with a word a program can read.
create function bmad_sync.refuse(status text, reason text, message text, hint text default null, details text default null)
returns void
language plpgsql
as $$
begin
  if hint is null then -- an option of RAISE may not be null
    raise exception '%: %', reason, message using errcode = status;
  elsif details is null then
    raise exception '%: %', reason, message using errcode = status, hint = hint;
  end if;
  raise exception '%: %', reason, message using errcode = status, hint = hint, detail = details;
end
$$;

-- A whole number out of a request; null when absent.
create function bmad_sync.whole(given json, key text, lowest bigint, highest bigint) returns bigint
language plpgsql immutable
as $$
declare
  number constant text := given #>> '{}';
begin
  if number is null then
    return null;
  elsif json_typeof(given) <> 'number' or number !~ '^-?[0-9]{1,18}$' or number::bigint not between lowest and highest then
    perform bmad_sync.refuse('PT400', 'bad_request', format('"%s" must be a whole number between %s and %s', key, lowest, highest));
  end if;
  return number::bigint;
end
$$;

-- A text out of a request; null when absent.
create function bmad_sync.text_of(given json, key text) returns text
language plpgsql immutable
as $$
begin
  if json_typeof(given) not in ('string', 'null') then
    perform bmad_sync.refuse('PT400', 'bad_request', format('"%s" must be text', key));
  end if;
  return given #>> '{}';
end
$$;

-- What a text holds where Postgres could not hold a letter of it: U+0000, or half a surrogate pair.
create function bmad_sync.unreadable() returns text
language sql immutable
as $$ select U&'\E000unreadable\F8FF' $$;

-- The same body, such letters replaced by `instead`. One of them would make every look into the body an error.
create function bmad_sync.readable(body json, instead text) returns json
language plpgsql immutable
as $$
begin
  perform json_typeof(body #> '{no,such,key}'); -- reads it all, and fails on such a letter
  return body;
exception when untranslatable_character or invalid_text_representation then
  -- without escaped backslashes, every \u left is an escape
  return regexp_replace(replace(body::text, '\\', '\u005c'),
    '\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}',
    instead, 'g')::json;
end
$$;

-- A timestamptz as the wire has it: whole milliseconds since 1970, the rest cut off. What plain SQL wrote outside the
-- years 1 to 9999 (infinity, too) is shown as their end, or no pull could ever pass it.
create function bmad_sync.ms(moment timestamptz) returns bigint
language sql stable parallel safe
as $$
  select case
    when moment > '9999-12-31 23:59:59.999+00'::timestamptz then 253402300799999
    when moment < '0001-01-01 00:00:00+00'::timestamptz then -62135596800000
    else floor(extract(epoch from moment) * 1000)::bigint
  end
$$;

create function bmad_sync.refuse_moment(ms bigint) returns timestamptz
language plpgsql stable
as $$
begin
  raise exception 'moment_out_of_range: % ms lies outside the years 1 to 9999', ms using errcode = '22008';
end
$$;

-- Hours and milliseconds apart: the product of one big number and an interval would be rounded.
create function bmad_sync.moment(ms bigint) returns timestamptz
language sql stable parallel safe
as $$
  select case when ms not between -62135596800000 and 253402300799999 then bmad_sync.refuse_moment(ms)
    else timestamptz 'epoch' + (ms / 3600000) * interval '1 hour' + (ms % 3600000) * interval '1 millisecond' end
$$;

-- Now, as exact as the wire is.
create function bmad_sync.now_ms() returns bigint
language sql volatile
as $$ select floor(extract(epoch from clock_timestamp()) * 1000)::bigint $$;

-- The rows of one table in one page, and how many.
create type bmad_sync.page as (listed json, counted bigint);
