-- Statements of a verify: what SQLite itself says of the file.

-- name: integrity
PRAGMA integrity_check

-- name: broken_references
PRAGMA foreign_key_check
