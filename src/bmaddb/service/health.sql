-- What a health check asks of the file.

-- name: columns_of
select name from pragma_table_info(?)

-- name: count_rows
-- Of the table itself: an index may be whole where the table is not.
select count(*) from "{table}" not indexed

-- name: quick_check
select * from pragma_quick_check

-- name: broken_references
select * from pragma_foreign_key_check

-- name: last_runs
-- The last ?1 syncs that reached the server. One that it let nobody in for is stored as offline.
select case error_code when 'B-502' then 'failed' else result end, error_code from sync_runs
where result <> 'offline' or error_code = 'B-502'
order by started_at desc, id desc
limit ?1

-- name: oldest_waiting
select min(created_at), count(*) from outbox_operations where status <> 'parked'

-- name: open_conflicts
select count(*) from sync_conflicts where needs_attention

-- name: newest_moment
select max(moment) from (
  select max(started_at) as moment from sync_runs
  union all
  select max(created_at) from outbox_operations
)

-- name: operations
select status, count(*), min(started_at) from operation_journal
where status not in ('committed', 'rolled_back', 'compensated') and rollback_strategy <> 'none'
group by status
