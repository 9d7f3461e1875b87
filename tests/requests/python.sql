-- What the Python handler of the tests does in its transaction.

-- name: effect
select app.note_effect(%s, %s, null)

-- name: note
insert into bmad.notes (user_id, id, title) values (bmad_sync.uid(), md5(%s), %s)

-- name: broken
select 1 / 0

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
