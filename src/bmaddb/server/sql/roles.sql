-- The four roles a PostgREST installation knows. They belong to the cluster, so another database may have made them.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'authenticator'] loop
    if to_regrole(wanted) is null then
      begin
        execute format('create role %I nologin', wanted);
        if wanted = 'authenticator' then
          alter role authenticator noinherit login;
        end if;
      exception when duplicate_object or unique_violation then
        null; -- another installer was faster
      end;
    end if;
  end loop;
  foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
    if not exists (
      select from pg_catalog.pg_auth_members
      where roleid = to_regrole(wanted) and member = to_regrole('authenticator')
    ) then
      begin
        execute format('grant %I to authenticator', wanted);
      exception when internal_error or unique_violation then
        null; -- the same moment, another database's installer
      end;
    end if;
  end loop;
end
$$;

-- Only a superuser, or a role that bypasses row-level security itself, may pass that on.
-- Without it service_role works all the same: every table has a policy that lets it through.
do $$
begin
  if not (select rolbypassrls from pg_catalog.pg_roles where rolname = 'service_role') then
    alter role service_role bypassrls;
  end if;
exception when insufficient_privilege or internal_error then
  null;
end
$$;
