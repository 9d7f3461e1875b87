-- What a status asks of the file.

-- name: count_rows
select count(*) from "{table}"

-- name: oldest_waiting
select min(created_at) from outbox_operations where status <> 'parked'

-- name: open_conflicts
select count(*) from sync_conflicts where needs_attention

-- name: last_runs
select started_at, ended_at - started_at, trigger, result, pushed_rows, pulled_rows, bytes_up, bytes_down, conflicts,
       error_code
from sync_runs
order by started_at desc, id desc
limit ?1
