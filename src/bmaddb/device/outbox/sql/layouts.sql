-- What the file says about its own tables.

-- name: columns
SELECT name FROM pragma_table_info(?1) ORDER BY cid
