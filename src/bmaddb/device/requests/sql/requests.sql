-- Statements of the request queue: one row per operation that only the server can carry out.

-- name: add
INSERT INTO server_requests
  (id, position, kind, key, payload, priority, depends_on, deadline_at, created_at)
VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM server_requests), ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- name: count_open
SELECT count(*) FROM server_requests WHERE status IN ('waiting', 'sent')

-- name: counts
SELECT status, count(*) FROM server_requests GROUP BY status

-- name: by_key
SELECT id, payload FROM server_requests WHERE kind = ?1 AND key = ?2

-- name: statuses
SELECT id, status FROM server_requests WHERE id IN (SELECT value FROM json_each(?1))

-- name: newest_entry
SELECT id FROM outbox_operations ORDER BY position DESC LIMIT 1

-- name: depend
UPDATE server_requests SET depends_on = json_insert(depends_on, '$[#]', ?2)
WHERE id IN (SELECT value FROM json_each(?1)) AND status = 'waiting'

-- name: queued
SELECT id, kind FROM server_requests WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY position

-- name: open
SELECT id, position, priority, depends_on, next_attempt_at, withdrawn FROM server_requests
WHERE status IN ('waiting', 'sent')

-- name: open_entries
SELECT DISTINCT d.value FROM server_requests AS r JOIN json_each(r.depends_on) AS d
WHERE r.status = 'waiting' AND d.value IN (SELECT id FROM outbox_operations)

-- name: late
SELECT id, kind, status FROM server_requests
WHERE status IN ('waiting', 'sent') AND withdrawn = 0 AND deadline_at <= ?1 ORDER BY position

-- name: doomed_needs
SELECT DISTINCT d.value FROM server_requests AS r JOIN json_each(r.depends_on) AS d
JOIN server_requests AS other ON other.id = d.value
WHERE r.status = 'waiting' AND other.status IN ('dead', 'cancelled')

-- name: waiting_with_needs
SELECT id, kind, depends_on FROM server_requests
WHERE status = 'waiting' AND depends_on <> '[]' ORDER BY position

-- name: dead_with_needs
SELECT id, kind, reason FROM server_requests
WHERE status = 'dead' AND depends_on <> '[]' ORDER BY position

-- name: leave
UPDATE server_requests SET status = 'sent' WHERE id = ?1 AND status IN ('waiting', 'sent')
RETURNING kind, key, payload, round, withdrawn

-- name: standing
SELECT kind, status, attempts, misses, withdrawn, reason FROM server_requests WHERE id = ?1

-- name: finish
UPDATE server_requests
SET status = ?2, reason = ?3, answer = ?4, ended_at = ?5, withdrawn = 0, next_attempt_at = NULL WHERE id = ?1

-- name: put_off
UPDATE server_requests SET attempts = ?2, misses = ?3, next_attempt_at = ?4, reason = ?5 WHERE id = ?1

-- name: withdraw
UPDATE server_requests SET withdrawn = 1, next_attempt_at = NULL, reason = ?2 WHERE id = ?1

-- name: again
UPDATE server_requests
SET status = 'waiting', round = round + 1, attempts = 0, misses = 0, withdrawn = 0, next_attempt_at = NULL,
    reason = NULL, answer = NULL, ended_at = NULL, deadline_at = NULL WHERE id = ?1

-- name: hurry
UPDATE server_requests SET next_attempt_at = NULL, withdrawn = 0, attempts = 0, misses = 0 WHERE id = ?1

-- name: next_due
SELECT min(next_attempt_at) FROM server_requests WHERE status IN ('waiting', 'sent') AND next_attempt_at IS NOT NULL
