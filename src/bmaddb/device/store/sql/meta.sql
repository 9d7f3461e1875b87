-- name: create
-- What the file knows of itself.
create table _bmad_meta (key text primary key not null, value text not null) strict, without rowid
-- name: get
select value from _bmad_meta where key = ?
-- name: set
insert into _bmad_meta (key, value) values (?, ?) on conflict (key) do update set value = excluded.value
-- name: drop
delete from _bmad_meta where key = ?
-- name: holds_tables
select exists (select 1 from sqlite_schema where type = 'table' and name not like 'sqlite\_%' escape '\')
-- name: table_columns
-- The columns of a table, and which of them is the key.
select name, pk from pragma_table_info(?) order by cid
-- name: layouts
-- Each table: how many columns it has, and the place of its id.
select tables.name, count(*), max(case when columns.name = 'id' then columns.cid else 0 end)
from sqlite_schema as tables
join pragma_table_info(tables.name) as columns
where tables.type = 'table'
group by tables.name
