-- Whether a VACUUM has given out rowids anew, told by a row whose own it changes. The file's schema version would say
-- so too, but also after every table and index that anybody makes, and then each row would be read again for nothing.

-- name: holds_mark
select exists (select 1 from sqlite_schema where type = 'table' and name = '_bmad_search_mark')
-- name: make_mark
create table if not exists _bmad_search_mark (note text) strict
-- name: unmark
delete from _bmad_search_mark
-- name: mark
insert into _bmad_search_mark (rowid, note) values (?, 'a VACUUM makes this rowid 1')
-- name: marked
select max(rowid) from _bmad_search_mark
