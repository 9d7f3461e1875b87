-- What the server decides of plans and quotas: handlers for `subscribe`, `cancel_subscription` and `reserve_quota`.
-- They decide from the catalogue and from the user's rows, and take no money: a plan that costs something begins as
-- `incomplete`, or as a trial, and whoever hears of the payment makes it active (as service_role, with grant_plan).
-- An application's own handler of the same kind takes their place, in SQL (handle_requests) or in Python.
--
-- They run as the owner of the tables, for the user's own role may not write them. Row-level security holds for the
-- owner too: by the policies below it sees and writes rows of the calling user, and no other's.

-- One at a time for each user: what is decided rests on what the last one left.
create function bmad_sync.billing_of(out uid uuid, out moment timestamptz)
language plpgsql
as $$
begin
  uid := bmad_sync.caller();
  perform pg_advisory_xact_lock(hashtextextended('billing ' || uid, 7239401125));
  moment := date_trunc('milliseconds', clock_timestamp());
  if not exists (select from bmad.users u where u.user_id = uid and u.account_status = 'active') then
    raise exception 'the account is not active, or not known here yet' using hint = 'sync the onboarding first';
  end if;
end
$$;

create function bmad_sync.subscription_runs(status text) returns boolean
language sql immutable
as $$ select status not in ('canceled', 'incomplete_expired') $$;

-- Give a user what a plan allows, until a moment or for good; again is fine. Unsigned: a device trusts it while it
-- can sync, and gives no grace offline.
create function bmad_sync.grant_plan(p_user uuid, p_subscription text, p_plan text, p_source text, p_until timestamptz)
returns void
language plpgsql
as $$
declare
  item jsonb;
begin
  for item in select jsonb_array_elements(p.entitlements) from bmad.plans p where p.id = p_plan loop
    insert into bmad.entitlements as e (user_id, id, feature_code, source, subscription_id, limit_value, period,
      valid_from, valid_until, signature)
    values (p_user, bmad_sync.natural_id('entitlements', p_user::text, item ->> 'feature', p_source),
      item ->> 'feature', p_source, p_subscription, (item ->> 'limit')::bigint, coalesce(item ->> 'period', 'none'),
      date_trunc('milliseconds', clock_timestamp()), p_until, '')
    on conflict (user_id, id) do update set subscription_id = excluded.subscription_id,
      limit_value = excluded.limit_value, period = excluded.period, valid_from = excluded.valid_from,
      valid_until = excluded.valid_until, offline_grace_until = null, signature = '';
  end loop;
end
$$;

-- End a contract now, and what it gave.
create function bmad_sync.end_subscription(p_user uuid, p_subscription text, p_at timestamptz) returns void
language plpgsql
as $$
begin
  update bmad.subscriptions s
  set status = 'canceled', canceled_at = coalesce(s.canceled_at, p_at), ended_at = p_at, cancel_at_period_end = false
  where s.user_id = p_user and s.id = p_subscription;
  update bmad.entitlements e set valid_until = p_at, offline_grace_until = null
  where e.user_id = p_user and e.subscription_id = p_subscription and (e.valid_until is null or e.valid_until > p_at);
end
$$;

-- {"plan_id"} -> {"subscription", "status", "plan"}. One that runs already is the answer; a free one is active at once and
-- ends other free ones; one with a trial begins with it, the first time; any other waits for its payment.
create function bmad_sync.subscribe(payload jsonb, key text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  call record := bmad_sync.billing_of();
  plan record;
  held record;
  made constant text := gen_random_uuid()::text;
  new_status text;
  trial_ends timestamptz;
begin
  select * into plan from bmad.plans p
  where p.id = payload ->> 'plan_id' and p.active_from <= call.moment
    and (p.active_until is null or p.active_until > call.moment)
    and (p.published_at is null or p.published_at <= call.moment)
    and (p.retired_at is null or p.retired_at > call.moment);
  if not found then
    raise exception 'there is no plan "%" now', payload ->> 'plan_id' using hint = 'a plan of the catalogue that is on offer';
  end if;
  for held in
    select s.id, s.status, s.plan_id, p.amount_minor
    from bmad.subscriptions s join bmad.plans p on p.id = s.plan_id
    where s.user_id = call.uid and bmad_sync.subscription_runs(s.status) order by s.created_at, s.id
  loop
    if held.plan_id = plan.id then
      return jsonb_build_object('subscription', held.id, 'status', held.status, 'plan', plan.id);
    elsif held.amount_minor > 0 then
      raise exception 'the subscription to % runs', held.plan_id using hint = 'cancel it first';
    end if;
  end loop;
  if plan.amount_minor = 0 then
    new_status := 'active';
    perform bmad_sync.end_subscription(call.uid, s.id, call.moment)
    from bmad.subscriptions s where s.user_id = call.uid and bmad_sync.subscription_runs(s.status);
  elsif plan.trial_days > 0 and not exists (
    select from bmad.subscriptions s where s.user_id = call.uid and s.trial_end is not null
  ) then
    new_status := 'trialing';
    trial_ends := call.moment + plan.trial_days * interval '24 hours';
  else
    new_status := 'incomplete';
  end if;
  insert into bmad.subscriptions (user_id, id, plan_id, provider, status, current_period_start, current_period_end, trial_end)
  values (call.uid, made, plan.id, 'manual', new_status, case when new_status <> 'incomplete' then call.moment end,
    trial_ends, trial_ends);
  if new_status <> 'incomplete' then
    perform bmad_sync.grant_plan(call.uid, made, plan.id, case new_status when 'trialing' then 'trial' else 'plan' end,
      trial_ends);
  end if;
  return jsonb_build_object('subscription', made, 'status', new_status, 'plan', plan.id);
end
$$;

-- {"subscription_id"} -> {"subscription", "status", "ends_at"} (ms). What is paid for runs to the end of its period,
-- anything else ends now. One at a provider is cancelled there, which no handler of ours can do.
create function bmad_sync.cancel_subscription(payload jsonb, key text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  call record := bmad_sync.billing_of();
  held record;
begin
  select s.id, s.status, s.provider, s.current_period_end, p.amount_minor into held
  from bmad.subscriptions s join bmad.plans p on p.id = s.plan_id
  where s.user_id = call.uid and s.id = payload ->> 'subscription_id' and bmad_sync.subscription_runs(s.status)
  for update of s;
  if not found then
    raise exception 'there is no such subscription that runs' using hint = 'sync, and look which one does';
  elsif held.provider <> 'manual' then
    raise exception 'the subscription is with %', held.provider
      using errcode = '0A000', hint = 'the application needs a handler of its own that cancels it there';
  end if;
  if held.amount_minor > 0 and held.status in ('active', 'past_due') and held.current_period_end > call.moment then
    update bmad.subscriptions s
    set cancel_at_period_end = true, cancel_at = held.current_period_end, canceled_at = call.moment
    where s.user_id = call.uid and s.id = held.id;
    return jsonb_build_object('subscription', held.id, 'status', held.status,
      'ends_at', bmad_sync.ms(held.current_period_end));
  end if;
  perform bmad_sync.end_subscription(call.uid, held.id, call.moment);
  return jsonb_build_object('subscription', held.id, 'status', 'canceled', 'ends_at', bmad_sync.ms(call.moment));
end
$$;

-- The key of the period that now lies in, where the user lives; as coaching/local_days.py writes it.
create function bmad_sync.period_key(period text, zone text) returns text
language plpgsql stable
as $$
declare
  here timestamp;
begin
  begin
    here := clock_timestamp() at time zone zone;
  exception when invalid_parameter_value then
    here := clock_timestamp() at time zone 'Europe/Amsterdam';
  end;
  return case period
    when 'day' then to_char(here, 'YYYY-MM-DD') when 'week' then to_char(here, 'IYYY-"W"IW')
    when 'month' then to_char(here, 'YYYY-MM') when 'year' then to_char(here, 'YYYY') else 'all' end;
end
$$;

-- {"feature", "amount"?} -> {"feature", "period", "used", "limit"}: counted as the server's own, beside what devices
-- counted, and never above the most generous of what the user may now. Of it, not of several, the count is taken.
create function bmad_sync.reserve_quota(payload jsonb, key text) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  call record := bmad_sync.billing_of();
  amount constant bigint := coalesce((payload ->> 'amount')::bigint, 1);
  may record;
  place record;
  counts jsonb;
  used_before bigint;
begin
  if amount not between 1 and 1000000 then
    raise exception 'an amount is 1 to 1000000, not %', amount using hint = 'leave it out for one';
  end if;
  select e.limit_value, e.period into may from bmad.entitlements e
  where e.user_id = call.uid and e.feature_code = payload ->> 'feature'
    and e.valid_from <= call.moment and (e.valid_until is null or e.valid_until > call.moment)
  order by e.limit_value desc nulls first, e.id limit 1;
  if not found then
    raise exception 'nothing gives the right to "%" now', payload ->> 'feature' using hint = 'a plan does';
  end if;
  select bmad_sync.period_key(may.period, u.timezone) as period into place from bmad.users u where u.user_id = call.uid;
  select c.device_counts into counts from bmad.usage_counters c
  where c.user_id = call.uid and c.feature_code = payload ->> 'feature' and c.period_key = place.period for update;
  select coalesce(sum((n.value ->> 0)::bigint), 0) into used_before
  from jsonb_each(coalesce(counts, '{}')) n where jsonb_typeof(n.value -> 0) = 'number';
  if used_before + amount > may.limit_value then
    raise exception '% of % are used up', used_before, may.limit_value using hint = 'they are new with the next period';
  end if;
  counts := coalesce(counts, '{}') || jsonb_build_object('server', jsonb_build_array(
    coalesce((counts #>> '{server,0}')::bigint, 0) + amount, bmad_sync.server_stamp(counts #>> '{server,1}')));
  insert into bmad.usage_counters as c (user_id, id, feature_code, period_key, device_counts, used, limit_snapshot)
  values (call.uid, bmad_sync.natural_id('usage_counters', call.uid::text, payload ->> 'feature', place.period),
    payload ->> 'feature', place.period, counts, used_before + amount, may.limit_value)
  on conflict (user_id, id) do update
  set device_counts = excluded.device_counts, used = excluded.used, limit_snapshot = excluded.limit_snapshot;
  return jsonb_build_object('feature', payload ->> 'feature', 'period', place.period, 'used', used_before + amount,
    'limit', may.limit_value);
end
$$;

-- Where the tables are: what their owner may see of them, and the handlers, unless the application has its own.
do $$
declare
  wanted text;
begin
  if to_regclass('bmad.plans') is null or to_regclass('bmad.subscriptions') is null
    or to_regclass('bmad.entitlements') is null or to_regclass('bmad.usage_counters') is null
    or to_regclass('bmad.users') is null then
    return;
  end if;
  foreach wanted in array array['users', 'subscriptions', 'entitlements', 'usage_counters'] loop
    execute format('drop policy if exists billing on bmad.%I', wanted);
    execute format('create policy billing on bmad.%I for all to current_user '
      'using (user_id = bmad_sync.uid()) with check (user_id = bmad_sync.uid())', wanted);
  end loop;
  execute 'drop policy if exists billing on bmad.plans';
  execute 'create policy billing on bmad.plans for select to current_user using (true)';
  foreach wanted in array array['subscribe', 'cancel_subscription', 'reserve_quota'] loop
    insert into bmad_sync.request_kinds (kind, handler) values (wanted, 'bmad_sync.' || wanted) on conflict (kind) do nothing;
  end loop;
end
$$;
