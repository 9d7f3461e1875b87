-- What an integrity check asks of the file. Table and column names come from the catalog.

-- name: quick
PRAGMA quick_check

-- name: full
PRAGMA integrity_check

-- name: reindex
REINDEX

-- name: broken_references
SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent

-- name: columns
SELECT name FROM pragma_table_info(?1)

-- name: indexes
SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL

-- name: strangers
SELECT count(*) FROM "{table}" WHERE user_id <> ?1

-- name: catalogue_missing
SELECT count(*) FROM "{table}" AS mine
WHERE "{column}" IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "{parent}" WHERE id = mine."{column}")

-- name: standing_cursor
SELECT cursor FROM sync_cursors WHERE id = 'native' AND cursor IS NOT NULL AND full_resync = 0

-- name: empty
SELECT NOT EXISTS (SELECT 1 FROM "{table}")

-- name: soft_list_missing
SELECT count(*) FROM "{table}" AS mine, json_each(mine."{column}") AS one
WHERE json_valid(mine."{column}") AND one.type = 'text' AND NOT EXISTS (SELECT 1 FROM "{parent}" WHERE id = one.value)
  AND NOT EXISTS (SELECT 1 FROM _bmad_archived WHERE table_name = '{parent}' AND id = one.value)

-- name: soft_kinds
SELECT DISTINCT "{stem}_table" FROM "{table}" WHERE "{stem}_table" IS NOT NULL

-- name: soft_pair_missing
SELECT count(*) FROM "{table}" AS mine
WHERE "{stem}_table" = '{parent}' AND NOT EXISTS (SELECT 1 FROM "{parent}" WHERE id = mine."{stem}_id")
  AND NOT EXISTS (SELECT 1 FROM _bmad_archived WHERE table_name = '{parent}' AND id = mine."{stem}_id")

-- name: index_of_nothing
SELECT count(*) FROM (SELECT DISTINCT position FROM _bmad_outbox_rows)
WHERE position NOT IN (SELECT position FROM outbox_operations)

-- name: entries_unindexed
SELECT count(*) FROM outbox_operations
WHERE position <= (SELECT max(position) FROM _bmad_outbox_rows)
  AND position NOT IN (SELECT position FROM _bmad_outbox_rows)

-- name: forget_index
DELETE FROM _bmad_outbox_rows

-- name: unsent
SELECT id FROM "{table}" AS mine
WHERE server_seq IS NULL AND NOT EXISTS (
  SELECT 1 FROM _bmad_outbox_rows
  WHERE table_name = '{table}' AND row_id = mine.id AND part IN ('insert', 'update')
)

-- name: standing_stubs
SELECT id FROM _bmad_archived WHERE table_name = ?1 AND id IN (SELECT id FROM "{table}")

-- name: lost_bodies
SELECT count(*) FROM _bmad_packed WHERE number NOT IN (SELECT packed FROM _bmad_archived WHERE packed IS NOT NULL)

-- name: drop_lost_bodies
DELETE FROM _bmad_packed WHERE number NOT IN (SELECT packed FROM _bmad_archived WHERE packed IS NOT NULL)

-- name: bodiless
SELECT count(*) FROM _bmad_archived WHERE packed IS NOT NULL AND packed NOT IN (SELECT number FROM _bmad_packed)

-- name: forget_bodiless
UPDATE _bmad_archived SET packed = NULL WHERE packed NOT IN (SELECT number FROM _bmad_packed)

-- name: all_bodies
SELECT number, body FROM _bmad_packed WHERE number > ?1 ORDER BY number LIMIT ?2

-- name: drop_bodies
DELETE FROM _bmad_packed WHERE number IN (SELECT value FROM json_each(?1))

-- name: paths
SELECT id, local_path, upload_state FROM "{table}" WHERE local_path IS NOT NULL

-- name: forget_paths
UPDATE "{table}" SET local_path = NULL
WHERE upload_state = 'uploaded' AND id IN (SELECT value FROM json_each(?1))
