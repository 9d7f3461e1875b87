-- Stubs: what stays in the file of a row that is archived.

-- name: any_of
SELECT EXISTS (SELECT 1 FROM _bmad_archived WHERE table_name = ?1)

-- name: put
INSERT INTO _bmad_archived (table_name, id, server_seq, hash, packed) VALUES (?1, ?2, ?3, ?4, ?5)

-- name: newest_body
SELECT coalesce(max(number), 0) FROM _bmad_packed

-- name: put_body
INSERT INTO _bmad_packed (number, schema_version, body) VALUES (?1, ?2, ?3)

-- name: forget
DELETE FROM _bmad_archived WHERE table_name = ?1 AND id IN (SELECT value FROM json_each(?2))

-- name: forget_page
DELETE FROM _bmad_archived WHERE table_name = ?1 AND id IN (SELECT value->>?3 FROM jsonb_each(?2))

-- name: hashes
SELECT id, hash FROM _bmad_archived
WHERE table_name = ?1 AND id >= ?2 AND id < ?3 AND id NOT IN (SELECT value FROM json_each(?4)) ORDER BY id

-- name: among
SELECT id FROM _bmad_archived WHERE table_name = ?1 AND id IN (SELECT value FROM json_each(?2))

-- name: versions
SELECT id, CASE WHEN server_seq < 0 THEN -1 - server_seq ELSE server_seq END FROM _bmad_archived
WHERE table_name = ?1 AND id IN (SELECT value FROM json_each(?2))

-- name: odd_versions
SELECT id FROM _bmad_archived
WHERE table_name = ?1 AND (server_seq < 0 OR server_seq > ?2) AND id NOT IN (SELECT value FROM json_each(?3))

-- name: bodies
SELECT id, server_seq, schema_version, body FROM _bmad_archived
JOIN _bmad_packed ON number = packed
WHERE table_name = ?1 AND id IN (SELECT value FROM json_each(?2))

-- name: listed
SELECT id FROM _bmad_archived WHERE table_name = ?1 AND id > ?2 ORDER BY id LIMIT ?3

-- name: absent
SELECT id FROM _bmad_archived AS stub
WHERE table_name = '{table}' AND id > ?1 AND NOT EXISTS (SELECT 1 FROM "{table}" WHERE id = stub.id)
ORDER BY id LIMIT ?2

-- name: bodiless
SELECT id FROM _bmad_archived LEFT JOIN _bmad_packed ON number = packed
WHERE table_name = ?1 AND schema_version IS NOT ?2 AND id > ?3 ORDER BY id LIMIT ?4

-- name: counts
SELECT table_name, count(*), count(packed) FROM _bmad_archived GROUP BY table_name

-- name: mark_unseen
UPDATE _bmad_archived SET server_seq = -1 - server_seq WHERE server_seq >= 0

-- name: unseen
SELECT table_name, id, -1 - server_seq FROM _bmad_archived WHERE server_seq < 0

-- name: forget_unseen
DELETE FROM _bmad_archived
WHERE table_name = ?1 AND server_seq < 0 AND id NOT IN (SELECT value FROM json_each(?2))

-- name: older_in_page
-- Packed rows that this device saw in another version than the page ?2 brings.
SELECT stub.id FROM _bmad_archived AS stub
JOIN jsonb_each(?2) AS page ON stub.id = page.value->>?3
WHERE table_name = ?1 AND packed IS NOT NULL AND server_seq < 0 AND -1 - server_seq <> page.value->>?4

-- name: want_page
-- A row of the page ?2 refers, at ?3, to a row that is archived.
UPDATE _bmad_archived SET wanted = 1
WHERE table_name = ?1 AND id IN (SELECT value->>?3 FROM jsonb_each(?2))

-- name: wanted
SELECT table_name, id FROM _bmad_archived WHERE wanted IS NOT NULL LIMIT ?1

-- name: evict_oldest
UPDATE _bmad_archived SET packed = NULL WHERE packed IN (SELECT number FROM _bmad_packed ORDER BY number LIMIT ?1)

-- name: drop_oldest_bodies
DELETE FROM _bmad_packed WHERE number IN (SELECT number FROM _bmad_packed ORDER BY number LIMIT ?1)

-- name: dictionary
SELECT bytes FROM _bmad_dictionaries WHERE number = ?1

-- name: dictionary_of
SELECT number FROM _bmad_dictionaries WHERE table_name = ?1 LIMIT 1

-- name: put_dictionary
INSERT OR IGNORE INTO _bmad_dictionaries (number, table_name, bytes) VALUES (?1, ?2, ?3)
