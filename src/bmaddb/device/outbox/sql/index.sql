-- The index from rows to the entries that touch them or refer to them. It holds nothing the entries do not say.

-- name: missing
SELECT 2 - count(*) FROM sqlite_schema WHERE name IN ('_bmad_outbox_rows', 'ix__bmad_outbox__set_aside')

-- name: make_rows
CREATE TABLE IF NOT EXISTS _bmad_outbox_rows (
  table_name TEXT NOT NULL,
  row_id TEXT NOT NULL,
  part TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (table_name, row_id, part, position)
) STRICT, WITHOUT ROWID

-- name: make_by_position
CREATE INDEX IF NOT EXISTS ix__bmad_outbox_rows__position ON _bmad_outbox_rows (position)

-- An entry that is committed is queued, and touches no index.
-- name: make_set_aside
CREATE INDEX IF NOT EXISTS ix__bmad_outbox__set_aside ON outbox_operations (status, position) WHERE status <> 'queued'

-- What a file of before has instead.
-- name: drop_by_status
DROP INDEX IF EXISTS ix__bmad_outbox__status

-- name: reach
SELECT max(position) FROM _bmad_outbox_rows

-- A limit that is nothing but a parameter would be compiled again each time it is bound.
-- name: unread
SELECT position, changeset, changes, schema_version, layout FROM outbox_operations
WHERE position > ?1 ORDER BY position LIMIT ?2 + 0

-- name: add
INSERT OR IGNORE INTO _bmad_outbox_rows (table_name, row_id, part, position) VALUES (?1, ?2, ?3, ?4)

-- name: forget_entry
DELETE FROM _bmad_outbox_rows WHERE position = ?1

-- name: forget_all
DELETE FROM _bmad_outbox_rows

-- name: chain
SELECT position FROM _bmad_outbox_rows
WHERE table_name = ?1 AND row_id = ?2 AND part IN ('insert', 'update', 'delete') ORDER BY position

-- name: first_delete
SELECT min(position) FROM _bmad_outbox_rows
WHERE table_name = ?1 AND row_id = ?2 AND part = 'delete' AND position >= ?3

-- name: deleted
SELECT DISTINCT row_id FROM _bmad_outbox_rows WHERE table_name = ?1 AND part = 'delete'

-- name: referring
SELECT DISTINCT position FROM _bmad_outbox_rows
WHERE table_name = ?1 AND row_id IN (SELECT value FROM json_each(?2)) AND part = 'refers' ORDER BY position

-- name: rows_of
SELECT DISTINCT row_id FROM _bmad_outbox_rows WHERE table_name = ?1 AND part <> 'refers'

-- name: any_of
SELECT EXISTS (SELECT 1 FROM _bmad_outbox_rows WHERE table_name = ?1)

-- name: among
SELECT DISTINCT value FROM json_each(?2)
WHERE EXISTS (
  SELECT 1 FROM _bmad_outbox_rows
  WHERE table_name = ?1 AND row_id = value AND part IN ('insert', 'update', 'delete')
)

-- name: among_page
SELECT value->>?3 FROM jsonb_each(?2) AS page
WHERE EXISTS (
  SELECT 1 FROM _bmad_outbox_rows
  WHERE table_name = ?1 AND row_id = page.value->>?3 AND part IN ('insert', 'update', 'delete')
)
