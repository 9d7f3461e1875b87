-- What is asked of the file before anything is answered from memory.

-- name: version
PRAGMA data_version
