-- What a health check asks of the file.

-- name: columns_of
select name from pragma_table_info(?)

-- name: count_rows
select count(*) from "{table}"

-- name: quick_check
select * from pragma_quick_check

-- name: broken_references
select * from pragma_foreign_key_check
