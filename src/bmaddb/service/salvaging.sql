-- Rows without an entry. Table and column names come from the catalog.

-- name: unsent
select {columns} from "{table}" where server_seq is null

-- name: remove
delete from "{table}" where id = ?
