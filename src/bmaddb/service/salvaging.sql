-- Rows without an entry. Table names come from the catalog.

-- name: unsent
select id from "{table}" where server_seq is null

-- name: count
select count(*) from "{table}"
