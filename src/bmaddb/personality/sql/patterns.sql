-- Queries by function. Every one has an order of its own and at most 200 rows; parameters are named.

-- name: due_board
-- Open tasks by the day they are due, then by priority.
SELECT id, title, due_on, priority FROM tasks
WHERE state IN ('todo', 'doing', 'waiting') AND due_on IS NOT NULL AND due_on <= :until
ORDER BY due_on, priority DESC, id LIMIT 200

-- name: goal_burndown
SELECT id, title, progress_pct, due_on FROM goals WHERE state = 'active' ORDER BY progress_pct, id LIMIT 200

-- name: week_figures
SELECT count(*) AS done, coalesce(sum(estimate_min), 0) AS minutes FROM tasks
WHERE state = 'done' AND completed_at >= :from_ms AND completed_at < :to_ms

-- name: faceted_search
SELECT id, entry_date, title FROM journal_entries AS entry
WHERE entry_date BETWEEN :from_date AND :to_date
  AND EXISTS (SELECT 1 FROM json_each(entry.tag_ids) WHERE value = :tag_id)
ORDER BY entry_date DESC, id LIMIT 200

-- name: evidence_trace
SELECT id, title, evidence, confidence FROM mbti_insights WHERE id = :insight_id

-- name: compare_periods
SELECT user_life_area_id, avg(score_pct) FILTER (WHERE created_at < :split_ms) AS before,
  avg(score_pct) FILTER (WHERE created_at >= :split_ms) AS after
FROM life_area_scores GROUP BY user_life_area_id ORDER BY user_life_area_id LIMIT 200

-- name: people_to_reach
-- Those close by, the longest untouched first.
SELECT id, display_name, circle, last_touch_at FROM contacts WHERE circle = :circle
ORDER BY last_touch_at, id LIMIT 200

-- name: session_with_people
SELECT id, updated_at FROM coaching_sessions ORDER BY updated_at DESC, id LIMIT 200

-- name: mood_by_company
SELECT entry_type, avg(mood) AS mood, count(*) AS entries FROM journal_entries WHERE mood IS NOT NULL
GROUP BY entry_type ORDER BY entry_type LIMIT 200

-- name: value_reread
SELECT id, entry_date, title FROM journal_entries WHERE starred = 1 ORDER BY entry_date, id LIMIT 200

-- name: mood_with_words
SELECT id, entry_date, mood, substr(body, 1, 120) AS words FROM journal_entries WHERE mood = :mood
ORDER BY entry_date DESC, id LIMIT 200

-- name: long_entry
SELECT id, entry_date, word_count FROM journal_entries ORDER BY word_count DESC, id LIMIT 200

-- name: two_hop_links
SELECT id, from_table, from_id, to_table, to_id, strength FROM record_links WHERE relation = :relation
ORDER BY strength DESC, id LIMIT 200

-- name: half_read
SELECT id, content_item_id, progress_pct FROM content_states
WHERE completed_at IS NULL AND progress_pct BETWEEN 20 AND 80 ORDER BY progress_pct DESC, id LIMIT 200

-- name: random_old_row
-- Chosen by the caller's number, so that the same question has the same answer.
SELECT id, entry_date, title FROM journal_entries WHERE entry_date < :before
ORDER BY (length(id) * 31 + unicode(substr(id, -1)) * :number) % 97, id LIMIT 1

-- name: theme_over_months
SELECT substr(entry_date, 1, 7) AS month, tag.value AS tag_id, count(*) AS entries
FROM journal_entries, json_each(journal_entries.tag_ids) AS tag
GROUP BY month, tag_id ORDER BY month, tag_id LIMIT 200

-- name: goal_ladder
SELECT id, title, horizon, importance, due_on FROM goals WHERE state = 'active' AND horizon = :horizon
ORDER BY importance DESC, due_on, id LIMIT 200

-- name: insight_chain
SELECT id, title, function_code, valid_from FROM mbti_insights WHERE function_code = :function_code
ORDER BY valid_from DESC, id LIMIT 200

-- name: today_feed
SELECT id, title, updated_at FROM tasks WHERE state IN ('todo', 'doing', 'waiting') AND updated_at >= :since_ms
ORDER BY updated_at DESC, id LIMIT 200

-- name: quick_checkin
SELECT id, updated_at FROM mood_checkins ORDER BY updated_at DESC, id LIMIT 20

-- name: photo_grid
SELECT id, taken_at, caption FROM attachments WHERE media_type LIKE 'image/%' AND taken_at IS NOT NULL
ORDER BY taken_at DESC, id LIMIT 60

-- name: on_this_day
SELECT id, entry_date, title FROM journal_entries WHERE substr(entry_date, 6) = :month_day
ORDER BY entry_date DESC, id LIMIT 200

-- name: habit_grid
SELECT habit_id, log_date, total FROM habit_logs WHERE habit_id = :habit_id AND log_date >= :since
ORDER BY log_date LIMIT 200

-- name: same_week_last_year
SELECT id, entry_date, title FROM journal_entries WHERE entry_date BETWEEN :from_date AND :to_date
ORDER BY entry_date, id LIMIT 200
