-- A copy becomes a device of its own: what belonged to the device it was copied from ends.

-- name: release
UPDATE outbox_operations SET status = 'queued', number = NULL WHERE status = 'leased'

-- name: forget_numbers
UPDATE sync_cursors SET last_number = 0, settled_number = 0

-- name: forget_lease
DROP TABLE IF EXISTS _bmad_sync_lease

-- What its sagas did outside is the other device's, which may have ended them since: undone from here, what was done
-- for good there would be taken back.
-- name: retire_sagas
UPDATE operation_journal SET status = 'failed', error = 'restored: how it ended is known where it began'
WHERE status IN ('running', 'compensating')
