-- Copies of the whole file: one snapshot, without what was deleted, under a key of its own.

-- name: copy
VACUUM INTO ?

-- name: take_alone
BEGIN EXCLUSIVE

-- name: commit
COMMIT

-- name: faults
PRAGMA quick_check(1)
