-- Who may call what. Everything is taken away first: installations differ in what they give by default.
revoke all on schema bmad, bmad_sync from public, anon, authenticated;
revoke all on all tables in schema bmad_sync from public, anon, authenticated, service_role;
revoke all on all functions in schema bmad_sync from public, anon, authenticated, service_role;

grant usage on schema bmad, bmad_sync to authenticated, service_role;
grant select on bmad_sync.tables to authenticated;
drop policy if exists facts on bmad_sync.tables;
create policy facts on bmad_sync.tables for select to authenticated using (true);

-- The doors run with the caller's rights, so the caller may run what they call ...
grant execute on all functions in schema bmad_sync to authenticated;
-- ... but not what acts on a scope of the caller's choice, or is for whoever runs the server.
do $$
declare
  closed text;
begin
  foreach closed in array array[
    'reserve', 'next_version', 'lock_head', 'bury', 'bury_user_rows', 'bury_catalogue_rows',
    'is_reserved', 'stamp_user_row', 'stamp_catalogue_row', 'check_versions', 'refuse_fixed', 'refuse_nesting',
    'refuse_truncate',
    'purge', 'after_restore', 'handle_requests', 'grant_plan', 'end_subscription'
  ] loop
    execute format('revoke all on function bmad_sync.%I from authenticated', closed);
  end loop;
end
$$;
grant execute on function bmad_sync.purge, bmad_sync.after_restore to service_role;
grant execute on function bmad_sync.uid to service_role;
grant execute on function bmad_sync.grant_plan, bmad_sync.end_subscription, bmad_sync.natural_id, bmad_sync.sha1 to service_role;

revoke all on function public.bmad_pull_v1, public.bmad_push_v1, public.bmad_digest_v1, public.bmad_request_v1,
  public.pull_changes_optimized, public.push_changes_optimized from public, anon, authenticated, service_role;
grant execute on function public.bmad_pull_v1, public.bmad_push_v1, public.bmad_digest_v1, public.bmad_request_v1,
  public.pull_changes_optimized, public.push_changes_optimized to authenticated;
