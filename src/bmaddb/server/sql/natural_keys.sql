-- Ids that follow from what a row is about, as devices make them (schema/natural_keys.py): for handlers that make rows
-- a device may make too. Postgres has no SHA-1 of its own; this one is for names of a few dozen bytes.

create function bmad_sync.sha1(message bytea) returns bytea
language plpgsql immutable strict
as $$
declare
  mask constant bigint := 4294967295;
  padded constant bytea := message || '\x80' || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex')
    || int8send(length(message)::bigint * 8);
  state bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
  words bigint[];
  a bigint; b bigint; c bigint; d bigint; e bigint; mixed bigint; turned bigint;
begin
  for block in 0 .. length(padded) / 64 - 1 loop
    for i in 0 .. 15 loop
      words[i] := ('x' || encode(substr(padded, block * 64 + i * 4 + 1, 4), 'hex'))::bit(32)::bigint & mask;
    end loop;
    for i in 16 .. 79 loop
      mixed := words[i - 3] # words[i - 8] # words[i - 14] # words[i - 16];
      words[i] := ((mixed << 1) | (mixed >> 31)) & mask;
    end loop;
    a := state[1]; b := state[2]; c := state[3]; d := state[4]; e := state[5];
    for i in 0 .. 79 loop
      mixed := case
        when i < 20 then ((b & c) | ((b # mask) & d)) + 1518500249
        when i < 40 then (b # c # d) + 1859775393
        when i < 60 then ((b & c) | (b & d) | (c & d)) + 2400959708
        else (b # c # d) + 3395469782
      end;
      turned := (((a << 5) | (a >> 27)) & mask) + mixed + e + words[i];
      e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := turned & mask;
    end loop;
    state := array[(state[1] + a) & mask, (state[2] + b) & mask, (state[3] + c) & mask, (state[4] + d) & mask,
      (state[5] + e) & mask];
  end loop;
  return substr(int8send(state[1]), 5) || substr(int8send(state[2]), 5) || substr(int8send(state[3]), 5)
    || substr(int8send(state[4]), 5) || substr(int8send(state[5]), 5);
end
$$;

-- The id of the row of `tab` whose natural key has these values, in the order of the key; of a table without folding.
create function bmad_sync.natural_id(tab text, variadic key text[]) returns text
language plpgsql immutable strict
as $$
declare
  name constant text := array_to_string(tab || key, U&'\001F');
  hash bytea := bmad_sync.sha1(uuid_send('6d5b1c52-2f0e-5a43-9b1d-0f6c7f1f0a14'::uuid) || convert_to(name, 'UTF8'));
begin
  if array_position(key, null) is not null or strpos(array_to_string(key, ''), U&'\001F') > 0 then
    raise exception 'a part of the key of % is null, or holds U+001F', tab using errcode = '22023';
  end if;
  hash := set_byte(set_byte(hash, 6, get_byte(hash, 6) & 15 | 80), 8, get_byte(hash, 8) & 63 | 128);
  return encode(substr(hash, 1, 16), 'hex')::uuid::text;
end
$$;
