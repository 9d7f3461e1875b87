-- The sync lease of the file: one row, whose token only ever grows.

-- name: make
CREATE TABLE IF NOT EXISTS _bmad_sync_lease (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  token INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  locked INTEGER NOT NULL
) STRICT

-- name: read
SELECT token, until_ms, locked FROM _bmad_sync_lease

-- name: take
INSERT INTO _bmad_sync_lease (id, token, until_ms, locked) VALUES (1, ?1, ?2, ?3)
ON CONFLICT (id) DO UPDATE SET token = ?1, until_ms = ?2, locked = ?3

-- name: extend
UPDATE _bmad_sync_lease SET until_ms = ?2 WHERE token = ?1
