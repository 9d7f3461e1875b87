-- Statements of the outbox: one row per local transaction that waits for the server.

-- Changes when another connection commits, never by our own commits.
-- name: data_version
PRAGMA data_version

-- name: newest
SELECT position, hlc FROM outbox_operations ORDER BY position DESC LIMIT 1

-- name: append
INSERT INTO outbox_operations (id, position, changeset, schema_version, layout, hlc, byte_size, created_at, depends_on)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)

-- name: append_changes
INSERT INTO outbox_operations (id, position, changes, schema_version, hlc, byte_size, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, length(?3), ?6)

-- name: oldest_position
SELECT min(position) FROM outbox_operations

-- name: all
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations ORDER BY position

-- name: first_to_go
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations WHERE status <> 'parked' ORDER BY position LIMIT ?1 + 0

-- name: one
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations WHERE position = ?1

-- name: after
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations WHERE position > ?1 ORDER BY position LIMIT ?2 + 0

-- name: queued_after
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations WHERE status = 'queued' AND position > ?1 ORDER BY position LIMIT ?2 + 0

-- Entries that are leased or parked have an index; it is used where its own condition is written out.
-- name: set_aside_after
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at, next_attempt_at
FROM outbox_operations WHERE status <> 'queued' AND status = ?1 AND position > ?2 ORDER BY position LIMIT ?3 + 0

-- name: position_of
SELECT position FROM outbox_operations WHERE status <> 'queued' AND id = ?1

-- name: depending_on
SELECT position FROM outbox_operations
WHERE depends_on <> '[]' AND position > ?2
  AND EXISTS (SELECT 1 FROM json_each(depends_on) WHERE value = ?1)

-- name: restate
UPDATE outbox_operations
SET status = ?2, number = ?3, hlc = ?4, attempts = ?5, reason = ?6, next_attempt_at = ?7 WHERE position = ?1

-- name: edit
UPDATE outbox_operations SET changes = ?2, changeset = NULL, byte_size = ?3, schema_version = ?4 WHERE position = ?1

-- name: remove
DELETE FROM outbox_operations WHERE position = ?1

-- name: counts
SELECT status, count(*) FROM outbox_operations WHERE status <> 'queued' GROUP BY status
UNION ALL
SELECT 'queued', (SELECT count(*) FROM outbox_operations)
  - (SELECT count(*) FROM outbox_operations WHERE status <> 'queued')

-- name: count_parked
SELECT count(*) FROM outbox_operations WHERE status <> 'queued' AND status = 'parked'

-- name: parked_for_a_time
SELECT position FROM outbox_operations
WHERE status <> 'queued' AND status = 'parked' AND next_attempt_at IS NOT NULL ORDER BY position

-- name: count
SELECT count(*) FROM outbox_operations

-- name: in_flight
SELECT DISTINCT number FROM outbox_operations WHERE status <> 'queued' AND status = 'leased' ORDER BY number

-- name: last_number
SELECT last_number FROM sync_cursors WHERE id = 'native'

-- name: save_last_number
INSERT INTO sync_cursors (id, stream, schema_version, last_number, settled_number, last_pushed_at)
VALUES ('native', 'native', ?2, ?1, ?1, ?3)
ON CONFLICT (id) DO UPDATE SET last_number = ?1, settled_number = ?1, last_pushed_at = ?3

-- Rows that were made here and deleted again while what made them is parked.
-- name: made_and_deleted
SELECT made.table_name, made.row_id, max(made.position)
FROM outbox_operations
JOIN _bmad_outbox_rows AS made ON made.position = outbox_operations.position AND made.part = 'insert'
JOIN _bmad_outbox_rows AS gone ON gone.table_name = made.table_name AND gone.row_id = made.row_id
  AND gone.part = 'delete' AND gone.position > made.position
WHERE status <> 'queued' AND status = 'parked'
GROUP BY made.table_name, made.row_id

-- name: add_verdict
INSERT INTO sync_conflicts (id, table_name, row_id, column_name, base_value, local_value, remote_value,
  resolved_value, policy, resolved_by, needs_attention, detected_at, resolved_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
