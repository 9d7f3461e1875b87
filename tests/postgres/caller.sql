-- name: act
select set_config('role', %(role)s, true), set_config('request.jwt.claims', %(claims)s, true)

-- name: pull
select public.bmad_pull_v1(%s)

-- name: push
select public.bmad_push_v1(%s)

-- name: watermelon_pull
select public.pull_changes_optimized(last_pulled_at => %(last)s, schema_version => %(version)s, migration => %(migration)s::json)

-- name: watermelon_push
select public.push_changes_optimized(json_build_object('changes', %(changes)s::json, 'last_pulled_at', %(last)s::bigint))

-- name: digest
select public.bmad_digest_v1(%s::json)
