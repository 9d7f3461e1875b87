-- What an upkeep asks of the file.

-- name: page_count
PRAGMA page_count

-- name: page_size
PRAGMA page_size

-- name: freelist_count
PRAGMA freelist_count

-- name: auto_vacuum
PRAGMA auto_vacuum

-- name: log
PRAGMA wal_checkpoint(TRUNCATE)

-- name: may_vacuum
PRAGMA auto_vacuum = INCREMENTAL

-- name: rebuild
VACUUM

-- name: standing_cursor
SELECT cursor FROM sync_cursors WHERE id = 'native' AND full_resync = 0

-- name: waiting_among
SELECT DISTINCT value FROM json_each(?2)
WHERE EXISTS (SELECT 1 FROM _bmad_outbox_rows WHERE table_name = ?1 AND row_id = value)

-- name: open_verdicts_among
SELECT DISTINCT row_id FROM sync_conflicts
WHERE needs_attention = 1 AND table_name = ?1 AND row_id IN (SELECT value FROM json_each(?2))

-- name: sources
SELECT DISTINCT source_table FROM "{table}"

-- name: uploaded
SELECT id, local_path, byte_size, sha256 FROM "{table}"
WHERE local_path IS NOT NULL AND upload_state = 'uploaded' AND server_seq >= 0 AND id > ?1 ORDER BY id LIMIT ?2

-- name: to_upload
-- Where other rows than ?1 keep what may be the file at ?2, of ?3 bytes, and that the server may not have yet.
SELECT local_path FROM "{table}"
WHERE id <> ?1 AND local_path IS NOT NULL AND (local_path = ?2 OR byte_size = ?3)
  AND (upload_state IS NOT 'uploaded' OR server_seq IS NULL OR server_seq < 0 OR EXISTS (
    SELECT 1 FROM _bmad_outbox_rows WHERE table_name = '{table}' AND row_id = id))

-- name: forget_path
UPDATE "{table}" SET local_path = NULL WHERE id = ?1 AND local_path = ?2

-- name: paths
SELECT local_path FROM "{table}" WHERE local_path IS NOT NULL
