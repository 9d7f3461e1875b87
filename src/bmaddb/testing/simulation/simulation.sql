-- What a simulation says to Postgres: calls as a gateway makes them, and what an operator does by hand.

-- name: preamble
select count(set_config(key, value, true)) from json_each_text(%s::json)

-- name: call
select public.{function}(%s::json)::text

-- name: rows_of
select id from bmad.{table} where user_id = %s order by id

-- name: operator_reads
select to_jsonb(t) from bmad.{table} t where t.user_id = %s and t.id = %s

-- name: operator_sets_title
update bmad.notes set title = %s where user_id = %s and id = %s

-- name: operator_inserts_note
insert into bmad.notes (id, user_id, title, body, author) values (%s, %s, %s, %s, %s)

-- name: operator_deletes
delete from bmad.{table} where user_id = %s and id = %s

-- name: operator_moves_note
update bmad.notes set user_id = %s, folder_id = null where user_id = %s and id = %s

-- name: stickers_of
select id from bmad.stickers where user_id = %s and note_id = %s

-- name: operator_sets_place
update bmad.cards set place = %s where user_id = %s and id = %s

-- name: operator_adds
update bmad.cards set amount = amount + %s where user_id = %s and id = %s

-- name: purge
select bmad_sync.purge('0 seconds'::interval)

-- name: after_restore
select bmad_sync.after_restore() from (select setseed(%s)) as chance

-- name: device_ids
select id, user_id from "{table}" order by id

-- name: newest_entry
select id from outbox_operations order by position desc limit 1

-- name: entry_stands
select count(*) from outbox_operations where id = ?1

-- name: kept_sides
select coalesce(base_value, '') || coalesce(local_value, '') || coalesce(remote_value, '') || coalesce(resolved_value, '')
from sync_conflicts where table_name = ?1 and row_id = ?2

-- name: verdict_policies
select policy, count(*) from sync_conflicts where table_name = ?1 group by policy

-- name: raw_title
update notes set title = ?1 where id = ?2

-- name: source_of
select pg_get_functiondef(%s::regproc)

-- A bit that flips behind the back of everything: neither captured nor sent.
-- name: rot
update notes set title = title || ' rotten' where id = (select min(id) from notes) returning id

-- name: clone
create database {name} template {template} strategy file_copy

-- name: drop
drop database if exists {name} with (force)
