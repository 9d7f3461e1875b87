-- A user's mixed account, as days leave it: each day is a transaction of its own, so versions and ids come as devices
-- would have sent them. Ids are of version 7 by the time of day, or of version 5 where the table has a natural key.

-- name: parents
insert into bmad.consent_records 
  (user_id, id, created_at, updated_at, purpose, action, policy_version, policy_sha256, shown_locale, method, acted_at)
values (%(user)s, 'consent', now(), now(), 'analytics', 'granted', '1', md5('1'), 'nl', 'settings', now());
insert into bmad.habits (user_id, id, created_at, updated_at, name)
select %(user)s, 'habit-' || n, now(), now(), 'Gewoonte ' || n from generate_series(1, 20) n;
insert into bmad.conversations (user_id, id, created_at, updated_at, kind) values (%(user)s, 'talk', now(), now(), 'coach_chat');
insert into bmad.journals (user_id, id, created_at, updated_at, name) values (%(user)s, 'journal', now(), now(), 'Dagboek');

-- name: id_of_time
create function pg_temp.v7(day int, n int, kind text) returns text language sql immutable as $$
  select overlay(lpad(to_hex(1500000000000 + day * 86400000::bigint + n * 800000::bigint + length(kind)), 12, '0') placing '-' from 9 for 0)
    || '-7' || left(md5(kind || day), 3) || '-8' || left(md5(kind || n), 3) || '-' || left(md5(kind || day || '.' || n), 12)
$$

-- name: id_of_key
create function pg_temp.v5(key text) returns text language sql immutable as $$
  select concat_ws('-', left(m, 8), substr(m, 9, 4), '5' || substr(m, 14, 3), '8' || substr(m, 18, 3), substr(m, 21, 12))
  from md5(key) m
$$

-- name: words
create function pg_temp.words(seed text, letters int) returns text language sql immutable as $$
  select left(string_agg(md5(seed || n), ' '), letters) from generate_series(0, letters / 33) n
$$

-- name: days
create procedure pg_temp.days(u uuid, days int) language plpgsql as $$
declare
  at timestamptz;
begin
  for day in 1..days loop
    at := timestamptz '2017-07-14 06:00+00' + day * interval '1 day';
    insert into bmad.habit_logs (user_id, id, created_at, updated_at, habit_id, log_date, device_counts, total, state)
    select u, pg_temp.v5('log' || day || '.' || n), at, at, 'habit-' || n, to_char(at, 'YYYY-MM-DD'),
      jsonb_build_object(left(md5(u::text), 8), 1 + mod(n, 3)), 1 + mod(n, 3), 'done' from generate_series(1, 20) n;
    insert into bmad.mood_checkins (user_id, id, created_at, updated_at, measured_at, mood, energy, emotions, note)
    select u, pg_temp.v7(day, n, 'mood'), at, at, at + n * interval '1 hour', 1 + mod(n, 5), 1 + mod(n + day, 5),
      case when mod(n, 4) = 0 then '["calm", "tired"]' else '[]' end::jsonb, case when mod(n, 6) = 0 then pg_temp.words('mood' || day, 60) end
    from generate_series(1, 12) n;
    insert into bmad.interaction_analytics
      (user_id, id, created_at, updated_at, event_name, occurred_at, screen, duration_ms, properties, consent_record_id, app_version)
    select u, pg_temp.v7(day, n, 'event'), at, at, 'screen_viewed', at + n * interval '3 minutes', 'screen ' || mod(n, 7), 800 * n,
      jsonb_build_object('from', 'screen ' || mod(n, 5), 'count', n), 'consent', '4.' || mod(day, 30) from generate_series(1, 16) n;
    insert into bmad.messages (user_id, id, created_at, updated_at, conversation_id, role, content, status, model, output_tokens, sent_at)
    select u, pg_temp.v7(day, n, 'message'), at, at, 'talk', case mod(n, 2) when 0 then 'assistant' else 'user' end,
      pg_temp.words('message' || day || '.' || n, case mod(n, 2) when 0 then 600 else 120 end), 'complete',
      case mod(n, 2) when 0 then 'a-model' end, case mod(n, 2) when 0 then 150 end, at + n * interval '1 minute' from generate_series(1, 16) n;
    insert into bmad.tasks (user_id, id, created_at, updated_at, title, notes, state, priority, due_on, completed_at)
    select u, pg_temp.v7(day, n, 'task'), at, at, pg_temp.words('task' || day || '.' || n, 40), case when n = 1 then pg_temp.words('notes' || day, 150) end,
      case when n < 4 then 'done' else 'todo' end, n - 1, to_char(at, 'YYYY-MM-DD'), case when n < 4 then at + interval '5 hours' end
    from generate_series(1, 4) n;
    insert into bmad.journal_entries
      (user_id, id, created_at, updated_at, journal_id, entry_date, occurred_at, tz, title, body, body_hash, word_count, mood)
    select u, pg_temp.v7(day, n, 'entry'), at, at, 'journal', to_char(at, 'YYYY-MM-DD'), at, 'Europe/Amsterdam', 'Dag ' || day,
      pg_temp.words('entry' || day || '.' || n, 900), md5('hash' || day || n), 150, 1 + mod(day, 5) from generate_series(1, 2) n;
    insert into bmad.record_links (user_id, id, created_at, updated_at, from_table, from_id, to_table, to_id, relation, made_by)
    select u, pg_temp.v5('link' || day || '.' || n), at, at, 'journal_entries', pg_temp.v7(day, 1, 'entry'), 'tasks', pg_temp.v7(day, n, 'task'),
      'relates_to', 'ai' from generate_series(1, 5) n;
    insert into bmad.feature_usage_daily (user_id, id, created_at, updated_at, feature_code, usage_date, device_counts, device_ms)
    select u, pg_temp.v5('use' || day || '.' || n), at, at, 'feature_' || n, to_char(at, 'YYYY-MM-DD'),
      jsonb_build_object(left(md5(u::text), 8), n), jsonb_build_object(left(md5(u::text), 8), n * 1000) from generate_series(1, 3) n;
    insert into bmad.user_progress (user_id, id, created_at, updated_at, metric_code, period_key, device_counts, value, last_activity_on)
    select u, pg_temp.v5('metric' || day || '.' || n), at, at, 'metric_' || n, to_char(at, 'YYYY-MM-DD'),
      jsonb_build_object(left(md5(u::text), 8), n), n, to_char(at, 'YYYY-MM-DD') from generate_series(1, 2) n;
    commit;
  end loop;
end $$

-- name: no_wait
set synchronous_commit = off

-- name: fill_days
call pg_temp.days(%(user)s, %(days)s)

-- name: analyze
vacuum analyze bmad.habit_logs, bmad.mood_checkins, bmad.interaction_analytics, bmad.messages, bmad.tasks, bmad.journal_entries,
  bmad.record_links, bmad.feature_usage_daily, bmad.user_progress
