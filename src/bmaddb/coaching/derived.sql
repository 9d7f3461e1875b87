-- What is counted over whole tables.

-- name: tag_counts
-- How often each tag is named, by any kind of row.
SELECT named.value, count(*) FROM (
  SELECT tag_ids FROM tasks WHERE tag_ids <> '[]'
  UNION ALL SELECT tag_ids FROM journal_entries WHERE tag_ids <> '[]'
  UNION ALL SELECT tag_ids FROM conversations WHERE tag_ids <> '[]'
) AS rows JOIN json_each(rows.tag_ids) AS named GROUP BY named.value

-- name: is_archived
SELECT EXISTS (SELECT 1 FROM _bmad_archived WHERE table_name = ?1)

-- name: is_any_archived
SELECT EXISTS (SELECT 1 FROM _bmad_archived WHERE table_name = ?1 AND id IN (SELECT value FROM json_each(?2)))
