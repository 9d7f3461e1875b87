-- A user's journal of many entries, as it would stand on the server after years; ids as devices make them (version 7).

-- name: fill
with journal as (
  insert into bmad.journals (user_id, id, created_at, updated_at, name)
  values (%(user)s, 'journal', now(), now(), 'Dagboek')
  returning id
)
insert into bmad.journal_entries
  (user_id, id, created_at, updated_at, journal_id, entry_date, occurred_at, tz, body, body_hash, mood, title)
select %(user)s, overlay(lpad(to_hex(1700000000000 + n * 60000::bigint), 12, '0') placing '-' from 9 for 0)
    || '-7' || left(md5('a' || n), 3) || '-8' || left(md5('b' || n), 3) || '-' || left(md5('entry' || n), 12), now(), now(), journal.id,
  to_char(date '2016-01-01' + n / 30, 'YYYY-MM-DD'), now() - n * interval '1 minute', 'Europe/Amsterdam',
  repeat(md5('body' || n) || ' ', 8), md5('hash' || n), 1 + mod(n, 5), 'Dag ' || n
from journal, generate_series(1, %(rows)s) as n

-- name: copy_out
copy (select {columns} from bmad.{table} where user_id = {user}) to stdout

-- name: insert
insert into {table} ({columns}) values ({places})
