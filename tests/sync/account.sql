-- An account with rows in several tables.

-- name: user
insert into bmad.users (user_id, id, created_at, updated_at, display_name, terms_version, privacy_version)
values (%(user)s::uuid, %(user)s::text, now(), now(), %(mark)s::text, '1', '1')

-- name: tasks
insert into bmad.tasks (user_id, id, created_at, updated_at, title)
select %(user)s, 'task-' || n, now(), now(), %(mark)s::text || n from generate_series(1, %(tasks)s) n

-- name: journals
insert into bmad.journals (user_id, id, created_at, updated_at, name) values (%(user)s, 'journal', now(), now(), %(mark)s)

-- name: entries
insert into bmad.journal_entries (user_id, id, created_at, updated_at, journal_id, entry_date, occurred_at, tz, body, body_hash)
select %(user)s, 'entry-' || n, now(), now(), 'journal', '2026-01-01', now(), 'Europe/Amsterdam', %(mark)s::text || E'\n"quoted" \\ back' || n, 'h'
from generate_series(1, %(entries)s) n

-- name: usage
insert into bmad.feature_usage_daily (user_id, id, created_at, updated_at, feature_code, usage_date)
select %(user)s, 'day-' || n, now(), now(), 'journal', (date '2026-01-01' + n)::text from generate_series(1, 25) n
