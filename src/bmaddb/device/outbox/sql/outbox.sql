-- Statements of the outbox: one row per local transaction that waits for the server.

-- Changes when another connection commits, never by our own commits.
-- name: data_version
PRAGMA data_version

-- name: newest
SELECT position, hlc FROM outbox_operations ORDER BY position DESC LIMIT 1

-- name: append
INSERT INTO outbox_operations (id, position, changeset, schema_version, layout, hlc, byte_size, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- name: append_changes
INSERT INTO outbox_operations (id, position, changes, schema_version, hlc, byte_size, created_at)
VALUES (?1, ?2, ?3, ?4, ?5, length(?3), ?6)

-- Positions are unique, so those that stand go aside first.
-- name: move_aside
UPDATE outbox_operations SET position = -1 - position

-- name: move_back
UPDATE outbox_operations SET position = -1 - position + ?1

-- name: entries_after
SELECT id, position, changeset, changes, schema_version, layout, hlc, status, number, attempts, reason,
       depends_on, byte_size, created_at
FROM outbox_operations WHERE position > ?1 ORDER BY position

-- name: lease
UPDATE outbox_operations SET status = 'leased', number = ?2, hlc = ?3, attempts = attempts + 1 WHERE position = ?1

-- name: release
UPDATE outbox_operations SET status = 'queued', number = NULL WHERE status = 'leased'

-- name: park
UPDATE outbox_operations SET status = 'parked', number = NULL, reason = ?2 WHERE position = ?1

-- name: requeue
UPDATE outbox_operations SET status = 'queued', reason = NULL WHERE position = ?1

-- name: edit
UPDATE outbox_operations SET changes = ?2, changeset = NULL, byte_size = ?3, schema_version = ?4 WHERE position = ?1

-- name: remove
DELETE FROM outbox_operations WHERE position = ?1

-- name: counts
SELECT status, count(*) FROM outbox_operations GROUP BY status

-- name: in_flight
SELECT number FROM outbox_operations WHERE status = 'leased' ORDER BY number

-- name: last_number
SELECT last_number FROM sync_cursors WHERE id = 'native'

-- name: save_last_number
INSERT INTO sync_cursors (id, stream, schema_version, last_number, settled_number, last_pushed_at)
VALUES ('native', 'native', ?2, ?1, ?1, ?3)
ON CONFLICT (id) DO UPDATE SET last_number = ?1, settled_number = ?1, last_pushed_at = ?3
