-- What is kept of use between two openings, in the local table access_statistics; and taking it away without a trace.

-- name: keep
INSERT INTO access_statistics (id, subject_kind, prior, decayed_count, total_count, hits, weight, last_access_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT (id) DO UPDATE SET subject_kind = excluded.subject_kind, prior = excluded.prior,
  decayed_count = excluded.decayed_count, total_count = excluded.total_count, hits = excluded.hits,
  weight = excluded.weight, last_access_at = excluded.last_access_at

-- name: kept
SELECT id, prior, decayed_count, total_count, hits, weight, last_access_at FROM access_statistics

-- name: is_there
SELECT EXISTS (SELECT 1 FROM access_statistics)

-- name: forget
DELETE FROM access_statistics

-- name: secure_delete_is
PRAGMA secure_delete

-- name: secure_delete_on
PRAGMA secure_delete = ON

-- name: secure_delete_off
PRAGMA secure_delete = OFF

-- name: secure_delete_fast
PRAGMA secure_delete = FAST

-- name: empty_log
PRAGMA wal_checkpoint(TRUNCATE)
