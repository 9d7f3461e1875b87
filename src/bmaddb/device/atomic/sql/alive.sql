-- The file beside the database that says whether sagas run: SQLite's own locks on it, and no content.
-- name: share
begin deferred
-- name: look
-- Takes the shared lock, which a begin alone does not.
select count(*) from sqlite_schema
-- name: alone
begin exclusive
-- name: end
rollback
