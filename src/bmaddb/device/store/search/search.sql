-- The text index: statements that are the same for every table.

-- name: terms_between
select term from _bmad_search_terms where term >= ? and term <= ?
-- name: triggers
select name from sqlite_schema where type = 'trigger' and name like '\_bmad\_search\_%' escape '\'
