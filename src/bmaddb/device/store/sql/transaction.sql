-- name: begin_read
begin deferred
-- name: begin_write
begin immediate
-- name: commit
commit
-- name: rollback
rollback
-- name: savepoint
savepoint bmad
-- name: release
release bmad
-- name: rollback_to
rollback to bmad
-- name: broken_reference
-- One row of table ? that refers to a row that is not there: the parent table and the column.
select found.parent, reference."from"
from pragma_foreign_key_check(?1) as found
join pragma_foreign_key_list(?1) as reference on reference.id = found.fkid
limit 1
-- name: broken_references
select count(*), max("table") from pragma_foreign_key_check
