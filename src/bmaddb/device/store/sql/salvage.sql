-- What can still be read of a damaged file. Table and column names come from the catalog and from the file's schema.

-- name: columns
select name from pragma_table_info(?) order by cid

-- name: rowids_up
select rowid from "{table}" not indexed order by rowid

-- name: rowids_down
select rowid from "{table}" not indexed order by rowid desc

-- name: rowids_by_id
select rowid from "{table}" indexed by "sqlite_autoindex_{table}_1" order by id

-- name: row
select {columns} from "{table}" where rowid = ?

-- name: put
insert or ignore into "{table}" ({columns}) values ({marks})

-- name: meta_up
select key, value from _bmad_meta order by key

-- name: meta_down
select key, value from _bmad_meta order by key desc

-- name: changesets
select changeset from outbox_operations where changeset is not null order by position
