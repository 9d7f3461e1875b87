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
-- name: tables
select name from sqlite_schema where type = 'table' and name not like 'sqlite\_%' escape '\'
-- name: plain_tables
-- The tables that somebody made, without those that a virtual table keeps for itself.
select name from pragma_table_list where schema = 'main' and type in ('table', 'virtual') and name not like 'sqlite\_%' escape '\'
-- name: table_columns
-- The columns of a table, and which of them is the key.
select name, pk from pragma_table_info(?) order by cid
-- name: layouts
-- Each table: how many columns it has, the place of its id, their names in the order of the file, and whether all of
-- them hold whole numbers, texts and blobs alone.
select
  tables.name,
  count(*),
  max(case when columns.name = 'id' then columns.cid else 0 end),
  json_group_array(columns.name order by columns.cid),
  min(columns.type in ('INTEGER', 'TEXT', 'BLOB'))
from sqlite_schema as tables
join pragma_table_info(tables.name) as columns
where tables.type = 'table'
group by tables.name
-- name: triggered
-- The tables with triggers; those of the text index write into tables of its own alone.
select distinct own.name
from sqlite_schema as made join sqlite_schema as own on own.type = 'table' and own.name = made.tbl_name collate nocase
where made.type = 'trigger' and made.name not like '\_bmad\_search\_%' escape '\'
-- name: holds_archive
select exists (select 1 from sqlite_schema where name = '_bmad_archived')
-- name: is_archived
select 1 from _bmad_archived where table_name = ? and id = ?
-- name: create_archived
-- What stays of a row that left its table and is on the server: its version, its hash, and perhaps itself, packed.
create table if not exists _bmad_archived (
  table_name text not null,
  id text not null,
  server_seq integer not null,
  hash integer not null,
  packed integer,
  wanted integer,
  primary key (table_name, id)
) strict, without rowid
-- name: create_packed
create table if not exists _bmad_packed (
  number integer primary key,
  schema_version integer not null,
  body blob not null
) strict
-- name: create_dictionaries
create table if not exists _bmad_dictionaries (number integer primary key, table_name text not null, bytes blob not null) strict
-- name: create_packed_of
create index if not exists ix__bmad_archived__packed on _bmad_archived (packed) where packed is not null
-- name: create_wanted_of
create index if not exists ix__bmad_archived__wanted on _bmad_archived (wanted) where wanted is not null
-- name: create_packed_goes
create trigger if not exists _bmad_packed_goes after delete on _bmad_archived when old.packed is not null
begin
  delete from _bmad_packed where number = old.packed;
end
