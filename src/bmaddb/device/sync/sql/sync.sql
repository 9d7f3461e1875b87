-- Statements of the sync engine: its cursor, its verdicts, its runs, and pages of rows as they arrive.

-- name: cursor
SELECT cursor, schema_version, full_resync FROM sync_cursors WHERE id = 'native'

-- name: save_cursor
INSERT INTO sync_cursors (id, stream, cursor, schema_version, last_pulled_at)
VALUES ('native', 'native', ?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET cursor = ?1, schema_version = min(schema_version, ?2), last_pulled_at = ?3

-- name: begin_resync
INSERT INTO sync_cursors (id, stream, cursor, schema_version, full_resync)
VALUES ('native', 'native', NULL, ?1, 1)
ON CONFLICT (id) DO UPDATE SET cursor = NULL, schema_version = ?1, full_resync = 1

-- name: end_resync
UPDATE sync_cursors SET full_resync = 0 WHERE id = 'native'

-- name: try_plain
SAVEPOINT plain

-- name: undo_plain
ROLLBACK TO plain

-- name: keep_plain
RELEASE plain

-- name: parse_rows
WITH page (rows) AS MATERIALIZED (SELECT jsonb(?1))
SELECT rows, json_array_length(rows) FROM page

-- name: drop_indexes
SELECT 'DROP INDEX "' || name || '"' FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL

-- name: rows_among
SELECT json(value) FROM jsonb_each(?1) WHERE value->>?2 IN (SELECT value FROM json_each(?3))

-- name: newest_stamp
SELECT max(value->>?2) FROM jsonb_each(?1)

-- name: newest_column_stamp
SELECT max(stamp.value) FROM jsonb_each(?1) AS row, json_each(row.value->?2) AS stamp WHERE row.value->>?2 IS NOT NULL

-- name: overturn
UPDATE sync_conflicts SET resolved_by = 'user', resolved_value = ?2, needs_attention = 0, resolved_at = ?3
WHERE id = ?1

-- name: withdraw_conflict
DELETE FROM sync_conflicts
WHERE table_name = ?1 AND row_id = ?2 AND column_name IS NULL AND resolved_by = 'rule' AND resolved_value IS NOT NULL

-- name: add_run
INSERT INTO sync_runs (id, trigger, started_at, ended_at, result, pushed_rows, pulled_rows, bytes_up, bytes_down,
  conflicts, error_code)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)

-- name: ids_after
SELECT id FROM "{table}" WHERE id > ?1 ORDER BY id LIMIT ?2 + 0

-- name: standing_among
SELECT id FROM "{table}" WHERE id IN (SELECT value FROM json_each(?1))
