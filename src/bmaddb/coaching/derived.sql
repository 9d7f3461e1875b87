-- What is counted over whole tables.

-- name: tag_counts
-- How often each tag is named, by any kind of row.
SELECT named.value, count(*) FROM (
  SELECT tag_ids FROM tasks WHERE tag_ids <> '[]'
  UNION ALL SELECT tag_ids FROM journal_entries WHERE tag_ids <> '[]'
  UNION ALL SELECT tag_ids FROM conversations WHERE tag_ids <> '[]'
) AS rows JOIN json_each(rows.tag_ids) AS named GROUP BY named.value
