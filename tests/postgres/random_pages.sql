-- name: rename
update bmad.boxes set title = %(title)s where user_id = %(from)s

-- name: remove
delete from bmad.boxes where user_id = %(from)s and id = %(id)s

-- name: forget
delete from bmad.things where id = %(id)s

-- name: give
update bmad.boxes set user_id = %(to)s, parent_id = null where user_id = %(from)s and id = %(id)s

-- name: add
insert into bmad.boxes (user_id, id, title) values (%(from)s, %(id)s, %(title)s) on conflict do nothing

-- name: catalogue
update bmad.shades set strength = random()

-- name: check_keys
set constraints all immediate
