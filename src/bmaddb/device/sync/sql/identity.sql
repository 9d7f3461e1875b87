-- A copy becomes a device of its own: what belonged to the device it was copied from ends.

-- name: release
UPDATE outbox_operations SET status = 'queued', number = NULL WHERE status = 'leased'

-- name: forget_numbers
UPDATE sync_cursors SET last_number = 0, settled_number = 0

-- name: forget_lease
DROP TABLE IF EXISTS _bmad_sync_lease
