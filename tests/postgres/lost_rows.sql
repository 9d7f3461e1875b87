-- name: push
select public.bmad_push_v1(%s)

-- name: insert
insert into bmad.boxes (user_id, id, title) values (%(user)s, %(id)s, 't')

-- name: dawdle
select pg_sleep(%s)

-- name: by_time
select id, updated_at from bmad.boxes
where user_id = %(user)s and (%(after)s::timestamptz is null or updated_at > %(after)s)
