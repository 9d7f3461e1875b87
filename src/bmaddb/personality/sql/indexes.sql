-- The optional indexes of a device.

-- name: built
SELECT name FROM sqlite_schema WHERE type = 'index' AND name GLOB 'personality_*' ORDER BY name

-- name: pages
SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count

-- name: create_on_this_day
CREATE INDEX IF NOT EXISTS personality_on_this_day ON journal_entries (substr(entry_date, 6), entry_date)

-- name: drop_on_this_day
DROP INDEX IF EXISTS personality_on_this_day

-- name: create_entry_mood
CREATE INDEX IF NOT EXISTS personality_entry_mood ON journal_entries (mood, entry_date)

-- name: drop_entry_mood
DROP INDEX IF EXISTS personality_entry_mood

-- name: create_link_strength
CREATE INDEX IF NOT EXISTS personality_link_strength ON record_links (relation, strength)

-- name: drop_link_strength
DROP INDEX IF EXISTS personality_link_strength

-- name: create_task_due
CREATE INDEX IF NOT EXISTS personality_task_due ON tasks (due_on, priority) WHERE state IN ('todo', 'doing', 'waiting')

-- name: drop_task_due
DROP INDEX IF EXISTS personality_task_due

-- name: create_task_recent
CREATE INDEX IF NOT EXISTS personality_task_recent ON tasks (updated_at) WHERE state IN ('todo', 'doing', 'waiting')

-- name: drop_task_recent
DROP INDEX IF EXISTS personality_task_recent

-- name: create_contact_touch
CREATE INDEX IF NOT EXISTS personality_contact_touch ON contacts (circle, last_touch_at)

-- name: drop_contact_touch
DROP INDEX IF EXISTS personality_contact_touch

-- name: create_insight_function
CREATE INDEX IF NOT EXISTS personality_insight_function ON mbti_insights (function_code, valid_from)

-- name: drop_insight_function
DROP INDEX IF EXISTS personality_insight_function

-- name: create_area_trend
CREATE INDEX IF NOT EXISTS personality_area_trend ON life_area_scores (user_life_area_id, created_at, score_pct)

-- name: drop_area_trend
DROP INDEX IF EXISTS personality_area_trend

-- name: create_habit_grid
CREATE INDEX IF NOT EXISTS personality_habit_grid ON habit_logs (habit_id, log_date, total)

-- name: drop_habit_grid
DROP INDEX IF EXISTS personality_habit_grid

-- name: create_content_open
CREATE INDEX IF NOT EXISTS personality_content_open ON content_states (progress_pct) WHERE completed_at IS NULL

-- name: drop_content_open
DROP INDEX IF EXISTS personality_content_open

-- name: create_photo_time
CREATE INDEX IF NOT EXISTS personality_photo_time ON attachments (taken_at) WHERE media_type LIKE 'image/%'

-- name: drop_photo_time
DROP INDEX IF EXISTS personality_photo_time

-- name: create_goal_ladder
CREATE INDEX IF NOT EXISTS personality_goal_ladder ON goals (horizon, importance, due_on) WHERE state = 'active'

-- name: drop_goal_ladder
DROP INDEX IF EXISTS personality_goal_ladder
