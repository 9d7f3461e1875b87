-- name: add
insert into bmad.boxes (user_id, id, title) values (%(user)s, %(id)s, %(title)s)

-- name: add_colour
insert into bmad.colours (id, code) values (%(id)s, %(id)s)

-- name: echo
create function public.echo() returns trigger language plpgsql security definer as $$
begin
  if new.id ~ '^own.*\.[135]$' then
    insert into bmad.boxes (user_id, id, title) values (new.user_id, new.id || '.echo', 'echo');
  end if;
  return null;
end
$$;
create trigger echo after insert on bmad.boxes for each row execute function public.echo()
