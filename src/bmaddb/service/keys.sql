-- The lock under which a key is put into the key store.

-- name: alone
BEGIN EXCLUSIVE
