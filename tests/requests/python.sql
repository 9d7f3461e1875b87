-- What the Python handler of the tests does in its transaction.

-- name: effect
select app.note_effect(%s, %s, null)

-- name: note
insert into bmad.notes (user_id, id, title) values (bmad_sync.uid(), md5(%s), %s)

-- name: broken
select 1 / 0

-- name: orphan
insert into bmad.jobs (user_id, id, title, note_id) values (bmad_sync.uid(), md5(%s), 't', 'nowhere')

-- name: serve
set local role service_role

-- name: cut
select app.cut()

-- name: hold_again
do $$
begin
  perform set_config('request.jwt.claims', '{"sub": "00000000-0000-0000-0000-0000000a11ce"}', true);
  perform bmad_sync.hold_request(bmad_sync.read_request('{"kind": "mail.send", "key": "k", "payload": {"title": "x"}}'));
end
$$

-- What somebody tries who has a login but no business here; then what whoever runs the server does.

-- name: become
select set_config('role', 'authenticated', true),
       set_config('request.jwt.claims', '{"sub": "00000000-0000-0000-0000-000000000b0b"}', true)

-- name: peek
select * from bmad_sync.requests

-- name: peek_kinds
select * from bmad_sync.request_kinds

-- name: forge
insert into bmad_sync.requests (user_id, kind, key, digest) values (bmad_sync.uid(), 'flaky', 'k', '')

-- name: register
select bmad_sync.handle_requests('flaky', 'app.flaky(jsonb, text)')

-- name: lose_handler
drop function app.flaky(jsonb, text)

-- name: bad_kind
select bmad_sync.handle_requests('Flaky', 'app.flaky(jsonb, text)')

-- name: bad_handler
select bmad_sync.handle_requests('flaky', 'app.has_trouble(text)')

-- name: purge
select bmad_sync.purge()

-- name: age
update bmad_sync.requests set ended_at = ended_at - interval '500 days'

-- name: forget_fingerprint
update bmad_sync.state set fingerprint = 'older'
