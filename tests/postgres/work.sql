-- name: fill
with box as (
  insert into bmad.boxes (user_id, id, title) select %(user)s, 'b' || n, 'box' from generate_series(1, %(rows)s) n
)
insert into bmad.things (user_id, id, box_id, name) select %(user)s, 't' || n, 'b' || n, 'n' from generate_series(1, %(rows)s) n

-- name: bury
delete from bmad.things where user_id = %(user)s and substr(id, 2)::int > %(rows)s

-- name: analyse
analyze bmad.boxes, bmad.things, bmad_sync.tombstones

-- name: pull
select public.bmad_pull_v1(%s)

-- name: push
select public.bmad_push_v1(%s)

-- name: read_so_far
-- Rows that scans of tables and entries that scans of indexes gave out in this connection. Postgres adds up and
-- clears these between transactions when it likes: only a difference within one says something.
select coalesce(sum(pg_stat_get_xact_tuples_returned(c.oid)), 0)::int
from pg_class c
where c.relnamespace in ('bmad'::regnamespace, 'bmad_sync'::regnamespace) and c.relkind in ('r', 'i')
