-- What is asked of the file when a plan is made.

-- name: version
PRAGMA data_version
