-- One change of one row of a large account.

-- name: ids
select id from journal_entries order by updated_at % 1009, id limit ?

-- name: whole_row
select {columns} from journal_entries where id = ?

-- name: bare_update
update journal_entries set title = 'bare' where id = ?

-- name: bare_delete
delete from journal_entries where id = ?

-- name: touch
update bmad.journal_entries set title = title || '!'
where user_id = %(user)s and id in (select id from bmad.journal_entries where user_id = %(user)s limit %(rows)s)

-- name: heads
select c.version, u.version from bmad_sync.heads c, bmad_sync.heads u
where c.scope = bmad_sync.catalogue() and u.scope = %(user)s
