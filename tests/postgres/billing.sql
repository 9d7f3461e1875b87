-- What the tests of billing put in and look at.

-- name: user
insert into bmad.users (user_id, id, display_name, terms_version, privacy_version, timezone)
values (%(user)s::uuid, %(user)s::text, 'Ada', '2024-05-01', '2024-05-01', 'Europe/Amsterdam')

-- name: plan
insert into bmad.plans (id, plan_code, version, tier, title_i18n, billing_interval, currency, amount_minor, trial_days, entitlements, active_from)
values (%(id)s, %(id)s, 1, 'plus', '{}', 'month', 'EUR', %(amount)s, %(trial)s, '[{"feature": "ai.reply", "limit": 500, "period": "day"}]', '2024-01-01')

-- name: ask
select public.bmad_request_v1(%s)

-- name: subscriptions
select plan_id, status, cancel_at_period_end, user_id::text from bmad.subscriptions order by created_at, id

-- name: entitlements
select id, feature_code, source, limit_value, period, valid_until is null or valid_until > clock_timestamp()
from bmad.entitlements where user_id = %s order by feature_code, source

-- name: counters
select id, feature_code, period_key, device_counts, used, limit_snapshot from bmad.usage_counters where user_id = %s

-- name: pay
update bmad.subscriptions set status = 'active', current_period_start = now(), current_period_end = now() + interval '30 days', provider = %s

-- name: grant
select bmad_sync.grant_plan(user_id, id, plan_id, 'plan', current_period_end) from bmad.subscriptions

-- name: forge
insert into bmad.subscriptions (user_id, id, plan_id, provider, status) values (%s, 'forged', 'free@1', 'manual', 'active')

-- name: own_handler
create function public.own(payload jsonb, key text) returns jsonb language sql as $$ select '"ours"'::jsonb $$;
select bmad_sync.handle_requests('subscribe', 'public.own(jsonb, text)');

-- name: sha1
select encode(bmad_sync.sha1(%s), 'hex')

-- name: natural_id
select bmad_sync.natural_id(%s, variadic %s)
