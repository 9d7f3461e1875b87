-- What the server holds, read as its owner and independent of the sync functions.

-- name: server_rows
select to_jsonb(t) from bmad.{table} as t where t.user_id = %s order by t.id

-- name: device_rows
select {columns} from "{table}" order by id
