create table bmad."users" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "email" text constraint "email_check" check (length(email) <= 254),
  "email_verified_at" timestamptz,
  "display_name" text not null constraint "display_name_check" check (length(display_name) >= 1 and length(display_name) <= 80),
  "avatar_attachment_id" text,
  "locale" text not null default 'nl-NL',
  "timezone" text not null default 'Europe/Amsterdam',
  "birth_year" bigint constraint "birth_year_check" check (birth_year >= 1900),
  "pronouns" text,
  "account_status" text not null default 'active' constraint "account_status_enum" check ("account_status" in ('pending', 'active', 'suspended', 'erasure_requested', 'erased')),
  "onboarding_status" text not null default 'not_started' constraint "onboarding_status_enum" check ("onboarding_status" in ('not_started', 'in_progress', 'skipped', 'completed')),
  "terms_version" text not null,
  "privacy_version" text not null,
  "e2ee_state" text not null default 'off' constraint "e2ee_state_enum" check ("e2ee_state" in ('off', 'enabling', 'on')),
  "last_seen_at" timestamptz,
  "safety_hold_until" timestamptz,
  primary key (user_id, id)
);

create table bmad."user_devices" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "device_label" text not null,
  "platform" text not null constraint "platform_enum" check ("platform" in ('pwa', 'android', 'ios', 'desktop', 'cli')),
  "app_version" text not null,
  "schema_version" bigint not null,
  "public_key" text not null,
  "push_endpoint" text,
  "last_pull_seq" bigint not null default 0,
  "last_sync_at" timestamptz,
  "storage_used_bytes" bigint,
  "revoked_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."user_preferences" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "prefs_version" bigint not null default 1,
  "theme" text not null default 'system' constraint "theme_enum" check ("theme" in ('system', 'light', 'dark')),
  "font_scale" double precision not null default 1.0 constraint "font_scale_check" check (font_scale >= 0.8 and font_scale <= 2.0) constraint "font_scale_finite" check ("font_scale" > '-infinity' and "font_scale" < 'infinity'),
  "coach_tone" text not null default 'neutral' constraint "coach_tone_enum" check ("coach_tone" in ('neutral', 'direct', 'warm', 'socratic', 'playful')),
  "notifications_enabled" boolean not null default false,
  "notification_channels" jsonb not null default '{}',
  "quiet_hours_start" text,
  "quiet_hours_end" text,
  "week_starts_on" bigint not null default 1 constraint "week_starts_on_check" check (week_starts_on >= 0 and week_starts_on <= 6),
  "daily_focus_minutes" bigint not null default 10 constraint "daily_focus_minutes_check" check (daily_focus_minutes >= 0 and daily_focus_minutes <= 480),
  "mbti_optimisation" text not null default 'off' constraint "mbti_optimisation_enum" check ("mbti_optimisation" in ('off', 'prior', 'adaptive')),
  "analytics_level" text not null default 'none' constraint "analytics_level_enum" check ("analytics_level" in ('none', 'essential', 'full')),
  "sync_on_metered" boolean not null default true,
  "storage_limit_mb" bigint not null default 100 constraint "storage_limit_mb_check" check (storage_limit_mb >= 20),
  "retention_overrides" jsonb not null default '{}',
  "feature_toggles" jsonb not null default '{}',
  "custom" jsonb not null default '{}',
  primary key (user_id, id)
);

create table bmad."mbti_profiles" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "type_code" text constraint "type_code_check" check (length(type_code) = 4),
  "axis_ei" double precision constraint "axis_ei_check" check (axis_ei between -1 and 1) constraint "axis_ei_finite" check ("axis_ei" > '-infinity' and "axis_ei" < 'infinity'),
  "axis_sn" double precision constraint "axis_sn_check" check (axis_sn between -1 and 1) constraint "axis_sn_finite" check ("axis_sn" > '-infinity' and "axis_sn" < 'infinity'),
  "axis_tf" double precision constraint "axis_tf_check" check (axis_tf between -1 and 1) constraint "axis_tf_finite" check ("axis_tf" > '-infinity' and "axis_tf" < 'infinity'),
  "axis_jp" double precision constraint "axis_jp_check" check (axis_jp between -1 and 1) constraint "axis_jp_finite" check ("axis_jp" > '-infinity' and "axis_jp" < 'infinity'),
  "borderline_axes" jsonb not null default '[]',
  "confidence" double precision not null default 0.0 constraint "confidence_check" check (confidence >= 0 and confidence <= 1) constraint "confidence_finite" check ("confidence" > '-infinity' and "confidence" < 'infinity'),
  "source" text not null constraint "source_enum" check ("source" in ('self_declared', 'questionnaire', 'coach', 'imported', 'declined')),
  "instrument_code" text,
  "instrument_version" text,
  "answered_items" bigint,
  "total_items" bigint,
  "dominant" text constraint "dominant_enum" check ("dominant" in ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "auxiliary" text constraint "auxiliary_enum" check ("auxiliary" in ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "tertiary" text constraint "tertiary_enum" check ("tertiary" in ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "inferior" text constraint "inferior_enum" check ("inferior" in ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "influence" double precision not null default 0.25 constraint "influence_check" check (influence >= 0 and influence <= 1) constraint "influence_finite" check ("influence" > '-infinity' and "influence" < 'infinity'),
  "assessed_at" timestamptz not null,
  "is_current" boolean not null default false,
  "note" text,
  primary key (user_id, id)
);

create table bmad."consent_records" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "purpose" text not null constraint "purpose_enum" check ("purpose" in ('terms', 'privacy', 'special_category', 'personality_profiling', 'ai_processing', 'analytics', 'marketing', 'share_with_coach', 'cloud_sync')),
  "action" text not null constraint "action_enum" check ("action" in ('granted', 'refused', 'withdrawn')),
  "policy_version" text not null,
  "policy_sha256" text not null,
  "shown_locale" text not null,
  "method" text not null constraint "method_enum" check ("method" in ('onboarding', 'settings', 'renewal', 'support')),
  "evidence" jsonb not null default '{}',
  "acted_at" timestamptz not null,
  primary key (user_id, id)
);

create table bmad."data_requests" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "kind" text not null constraint "kind_enum" check ("kind" in ('export', 'erase_account', 'erase_scope', 'rectify', 'restrict', 'object')),
  "scope" jsonb not null default '{}',
  "status" text not null default 'received' constraint "status_enum" check ("status" in ('received', 'verified', 'in_progress', 'completed', 'rejected', 'cancelled')),
  "requested_at" timestamptz not null,
  "due_at" timestamptz,
  "completed_at" timestamptz,
  "result_uri" text,
  "result_sha256" text,
  "reject_reason" text,
  "devices_confirmed" jsonb not null default '[]',
  primary key (user_id, id)
);

create table bmad."user_keyrings" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "key_scope" text not null constraint "key_scope_enum" check ("key_scope" in ('account', 'journal', 'attachments', 'server_field')),
  "scope_id" text,
  "key_version" bigint not null,
  "wrapped_key" text,
  "wrap_method" text not null constraint "wrap_method_enum" check ("wrap_method" in ('passphrase_argon2id', 'device_x25519', 'recovery_code', 'server_kms')),
  "kdf_params" jsonb not null default '{}',
  "device_id" text collate "C",
  "state" text not null default 'active' constraint "state_enum" check ("state" in ('active', 'rotated', 'destroyed')),
  "destroyed_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."onboarding_steps" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "flow_code" text not null,
  "flow_version" bigint not null,
  "step_code" text not null,
  "position" bigint not null,
  "kind" text not null constraint "kind_enum" check ("kind" in ('info', 'form', 'choice', 'quiz', 'consent', 'permission', 'summary')),
  "title_i18n" jsonb not null,
  "body_i18n" jsonb not null default '{}',
  "answer_schema" jsonb not null default '{}',
  "required" boolean not null default false,
  "show_if" jsonb not null default '{}',
  "maps_to" text,
  "est_seconds" bigint,
  unique ("flow_code", "flow_version", "step_code") deferrable initially deferred
);

create table bmad."onboarding_progress" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "flow_code" text not null,
  "flow_version" bigint not null,
  "status" text not null default 'not_started' constraint "status_enum" check ("status" in ('not_started', 'in_progress', 'skipped', 'completed')),
  "current_step" text,
  "completed_steps" jsonb not null default '[]',
  "skipped_steps" jsonb not null default '[]',
  "answers" jsonb not null default '{}',
  "device_seconds" jsonb not null default '{}',
  "started_at" timestamptz,
  "completed_at" timestamptz,
  primary key (user_id, id),
  unique ("user_id", "flow_code") deferrable initially deferred
);

create table bmad."contacts" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "display_name" text not null,
  "relation" text not null default 'other' constraint "relation_enum" check ("relation" in ('partner', 'family', 'friend', 'colleague', 'coach', 'professional', 'other')),
  "circle" bigint not null default 3 constraint "circle_check" check (circle >= 1 and circle <= 5),
  "email" text,
  "phone" text,
  "birthday" text,
  "is_coach" boolean not null default false,
  "linked_user_id" text,
  "device_touches" jsonb not null default '{}',
  "last_touch_at" timestamptz,
  "notes" text,
  primary key (user_id, id)
);

create table bmad."prompt_templates" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "code" text not null,
  "version" bigint not null,
  "purpose" text not null constraint "purpose_enum" check ("purpose" in ('coach_reply', 'journal_prompt', 'summary', 'insight', 'safety_check', 'embedding')),
  "locale" text not null,
  "template" text not null,
  "variables" jsonb not null default '[]',
  "model_hint" text,
  "max_tokens" bigint,
  "temperature" double precision constraint "temperature_finite" check ("temperature" > '-infinity' and "temperature" < 'infinity'),
  "active" boolean not null default true,
  unique ("code", "version", "locale") deferrable initially deferred
);

create table bmad."conversations" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "kind" text not null constraint "kind_enum" check ("kind" in ('coach_chat', 'journal_assist', 'question', 'imported')),
  "title" text,
  "state" text not null default 'open' constraint "state_enum" check ("state" in ('open', 'archived')),
  "pinned" boolean not null default false,
  "prompt_template_id" text collate "C",
  "model_hint" text,
  "last_message_at" timestamptz,
  "message_count" bigint not null default 0,
  "summary" text,
  "tag_ids" jsonb not null default '[]',
  primary key (user_id, id)
);

create table bmad."life_areas" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "code" text not null,
  "name_i18n" jsonb not null,
  "description_i18n" jsonb not null default '{}',
  "preset_codes" jsonb not null default '[]',
  "position" bigint not null,
  "icon" text,
  "color" text,
  "belief_related" boolean not null default false,
  "health_related" boolean not null default false,
  unique ("code") deferrable initially deferred
);

create table bmad."user_life_areas" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "code" text not null,
  "life_area_id" text collate "C",
  "custom_name" text,
  "color" text,
  "position" text not null default 'a0',
  "active" boolean not null default true,
  "importance" bigint constraint "importance_check" check (importance >= 1 and importance <= 10),
  "target_score" double precision constraint "target_score_finite" check ("target_score" > '-infinity' and "target_score" < 'infinity'),
  "current_score" double precision constraint "current_score_finite" check ("current_score" > '-infinity' and "current_score" < 'infinity'),
  primary key (user_id, id),
  unique ("user_id", "code") deferrable initially deferred
);

create table bmad."domain_frameworks" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "code" text not null,
  "version" text not null,
  "title_i18n" jsonb not null,
  "author" text,
  "licence" text not null,
  "score_min" double precision not null default 0.0 constraint "score_min_finite" check ("score_min" > '-infinity' and "score_min" < 'infinity'),
  "score_max" double precision not null default 100.0 constraint "score_max_finite" check ("score_max" > '-infinity' and "score_max" < 'infinity'),
  "is_default" boolean not null default false,
  unique ("code", "version") deferrable initially deferred
);

create table bmad."met24_domains" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "framework_id" text collate "C" not null,
  "domain_number" bigint not null,
  "code" text not null,
  "name_i18n" jsonb not null,
  "cluster_code" text,
  "level_code" text,
  "description_i18n" jsonb not null default '{}',
  "prompts_i18n" jsonb not null default '{}',
  "belief_related" boolean not null default false,
  "health_related" boolean not null default false,
  "icon" text,
  unique ("framework_id", "domain_number") deferrable initially deferred,
  unique ("framework_id", "code") deferrable initially deferred
);

create table bmad."goals" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "title" text not null,
  "description" text,
  "why" text,
  "obstacle" text,
  "if_then" text,
  "user_life_area_id" text collate "C",
  "met24_domain_id" text collate "C",
  "parent_goal_id" text collate "C",
  "horizon" text not null default 'quarter' constraint "horizon_enum" check ("horizon" in ('week', 'month', 'quarter', 'year', 'life')),
  "state" text not null default 'draft' constraint "state_enum" check ("state" in ('draft', 'active', 'paused', 'dropped', 'achieved')),
  "importance" bigint not null default 3 constraint "importance_check" check (importance >= 1 and importance <= 5),
  "start_on" text,
  "due_on" text,
  "metric" jsonb,
  "progress_pct" bigint not null default 0 constraint "progress_pct_check" check (progress_pct >= 0 and progress_pct <= 100),
  "achieved_at" timestamptz,
  "position" text not null default 'a0',
  primary key (user_id, id)
);

create table bmad."coaching_sessions" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "kind" text not null constraint "kind_enum" check ("kind" in ('intake', 'regular', 'follow_up', 'review', 'exercise')),
  "coach_kind" text not null constraint "coach_kind_enum" check ("coach_kind" in ('ai', 'human', 'self')),
  "coach_contact_id" text collate "C",
  "title" text,
  "intention" text,
  "status" text not null default 'scheduled' constraint "status_enum" check ("status" in ('scheduled', 'in_progress', 'paused', 'abandoned', 'cancelled', 'completed')),
  "scheduled_at" timestamptz,
  "started_at" timestamptz,
  "ended_at" timestamptz,
  "device_seconds" jsonb not null default '{}',
  "conversation_id" text collate "C",
  "user_life_area_id" text collate "C",
  "met24_domain_id" text collate "C",
  "goal_id" text collate "C",
  "method_code" text,
  "mood_before" bigint constraint "mood_before_check" check (mood_before >= 1 and mood_before <= 5),
  "mood_after" bigint constraint "mood_after_check" check (mood_after >= 1 and mood_after <= 5),
  "rating" bigint constraint "rating_check" check (rating >= 1 and rating <= 5),
  "summary" text,
  "takeaways" jsonb not null default '[]',
  "task_ids" jsonb not null default '[]',
  "type_at_session" text,
  "txn_id" text not null,
  primary key (user_id, id)
);

create table bmad."ai_interactions" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "purpose" text not null constraint "purpose_enum" check ("purpose" in ('coach_reply', 'journal_prompt', 'summary', 'insight', 'safety_check', 'embedding')),
  "prompt_template_id" text collate "C",
  "provider" text not null,
  "model" text not null,
  "ran_on" text not null constraint "ran_on_enum" check ("ran_on" in ('device', 'own_server', 'third_party')),
  "consent_record_id" text collate "C",
  "conversation_id" text collate "C",
  "coaching_session_id" text collate "C",
  "request_hash" text not null,
  "input_tokens" bigint,
  "output_tokens" bigint,
  "cost_micros" bigint not null default 0,
  "latency_ms" bigint,
  "status" text not null constraint "status_enum" check ("status" in ('ok', 'error', 'refused', 'timeout', 'offline')),
  "error_code" text,
  "started_at" timestamptz not null,
  primary key (user_id, id)
);

create table bmad."messages" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "conversation_id" text collate "C" not null,
  "parent_message_id" text collate "C",
  "role" text not null constraint "role_enum" check ("role" in ('user', 'assistant', 'system', 'tool')),
  "content" text not null,
  "content_format" text not null default 'markdown' constraint "content_format_enum" check ("content_format" in ('markdown', 'plain', 'json')),
  "status" text not null default 'pending' constraint "status_enum" check ("status" in ('pending', 'streaming', 'failed', 'cancelled', 'complete')),
  "model" text,
  "input_tokens" bigint,
  "output_tokens" bigint,
  "feedback" bigint constraint "feedback_check" check (feedback in (-1, 1)),
  "feedback_note" text,
  "safety_flag" text not null default 'none' constraint "safety_flag_enum" check ("safety_flag" in ('none', 'distress', 'crisis')),
  "ai_interaction_id" text collate "C",
  "sent_at" timestamptz not null,
  primary key (user_id, id)
);

create table bmad."journals" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "name" text not null,
  "icon" text,
  "color" text,
  "position" text not null default 'a0',
  "e2ee_state" text not null default 'off' constraint "e2ee_state_enum" check ("e2ee_state" in ('off', 'enabling', 'on')),
  "archived_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."content_items" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "slug" text not null,
  "kind" text not null constraint "kind_enum" check ("kind" in ('article', 'exercise', 'audio', 'video', 'quote', 'prompt', 'practice', 'path', 'pack')),
  "version" bigint not null,
  "title_i18n" jsonb not null,
  "summary_i18n" jsonb not null default '{}',
  "body_i18n" jsonb not null default '{}',
  "media_uri" text,
  "duration_min" bigint,
  "difficulty" bigint not null default 1 constraint "difficulty_check" check (difficulty >= 1 and difficulty <= 5),
  "life_area_codes" jsonb not null default '[]',
  "met24_domain_codes" jsonb not null default '[]',
  "function_affinity" jsonb not null default '{}',
  "member_slugs" jsonb not null default '[]',
  "feature_required" text,
  "byte_size" bigint not null default 0,
  "checksum" text not null,
  "licence" text not null,
  unique ("slug", "version") deferrable initially deferred
);

create table bmad."journal_entries" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "journal_id" text collate "C" not null,
  "entry_date" text not null,
  "occurred_at" timestamptz not null,
  "tz" text not null,
  "entry_type" text not null default 'free' constraint "entry_type_enum" check ("entry_type" in ('free', 'prompted', 'gratitude', 'dream', 'imagination', 'reflection', 'voice')),
  "title" text,
  "body" text not null,
  "body_format" text not null default 'markdown' constraint "body_format_enum" check ("body_format" in ('markdown', 'plain')),
  "body_hash" text not null,
  "word_count" bigint not null default 0,
  "mood" bigint constraint "mood_check" check (mood >= 1 and mood <= 5),
  "energy" bigint constraint "energy_check" check (energy >= 1 and energy <= 5),
  "emotions" jsonb not null default '[]',
  "tag_ids" jsonb not null default '[]',
  "user_life_area_ids" jsonb not null default '[]',
  "met24_domain_ids" jsonb not null default '[]',
  "prompt_content_id" text collate "C",
  "coaching_session_id" text collate "C",
  "starred" boolean not null default false,
  "location" jsonb,
  "weather" jsonb,
  "archived_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."journal_revisions" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "entry_id" text collate "C" not null,
  "base_revision_id" text collate "C",
  "content_hash" text not null,
  "body_delta" text not null,
  "is_full" boolean not null default false,
  "reason" text not null constraint "reason_enum" check ("reason" in ('autosave', 'merge', 'conflict_copy', 'restore', 'import')),
  "captured_at" timestamptz not null,
  primary key (user_id, id)
);

create table bmad."mood_checkins" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "measured_at" timestamptz not null,
  "mood" bigint not null constraint "mood_check" check (mood >= 1 and mood <= 5),
  "valence" double precision constraint "valence_check" check (valence between -1 and 1) constraint "valence_finite" check ("valence" > '-infinity' and "valence" < 'infinity'),
  "arousal" double precision constraint "arousal_check" check (arousal between -1 and 1) constraint "arousal_finite" check ("arousal" > '-infinity' and "arousal" < 'infinity'),
  "stress" bigint constraint "stress_check" check (stress >= 0 and stress <= 10),
  "energy" bigint constraint "energy_check" check (energy >= 1 and energy <= 5),
  "emotions" jsonb not null default '[]',
  "note" text,
  "source" text not null default 'manual' constraint "source_enum" check ("source" in ('manual', 'session', 'journal', 'widget', 'import')),
  "journal_entry_id" text collate "C",
  "coaching_session_id" text collate "C",
  primary key (user_id, id)
);

create table bmad."tags" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "name" text not null,
  "label" text not null,
  "color" text,
  "kind" text not null default 'topic' constraint "kind_enum" check ("kind" in ('topic', 'person', 'place', 'emotion', 'system')),
  "merged_into_id" text collate "C",
  "use_count" bigint not null default 0,
  primary key (user_id, id),
  unique ("user_id", "name") deferrable initially deferred
);

create table bmad."attachments" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "owner_table" text not null,
  "owner_id" text not null,
  "media_type" text not null,
  "byte_size" bigint not null constraint "byte_size_check" check (byte_size >= 0),
  "sha256" text not null,
  "width" bigint,
  "height" bigint,
  "duration_ms" bigint,
  "storage_key" text,
  "upload_state" text not null default 'local' constraint "upload_state_enum" check ("upload_state" in ('local', 'uploading', 'uploaded', 'purged')),
  "keyring_id" text collate "C",
  "caption" text,
  "transcript" text,
  "taken_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."record_links" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "from_table" text not null,
  "from_id" text not null,
  "to_table" text not null,
  "to_id" text not null,
  "relation" text not null constraint "relation_enum" check ("relation" in ('mentions', 'relates_to', 'caused_by', 'follows_up', 'supports', 'contradicts', 'derived_from')),
  "strength" double precision not null default 0.5 constraint "strength_check" check (strength >= 0 and strength <= 1) constraint "strength_finite" check ("strength" > '-infinity' and "strength" < 'infinity'),
  "made_by" text not null constraint "made_by_enum" check ("made_by" in ('user', 'ai', 'import')),
  "confirmed" boolean not null default false,
  primary key (user_id, id)
);

create table bmad."ai_memories" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "kind" text not null constraint "kind_enum" check ("kind" in ('fact', 'preference', 'value', 'pattern', 'boundary')),
  "statement" text not null,
  "confidence" double precision not null default 0.5 constraint "confidence_check" check (confidence >= 0 and confidence <= 1) constraint "confidence_finite" check ("confidence" > '-infinity' and "confidence" < 'infinity'),
  "state" text not null default 'proposed' constraint "state_enum" check ("state" in ('proposed', 'confirmed', 'outdated', 'rejected')),
  "source_table" text,
  "source_id" text,
  "pinned" boolean not null default false,
  "device_uses" jsonb not null default '{}',
  "last_used_at" timestamptz,
  "expires_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."mbti_insights" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "mbti_profile_id" text collate "C",
  "type_code" text,
  "function_code" text constraint "function_code_enum" check ("function_code" in ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "kind" text not null constraint "kind_enum" check ("kind" in ('pattern', 'strength', 'growth_edge', 'stress_signal', 'communication', 'period_summary')),
  "title" text not null,
  "body" text not null,
  "evidence" jsonb not null default '[]',
  "basis_hash" text not null,
  "confidence" double precision not null default 0.3 constraint "confidence_check" check (confidence >= 0 and confidence <= 1) constraint "confidence_finite" check ("confidence" > '-infinity' and "confidence" < 'infinity'),
  "state" text not null default 'new' constraint "state_enum" check ("state" in ('new', 'seen', 'needs_review', 'helpful', 'dismissed', 'superseded')),
  "feedback" bigint constraint "feedback_check" check (feedback in (-1, 1)),
  "generated_by" text not null constraint "generated_by_enum" check ("generated_by" in ('rule', 'model', 'coach')),
  "ai_interaction_id" text collate "C",
  "coaching_session_id" text collate "C",
  "superseded_by_id" text collate "C",
  "valid_from" timestamptz not null,
  "expires_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."content_states" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "content_item_id" text collate "C" not null,
  "bookmarked" boolean not null default false,
  "hidden" boolean not null default false,
  "offline_pinned" boolean not null default false,
  "progress_pct" bigint not null default 0 constraint "progress_pct_check" check (progress_pct >= 0 and progress_pct <= 100),
  "completed_at" timestamptz,
  "last_position" text,
  "rating" bigint constraint "rating_check" check (rating >= 1 and rating <= 5),
  "device_opens" jsonb not null default '{}',
  "device_seconds" jsonb not null default '{}',
  "note" text,
  primary key (user_id, id),
  unique ("user_id", "content_item_id") deferrable initially deferred
);

create table bmad."plans" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "plan_code" text not null,
  "version" bigint not null,
  "tier" text not null constraint "tier_enum" check ("tier" in ('free', 'plus', 'pro')),
  "title_i18n" jsonb not null,
  "billing_interval" text not null constraint "billing_interval_enum" check ("billing_interval" in ('none', 'month', 'year', 'lifetime')),
  "currency" text not null constraint "currency_check" check (length(currency) = 3),
  "amount_minor" bigint not null constraint "amount_minor_check" check (amount_minor >= 0),
  "tax_behaviour" text not null default 'inclusive' constraint "tax_behaviour_enum" check ("tax_behaviour" in ('inclusive', 'exclusive')),
  "trial_days" bigint not null default 0,
  "entitlements" jsonb not null,
  "provider_price_id" text,
  "active_from" timestamptz not null,
  "active_until" timestamptz,
  unique ("plan_code", "version", "billing_interval", "currency") deferrable initially deferred
);

create table bmad."subscriptions" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "plan_id" text collate "C" not null,
  "provider" text not null constraint "provider_enum" check ("provider" in ('stripe', 'mollie', 'apple', 'google', 'manual')),
  "provider_subscription_id" text,
  "status" text not null constraint "status_enum" check ("status" in ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled')),
  "current_period_start" timestamptz,
  "current_period_end" timestamptz,
  "trial_end" timestamptz,
  "cancel_at_period_end" boolean not null default false,
  "cancel_at" timestamptz,
  "canceled_at" timestamptz,
  "ended_at" timestamptz,
  "grace_until" timestamptz,
  "provider_event_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."invoices" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "subscription_id" text collate "C",
  "number" text not null,
  "status" text not null constraint "status_enum" check ("status" in ('draft', 'open', 'paid', 'void', 'uncollectible')),
  "currency" text not null,
  "subtotal_minor" bigint not null,
  "tax_minor" bigint not null,
  "total_minor" bigint not null,
  "paid_minor" bigint not null default 0,
  "period_start" timestamptz,
  "period_end" timestamptz,
  "issued_at" timestamptz,
  "due_at" timestamptz,
  "lines" jsonb not null default '[]',
  "pdf_uri" text,
  "provider_invoice_id" text,
  primary key (user_id, id)
);

create table bmad."payments" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "invoice_id" text collate "C",
  "kind" text not null constraint "kind_enum" check ("kind" in ('charge', 'refund', 'dispute')),
  "status" text not null constraint "status_enum" check ("status" in ('requires_action', 'processing', 'succeeded', 'failed', 'canceled')),
  "amount_minor" bigint not null,
  "currency" text not null,
  "method_brand" text,
  "method_last4" text,
  "failure_code" text,
  "provider_payment_id" text,
  "idempotency_key" text not null,
  "attempted_at" timestamptz not null,
  "settled_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."entitlements" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "feature_code" text not null,
  "source" text not null constraint "source_enum" check ("source" in ('plan', 'trial', 'grant', 'promo')),
  "subscription_id" text collate "C",
  "limit_value" bigint,
  "period" text not null default 'none' constraint "period_enum" check ("period" in ('none', 'day', 'week', 'month', 'year')),
  "valid_from" timestamptz not null,
  "valid_until" timestamptz,
  "offline_grace_until" timestamptz,
  "signature" text not null,
  primary key (user_id, id)
);

create table bmad."usage_counters" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "feature_code" text not null,
  "period_key" text not null,
  "device_counts" jsonb not null default '{}',
  "used" bigint not null default 0,
  "limit_snapshot" bigint,
  primary key (user_id, id),
  unique ("user_id", "feature_code", "period_key") deferrable initially deferred
);

create table bmad."billing_events" (
  id bigint generated by default as identity primary key,
  "provider" text not null,
  "provider_event_id" text not null,
  "event_type" text not null,
  "payload" jsonb not null,
  "status" text not null default 'received' constraint "status_enum" check ("status" in ('received', 'processed', 'ignored', 'failed')),
  "attempts" bigint not null default 0,
  "last_error" text,
  "occurred_at" timestamptz not null,
  "processed_at" timestamptz,
  unique ("provider", "provider_event_id") deferrable initially deferred
);

create table bmad."met24_domain_relations" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "from_domain_id" text collate "C" not null,
  "to_domain_id" text collate "C" not null,
  "relation" text not null constraint "relation_enum" check ("relation" in ('influences', 'contains', 'balances', 'opposes', 'precedes')),
  "strength" double precision not null default 0.5 constraint "strength_check" check (strength >= 0 and strength <= 1) constraint "strength_finite" check ("strength" > '-infinity' and "strength" < 'infinity'),
  unique ("from_domain_id", "to_domain_id", "relation") deferrable initially deferred
);

create table bmad."met24_progress" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "met24_domain_id" text collate "C" not null,
  "score" double precision constraint "score_check" check (score >= 0 and score <= 100) constraint "score_finite" check ("score" > '-infinity' and "score" < 'infinity'),
  "scores_by_week" jsonb not null default '{}',
  "level_reached" bigint not null default 0,
  "focus" boolean not null default false,
  "explored_at" timestamptz,
  "last_reflection_at" timestamptz,
  "device_reflections" jsonb not null default '{}',
  "practices_done" jsonb not null default '[]',
  "note" text,
  primary key (user_id, id),
  unique ("user_id", "met24_domain_id") deferrable initially deferred
);

create table bmad."life_area_questions" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "life_area_id" text collate "C" not null,
  "question_code" text not null,
  "version" bigint not null,
  "text_i18n" jsonb not null,
  "scale" text not null constraint "scale_enum" check ("scale" in ('likert5', 'slider10')),
  "reversed" boolean not null default false,
  "weight" double precision not null default 1.0 constraint "weight_finite" check ("weight" > '-infinity' and "weight" < 'infinity'),
  "position" bigint not null,
  unique ("life_area_id", "question_code", "version") deferrable initially deferred
);

create table bmad."life_area_assessments" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "taken_at" timestamptz not null,
  "kind" text not null constraint "kind_enum" check ("kind" in ('quick', 'full', 'session', 'quarterly')),
  "preset_code" text not null,
  "scoring_version" bigint not null default 1,
  "state" text not null default 'draft' constraint "state_enum" check ("state" in ('draft', 'submitted')),
  "overall_pct" double precision constraint "overall_pct_finite" check ("overall_pct" > '-infinity' and "overall_pct" < 'infinity'),
  "balance_index" double precision constraint "balance_index_finite" check ("balance_index" > '-infinity' and "balance_index" < 'infinity'),
  "coaching_session_id" text collate "C",
  "note" text,
  primary key (user_id, id)
);

create table bmad."life_area_scores" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "assessment_id" text collate "C" not null,
  "user_life_area_id" text collate "C" not null,
  "raw_score" double precision not null constraint "raw_score_finite" check ("raw_score" > '-infinity' and "raw_score" < 'infinity'),
  "score_pct" double precision not null constraint "score_pct_check" check (score_pct >= 0 and score_pct <= 100) constraint "score_pct_finite" check ("score_pct" > '-infinity' and "score_pct" < 'infinity'),
  "answers" jsonb not null default '{}',
  "reflection" text,
  primary key (user_id, id),
  unique ("user_id", "assessment_id", "user_life_area_id") deferrable initially deferred
);

create table bmad."tasks" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "title" text not null,
  "notes" text,
  "goal_id" text collate "C",
  "parent_task_id" text collate "C",
  "coaching_session_id" text collate "C",
  "state" text not null default 'todo' constraint "state_enum" check ("state" in ('todo', 'doing', 'waiting', 'cancelled', 'done')),
  "priority" bigint not null default 0 constraint "priority_check" check (priority >= 0 and priority <= 4),
  "due_on" text,
  "due_at" timestamptz,
  "start_at" timestamptz,
  "estimate_min" bigint constraint "estimate_min_check" check (estimate_min >= 0),
  "device_seconds" jsonb not null default '{}',
  "completed_at" timestamptz,
  "rrule" text,
  "recur_anchor" text not null default 'due' constraint "recur_anchor_enum" check ("recur_anchor" in ('due', 'completion')),
  "series_id" text,
  "blocked_by" jsonb not null default '[]',
  "tag_ids" jsonb not null default '[]',
  "source" text not null default 'user' constraint "source_enum" check ("source" in ('user', 'session', 'ai', 'import')),
  "position" text not null default 'a0',
  primary key (user_id, id)
);

create table bmad."habits" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "name" text not null,
  "kind" text not null default 'build' constraint "kind_enum" check ("kind" in ('build', 'break')),
  "cue" text,
  "routine" text,
  "reward" text,
  "rrule" text not null default 'FREQ=DAILY',
  "target_count" bigint not null default 1 constraint "target_count_check" check (target_count >= 1),
  "unit" text,
  "active" boolean not null default true,
  "user_life_area_id" text collate "C",
  "goal_id" text collate "C",
  "streak_current" bigint not null default 0,
  "streak_longest" bigint not null default 0,
  "position" text not null default 'a0',
  primary key (user_id, id)
);

create table bmad."habit_logs" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "habit_id" text collate "C" not null,
  "log_date" text not null,
  "device_counts" jsonb not null default '{}',
  "total" bigint not null default 0,
  "state" text not null default 'open' constraint "state_enum" check ("state" in ('open', 'done', 'partial', 'skipped')),
  "note" text,
  primary key (user_id, id),
  unique ("user_id", "habit_id", "log_date") deferrable initially deferred
);

create table bmad."reminders" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "target_table" text not null,
  "target_id" text not null,
  "title" text not null,
  "fire_at" timestamptz not null,
  "rrule" text,
  "channel" text not null default 'local' constraint "channel_enum" check ("channel" in ('local', 'push', 'email')),
  "tz_mode" text not null default 'floating' constraint "tz_mode_enum" check ("tz_mode" in ('floating', 'fixed')),
  "state" text not null default 'armed' constraint "state_enum" check ("state" in ('armed', 'snoozed', 'fired', 'dismissed', 'expired')),
  "snooze_until" timestamptz,
  "last_fired_at" timestamptz,
  primary key (user_id, id)
);

create table bmad."user_progress" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "metric_code" text not null,
  "period_key" text not null,
  "device_counts" jsonb not null default '{}',
  "value" bigint not null default 0,
  "best_value" bigint not null default 0,
  "target_value" bigint,
  "level" bigint not null default 0,
  "streak_current" bigint not null default 0,
  "streak_longest" bigint not null default 0,
  "last_activity_on" text,
  "last_session_id" text collate "C",
  "counted_sessions" jsonb not null default '[]',
  "milestones" jsonb not null default '[]',
  primary key (user_id, id),
  unique ("user_id", "metric_code", "period_key") deferrable initially deferred
);

create table bmad."interaction_analytics" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "event_name" text not null,
  "occurred_at" timestamptz not null,
  "coaching_session_id" text collate "C",
  "screen" text,
  "target_table" text,
  "duration_ms" bigint constraint "duration_ms_check" check (duration_ms >= 0),
  "properties" jsonb not null default '{}',
  "consent_record_id" text collate "C" not null,
  "app_version" text not null,
  "txn_id" text,
  primary key (user_id, id)
);

create table bmad."feature_usage_daily" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "feature_code" text not null,
  "usage_date" text not null,
  "device_counts" jsonb not null default '{}',
  "device_ms" jsonb not null default '{}',
  "device_errors" jsonb not null default '{}',
  primary key (user_id, id),
  unique ("user_id", "feature_code", "usage_date") deferrable initially deferred
);

create table bmad."audit_log" (
  id bigint generated by default as identity primary key,
  "actor_ref" text,
  "actor_kind" text not null constraint "actor_kind_enum" check ("actor_kind" in ('user', 'device', 'service', 'support', 'system')),
  "action" text not null,
  "table_name" text,
  "row_ref" text,
  "subject_ref" text,
  "request_id" text,
  "detail" jsonb not null default '{}',
  "prev_hash" text not null,
  "row_hash" text not null,
  "at" timestamptz not null
);

create table bmad."extension_registry" (
  id text collate "C" primary key constraint id_letters check (id ~ '^[^[:space:][:cntrl:]]{1,200}$'),
  published_at timestamptz,
  retired_at timestamptz,
  server_seq bigint not null default 0,
  "code" text not null,
  "version" text not null,
  "kind" text not null constraint "kind_enum" check ("kind" in ('flag', 'module', 'integration', 'theme')),
  "title_i18n" jsonb not null,
  "manifest" jsonb not null default '{}',
  "config_schema" jsonb not null default '{}',
  "permissions" jsonb not null default '[]',
  "min_app_version" text,
  "rollout" jsonb not null default '{}',
  "status" text not null default 'draft' constraint "status_enum" check ("status" in ('draft', 'active', 'disabled')),
  unique ("code", "version") deferrable initially deferred
);

create table bmad."user_extensions" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "code" text not null,
  "installed_version" text not null,
  "enabled" boolean not null default false,
  "granted_permissions" jsonb not null default '[]',
  "settings" jsonb not null default '{}',
  "installed_at" timestamptz not null,
  "last_used_at" timestamptz,
  primary key (user_id, id),
  unique ("user_id", "code") deferrable initially deferred
);

create table bmad."extension_records" (
  user_id uuid not null,
  id text collate "C" not null constraint id_letters check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  created_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  updated_at timestamptz not null default date_trunc('milliseconds', clock_timestamp()),
  server_seq bigint not null default 0,
  hlc text not null default '',
  stamps jsonb not null default '{}',
  origin_device_id text,
  "extension_code" text not null,
  "collection" text not null,
  "record_key" text not null,
  "schema_version" bigint not null default 1,
  "data" jsonb not null default '{}',
  primary key (user_id, id),
  unique ("user_id", "extension_code", "collection", "record_key") deferrable initially deferred
);

alter table bmad."user_keyrings" add constraint "device_id_fkey"
  foreign key (user_id, "device_id") references bmad."user_devices" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."conversations" add constraint "prompt_template_id_fkey"
  foreign key ("prompt_template_id") references bmad."prompt_templates" (id) on delete set null deferrable initially deferred;

alter table bmad."user_life_areas" add constraint "life_area_id_fkey"
  foreign key ("life_area_id") references bmad."life_areas" (id) on delete set null deferrable initially deferred;

alter table bmad."met24_domains" add constraint "framework_id_fkey"
  foreign key ("framework_id") references bmad."domain_frameworks" (id) on delete no action deferrable initially deferred;

alter table bmad."goals" add constraint "user_life_area_id_fkey"
  foreign key (user_id, "user_life_area_id") references bmad."user_life_areas" (user_id, id) on delete set null ("user_life_area_id") deferrable initially deferred;

alter table bmad."goals" add constraint "met24_domain_id_fkey"
  foreign key ("met24_domain_id") references bmad."met24_domains" (id) on delete set null deferrable initially deferred;

alter table bmad."goals" add constraint "parent_goal_id_fkey"
  foreign key (user_id, "parent_goal_id") references bmad."goals" (user_id, id) on delete set null ("parent_goal_id") deferrable initially deferred;

alter table bmad."coaching_sessions" add constraint "coach_contact_id_fkey"
  foreign key (user_id, "coach_contact_id") references bmad."contacts" (user_id, id) on delete set null ("coach_contact_id") deferrable initially deferred;

alter table bmad."coaching_sessions" add constraint "conversation_id_fkey"
  foreign key (user_id, "conversation_id") references bmad."conversations" (user_id, id) on delete set null ("conversation_id") deferrable initially deferred;

alter table bmad."coaching_sessions" add constraint "user_life_area_id_fkey"
  foreign key (user_id, "user_life_area_id") references bmad."user_life_areas" (user_id, id) on delete set null ("user_life_area_id") deferrable initially deferred;

alter table bmad."coaching_sessions" add constraint "met24_domain_id_fkey"
  foreign key ("met24_domain_id") references bmad."met24_domains" (id) on delete set null deferrable initially deferred;

alter table bmad."coaching_sessions" add constraint "goal_id_fkey"
  foreign key (user_id, "goal_id") references bmad."goals" (user_id, id) on delete set null ("goal_id") deferrable initially deferred;

alter table bmad."ai_interactions" add constraint "prompt_template_id_fkey"
  foreign key ("prompt_template_id") references bmad."prompt_templates" (id) on delete set null deferrable initially deferred;

alter table bmad."ai_interactions" add constraint "consent_record_id_fkey"
  foreign key (user_id, "consent_record_id") references bmad."consent_records" (user_id, id) on delete set null ("consent_record_id") deferrable initially deferred;

alter table bmad."ai_interactions" add constraint "conversation_id_fkey"
  foreign key (user_id, "conversation_id") references bmad."conversations" (user_id, id) on delete set null ("conversation_id") deferrable initially deferred;

alter table bmad."ai_interactions" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."messages" add constraint "conversation_id_fkey"
  foreign key (user_id, "conversation_id") references bmad."conversations" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."messages" add constraint "parent_message_id_fkey"
  foreign key (user_id, "parent_message_id") references bmad."messages" (user_id, id) on delete set null ("parent_message_id") deferrable initially deferred;

alter table bmad."messages" add constraint "ai_interaction_id_fkey"
  foreign key (user_id, "ai_interaction_id") references bmad."ai_interactions" (user_id, id) on delete set null ("ai_interaction_id") deferrable initially deferred;

alter table bmad."journal_entries" add constraint "journal_id_fkey"
  foreign key (user_id, "journal_id") references bmad."journals" (user_id, id) on delete no action deferrable initially deferred;

alter table bmad."journal_entries" add constraint "prompt_content_id_fkey"
  foreign key ("prompt_content_id") references bmad."content_items" (id) on delete set null deferrable initially deferred;

alter table bmad."journal_entries" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."journal_revisions" add constraint "entry_id_fkey"
  foreign key (user_id, "entry_id") references bmad."journal_entries" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."journal_revisions" add constraint "base_revision_id_fkey"
  foreign key (user_id, "base_revision_id") references bmad."journal_revisions" (user_id, id) on delete set null ("base_revision_id") deferrable initially deferred;

alter table bmad."mood_checkins" add constraint "journal_entry_id_fkey"
  foreign key (user_id, "journal_entry_id") references bmad."journal_entries" (user_id, id) on delete set null ("journal_entry_id") deferrable initially deferred;

alter table bmad."mood_checkins" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."tags" add constraint "merged_into_id_fkey"
  foreign key (user_id, "merged_into_id") references bmad."tags" (user_id, id) on delete set null ("merged_into_id") deferrable initially deferred;

alter table bmad."attachments" add constraint "keyring_id_fkey"
  foreign key (user_id, "keyring_id") references bmad."user_keyrings" (user_id, id) on delete set null ("keyring_id") deferrable initially deferred;

alter table bmad."mbti_insights" add constraint "mbti_profile_id_fkey"
  foreign key (user_id, "mbti_profile_id") references bmad."mbti_profiles" (user_id, id) on delete set null ("mbti_profile_id") deferrable initially deferred;

alter table bmad."mbti_insights" add constraint "ai_interaction_id_fkey"
  foreign key (user_id, "ai_interaction_id") references bmad."ai_interactions" (user_id, id) on delete set null ("ai_interaction_id") deferrable initially deferred;

alter table bmad."mbti_insights" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."mbti_insights" add constraint "superseded_by_id_fkey"
  foreign key (user_id, "superseded_by_id") references bmad."mbti_insights" (user_id, id) on delete set null ("superseded_by_id") deferrable initially deferred;

alter table bmad."content_states" add constraint "content_item_id_fkey"
  foreign key ("content_item_id") references bmad."content_items" (id) on delete no action deferrable initially deferred;

alter table bmad."subscriptions" add constraint "plan_id_fkey"
  foreign key ("plan_id") references bmad."plans" (id) on delete no action deferrable initially deferred;

alter table bmad."invoices" add constraint "subscription_id_fkey"
  foreign key (user_id, "subscription_id") references bmad."subscriptions" (user_id, id) on delete no action deferrable initially deferred;

alter table bmad."payments" add constraint "invoice_id_fkey"
  foreign key (user_id, "invoice_id") references bmad."invoices" (user_id, id) on delete no action deferrable initially deferred;

alter table bmad."entitlements" add constraint "subscription_id_fkey"
  foreign key (user_id, "subscription_id") references bmad."subscriptions" (user_id, id) on delete set null ("subscription_id") deferrable initially deferred;

alter table bmad."met24_domain_relations" add constraint "from_domain_id_fkey"
  foreign key ("from_domain_id") references bmad."met24_domains" (id) on delete cascade deferrable initially deferred;

alter table bmad."met24_domain_relations" add constraint "to_domain_id_fkey"
  foreign key ("to_domain_id") references bmad."met24_domains" (id) on delete cascade deferrable initially deferred;

alter table bmad."met24_progress" add constraint "met24_domain_id_fkey"
  foreign key ("met24_domain_id") references bmad."met24_domains" (id) on delete no action deferrable initially deferred;

alter table bmad."life_area_questions" add constraint "life_area_id_fkey"
  foreign key ("life_area_id") references bmad."life_areas" (id) on delete cascade deferrable initially deferred;

alter table bmad."life_area_assessments" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."life_area_scores" add constraint "assessment_id_fkey"
  foreign key (user_id, "assessment_id") references bmad."life_area_assessments" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."life_area_scores" add constraint "user_life_area_id_fkey"
  foreign key (user_id, "user_life_area_id") references bmad."user_life_areas" (user_id, id) on delete no action deferrable initially deferred;

alter table bmad."tasks" add constraint "goal_id_fkey"
  foreign key (user_id, "goal_id") references bmad."goals" (user_id, id) on delete set null ("goal_id") deferrable initially deferred;

alter table bmad."tasks" add constraint "parent_task_id_fkey"
  foreign key (user_id, "parent_task_id") references bmad."tasks" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."tasks" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."habits" add constraint "user_life_area_id_fkey"
  foreign key (user_id, "user_life_area_id") references bmad."user_life_areas" (user_id, id) on delete set null ("user_life_area_id") deferrable initially deferred;

alter table bmad."habits" add constraint "goal_id_fkey"
  foreign key (user_id, "goal_id") references bmad."goals" (user_id, id) on delete set null ("goal_id") deferrable initially deferred;

alter table bmad."habit_logs" add constraint "habit_id_fkey"
  foreign key (user_id, "habit_id") references bmad."habits" (user_id, id) on delete cascade deferrable initially deferred;

alter table bmad."user_progress" add constraint "last_session_id_fkey"
  foreign key (user_id, "last_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("last_session_id") deferrable initially deferred;

alter table bmad."interaction_analytics" add constraint "coaching_session_id_fkey"
  foreign key (user_id, "coaching_session_id") references bmad."coaching_sessions" (user_id, id) on delete set null ("coaching_session_id") deferrable initially deferred;

alter table bmad."interaction_analytics" add constraint "consent_record_id_fkey"
  foreign key (user_id, "consent_record_id") references bmad."consent_records" (user_id, id) on delete no action deferrable initially deferred;

create index "ix_users_user_id_server_seq" on bmad."users" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_devices_user_id_server_seq" on bmad."user_devices" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_preferences_user_id_server_seq" on bmad."user_preferences" ("user_id", "server_seq") where server_seq > 0;

create index "ix_mbti_profiles_user_id_server_seq" on bmad."mbti_profiles" ("user_id", "server_seq") where server_seq > 0;

create index "ix_consent_records_user_id_server_seq" on bmad."consent_records" ("user_id", "server_seq") where server_seq > 0;

create index "ix_data_requests_user_id_server_seq" on bmad."data_requests" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_keyrings_user_id_server_seq" on bmad."user_keyrings" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_keyrings_user_id_device_id" on bmad."user_keyrings" ("user_id", "device_id") where "device_id" is not null;

create index "ix_onboarding_steps_server_seq" on bmad."onboarding_steps" ("server_seq");

create index "ix_onboarding_steps_flow_code_flow_version_position" on bmad."onboarding_steps" ("flow_code", "flow_version", "position");

create index "ix_onboarding_progress_user_id_server_seq" on bmad."onboarding_progress" ("user_id", "server_seq") where server_seq > 0;

create index "ix_contacts_user_id_server_seq" on bmad."contacts" ("user_id", "server_seq") where server_seq > 0;

create index "ix_prompt_templates_server_seq" on bmad."prompt_templates" ("server_seq");

create index "ix_conversations_user_id_server_seq" on bmad."conversations" ("user_id", "server_seq") where server_seq > 0;

create index "ix_life_areas_server_seq" on bmad."life_areas" ("server_seq");

create index "ix_user_life_areas_user_id_server_seq" on bmad."user_life_areas" ("user_id", "server_seq") where server_seq > 0;

create index "ix_domain_frameworks_server_seq" on bmad."domain_frameworks" ("server_seq");

create index "ix_met24_domains_server_seq" on bmad."met24_domains" ("server_seq");

create index "ix_goals_user_id_server_seq" on bmad."goals" ("user_id", "server_seq") where server_seq > 0;

create index "ix_goals_user_id_user_life_area_id" on bmad."goals" ("user_id", "user_life_area_id") where "user_life_area_id" is not null;

create index "ix_goals_user_id_parent_goal_id" on bmad."goals" ("user_id", "parent_goal_id") where "parent_goal_id" is not null;

create index "ix_coaching_sessions_user_id_server_seq" on bmad."coaching_sessions" ("user_id", "server_seq") where server_seq > 0;

create index "ix_coaching_sessions_user_id_coach_contact_id" on bmad."coaching_sessions" ("user_id", "coach_contact_id") where "coach_contact_id" is not null;

create index "ix_coaching_sessions_user_id_conversation_id" on bmad."coaching_sessions" ("user_id", "conversation_id") where "conversation_id" is not null;

create index "ix_coaching_sessions_user_id_user_life_area_id" on bmad."coaching_sessions" ("user_id", "user_life_area_id") where "user_life_area_id" is not null;

create index "ix_coaching_sessions_user_id_goal_id" on bmad."coaching_sessions" ("user_id", "goal_id") where "goal_id" is not null;

create index "ix_ai_interactions_user_id_server_seq" on bmad."ai_interactions" ("user_id", "server_seq") where server_seq > 0;

create index "ix_ai_interactions_user_id_consent_record_id" on bmad."ai_interactions" ("user_id", "consent_record_id") where "consent_record_id" is not null;

create index "ix_ai_interactions_user_id_conversation_id" on bmad."ai_interactions" ("user_id", "conversation_id") where "conversation_id" is not null;

create index "ix_ai_interactions_user_id_coaching_session_id" on bmad."ai_interactions" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_messages_user_id_server_seq" on bmad."messages" ("user_id", "server_seq") where server_seq > 0;

create index "ix_messages_user_id_conversation_id" on bmad."messages" ("user_id", "conversation_id") where "conversation_id" is not null;

create index "ix_messages_user_id_parent_message_id" on bmad."messages" ("user_id", "parent_message_id") where "parent_message_id" is not null;

create index "ix_messages_user_id_ai_interaction_id" on bmad."messages" ("user_id", "ai_interaction_id") where "ai_interaction_id" is not null;

create index "ix_journals_user_id_server_seq" on bmad."journals" ("user_id", "server_seq") where server_seq > 0;

create index "ix_content_items_server_seq" on bmad."content_items" ("server_seq");

create index "ix_content_items_kind" on bmad."content_items" ("kind");

create index "ix_journal_entries_user_id_server_seq" on bmad."journal_entries" ("user_id", "server_seq") where server_seq > 0;

create index "ix_journal_entries_user_id_journal_id" on bmad."journal_entries" ("user_id", "journal_id") where "journal_id" is not null;

create index "ix_journal_entries_user_id_coaching_session_id" on bmad."journal_entries" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_journal_revisions_user_id_server_seq" on bmad."journal_revisions" ("user_id", "server_seq") where server_seq > 0;

create index "ix_journal_revisions_user_id_entry_id" on bmad."journal_revisions" ("user_id", "entry_id") where "entry_id" is not null;

create index "ix_journal_revisions_user_id_base_revision_id" on bmad."journal_revisions" ("user_id", "base_revision_id") where "base_revision_id" is not null;

create index "ix_mood_checkins_user_id_server_seq" on bmad."mood_checkins" ("user_id", "server_seq") where server_seq > 0;

create index "ix_mood_checkins_user_id_journal_entry_id" on bmad."mood_checkins" ("user_id", "journal_entry_id") where "journal_entry_id" is not null;

create index "ix_mood_checkins_user_id_coaching_session_id" on bmad."mood_checkins" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_tags_user_id_server_seq" on bmad."tags" ("user_id", "server_seq") where server_seq > 0;

create index "ix_tags_user_id_merged_into_id" on bmad."tags" ("user_id", "merged_into_id") where "merged_into_id" is not null;

create index "ix_attachments_user_id_server_seq" on bmad."attachments" ("user_id", "server_seq") where server_seq > 0;

create index "ix_attachments_user_id_keyring_id" on bmad."attachments" ("user_id", "keyring_id") where "keyring_id" is not null;

create index "ix_record_links_user_id_server_seq" on bmad."record_links" ("user_id", "server_seq") where server_seq > 0;

create index "ix_ai_memories_user_id_server_seq" on bmad."ai_memories" ("user_id", "server_seq") where server_seq > 0;

create index "ix_mbti_insights_user_id_server_seq" on bmad."mbti_insights" ("user_id", "server_seq") where server_seq > 0;

create index "ix_mbti_insights_user_id_mbti_profile_id" on bmad."mbti_insights" ("user_id", "mbti_profile_id") where "mbti_profile_id" is not null;

create index "ix_mbti_insights_user_id_ai_interaction_id" on bmad."mbti_insights" ("user_id", "ai_interaction_id") where "ai_interaction_id" is not null;

create index "ix_mbti_insights_user_id_coaching_session_id" on bmad."mbti_insights" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_mbti_insights_user_id_superseded_by_id" on bmad."mbti_insights" ("user_id", "superseded_by_id") where "superseded_by_id" is not null;

create index "ix_content_states_user_id_server_seq" on bmad."content_states" ("user_id", "server_seq") where server_seq > 0;

create index "ix_plans_server_seq" on bmad."plans" ("server_seq");

create index "ix_subscriptions_user_id_server_seq" on bmad."subscriptions" ("user_id", "server_seq") where server_seq > 0;

create index "ix_invoices_user_id_server_seq" on bmad."invoices" ("user_id", "server_seq") where server_seq > 0;

create index "ix_invoices_user_id_subscription_id" on bmad."invoices" ("user_id", "subscription_id") where "subscription_id" is not null;

create index "ix_payments_user_id_server_seq" on bmad."payments" ("user_id", "server_seq") where server_seq > 0;

create index "ix_payments_user_id_invoice_id" on bmad."payments" ("user_id", "invoice_id") where "invoice_id" is not null;

create index "ix_entitlements_user_id_server_seq" on bmad."entitlements" ("user_id", "server_seq") where server_seq > 0;

create index "ix_entitlements_user_id_subscription_id" on bmad."entitlements" ("user_id", "subscription_id") where "subscription_id" is not null;

create index "ix_usage_counters_user_id_server_seq" on bmad."usage_counters" ("user_id", "server_seq") where server_seq > 0;

create index "ix_billing_events_status_occurred_at" on bmad."billing_events" ("status", "occurred_at");

create index "ix_met24_domain_relations_server_seq" on bmad."met24_domain_relations" ("server_seq");

create index "ix_met24_domain_relations_to_domain_id" on bmad."met24_domain_relations" ("to_domain_id");

create index "ix_met24_progress_user_id_server_seq" on bmad."met24_progress" ("user_id", "server_seq") where server_seq > 0;

create index "ix_life_area_questions_server_seq" on bmad."life_area_questions" ("server_seq");

create index "ix_life_area_assessments_user_id_server_seq" on bmad."life_area_assessments" ("user_id", "server_seq") where server_seq > 0;

create index "ix_life_area_assessments_user_id_coaching_session_id" on bmad."life_area_assessments" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_life_area_scores_user_id_server_seq" on bmad."life_area_scores" ("user_id", "server_seq") where server_seq > 0;

create index "ix_life_area_scores_user_id_assessment_id" on bmad."life_area_scores" ("user_id", "assessment_id") where "assessment_id" is not null;

create index "ix_life_area_scores_user_id_user_life_area_id" on bmad."life_area_scores" ("user_id", "user_life_area_id") where "user_life_area_id" is not null;

create index "ix_tasks_user_id_server_seq" on bmad."tasks" ("user_id", "server_seq") where server_seq > 0;

create index "ix_tasks_user_id_goal_id" on bmad."tasks" ("user_id", "goal_id") where "goal_id" is not null;

create index "ix_tasks_user_id_parent_task_id" on bmad."tasks" ("user_id", "parent_task_id") where "parent_task_id" is not null;

create index "ix_tasks_user_id_coaching_session_id" on bmad."tasks" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_habits_user_id_server_seq" on bmad."habits" ("user_id", "server_seq") where server_seq > 0;

create index "ix_habits_user_id_user_life_area_id" on bmad."habits" ("user_id", "user_life_area_id") where "user_life_area_id" is not null;

create index "ix_habits_user_id_goal_id" on bmad."habits" ("user_id", "goal_id") where "goal_id" is not null;

create index "ix_habit_logs_user_id_server_seq" on bmad."habit_logs" ("user_id", "server_seq") where server_seq > 0;

create index "ix_habit_logs_user_id_habit_id" on bmad."habit_logs" ("user_id", "habit_id") where "habit_id" is not null;

create index "ix_reminders_user_id_server_seq" on bmad."reminders" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_progress_user_id_server_seq" on bmad."user_progress" ("user_id", "server_seq") where server_seq > 0;

create index "ix_user_progress_user_id_last_session_id" on bmad."user_progress" ("user_id", "last_session_id") where "last_session_id" is not null;

create index "ix_interaction_analytics_user_id_server_seq" on bmad."interaction_analytics" ("user_id", "server_seq") where server_seq > 0;

create index "ix_interaction_analytics_user_id_coaching_session_id" on bmad."interaction_analytics" ("user_id", "coaching_session_id") where "coaching_session_id" is not null;

create index "ix_interaction_analytics_user_id_consent_record_id" on bmad."interaction_analytics" ("user_id", "consent_record_id") where "consent_record_id" is not null;

create index "ix_feature_usage_daily_user_id_server_seq" on bmad."feature_usage_daily" ("user_id", "server_seq") where server_seq > 0;

create index "ix_audit_log_subject_ref_at" on bmad."audit_log" ("subject_ref", "at");

create index "ix_audit_log_action_at" on bmad."audit_log" ("action", "at");

create index "ix_extension_registry_server_seq" on bmad."extension_registry" ("server_seq");

create index "ix_user_extensions_user_id_server_seq" on bmad."user_extensions" ("user_id", "server_seq") where server_seq > 0;

create index "ix_extension_records_user_id_server_seq" on bmad."extension_records" ("user_id", "server_seq") where server_seq > 0;

alter table bmad."users" enable row level security;
alter table bmad."users" force row level security;
revoke all on bmad."users" from public, anon, authenticated;
grant select, insert, update, delete on bmad."users" to service_role;
drop policy if exists service on bmad."users";
create policy service on bmad."users" for all to service_role using (true) with check (true);
grant select on bmad."users" to authenticated;
drop policy if exists read on bmad."users";
create policy read on bmad."users" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "display_name", "avatar_attachment_id", "locale", "timezone", "birth_year", "pronouns", "onboarding_status", "terms_version", "privacy_version", "e2ee_state", "last_seen_at", "safety_hold_until") on bmad."users" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "display_name", "avatar_attachment_id", "locale", "timezone", "birth_year", "pronouns", "onboarding_status", "terms_version", "privacy_version", "e2ee_state", "last_seen_at", "safety_hold_until") on bmad."users" to authenticated;
drop policy if exists add on bmad."users";
create policy add on bmad."users" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."users";
create policy change on bmad."users" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."users";
create unique index if not exists "users_one_account_per_email" on bmad."users" ((lower(email)));

alter table bmad."user_devices" enable row level security;
alter table bmad."user_devices" force row level security;
revoke all on bmad."user_devices" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_devices" to service_role;
drop policy if exists service on bmad."user_devices";
create policy service on bmad."user_devices" for all to service_role using (true) with check (true);
grant select on bmad."user_devices" to authenticated;
drop policy if exists read on bmad."user_devices";
create policy read on bmad."user_devices" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "device_label", "platform", "app_version", "schema_version", "public_key", "push_endpoint", "last_pull_seq", "last_sync_at", "storage_used_bytes", "revoked_at") on bmad."user_devices" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "device_label", "app_version", "schema_version", "push_endpoint", "last_pull_seq", "last_sync_at", "storage_used_bytes", "revoked_at") on bmad."user_devices" to authenticated;
drop policy if exists add on bmad."user_devices";
create policy add on bmad."user_devices" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_devices";
create policy change on bmad."user_devices" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_devices";
grant delete on bmad."user_devices" to authenticated;
create policy remove on bmad."user_devices" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."user_preferences" enable row level security;
alter table bmad."user_preferences" force row level security;
revoke all on bmad."user_preferences" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_preferences" to service_role;
drop policy if exists service on bmad."user_preferences";
create policy service on bmad."user_preferences" for all to service_role using (true) with check (true);
grant select on bmad."user_preferences" to authenticated;
drop policy if exists read on bmad."user_preferences";
create policy read on bmad."user_preferences" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "prefs_version", "theme", "font_scale", "coach_tone", "notifications_enabled", "notification_channels", "quiet_hours_start", "quiet_hours_end", "week_starts_on", "daily_focus_minutes", "mbti_optimisation", "analytics_level", "sync_on_metered", "storage_limit_mb", "retention_overrides", "feature_toggles", "custom") on bmad."user_preferences" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "prefs_version", "theme", "font_scale", "coach_tone", "notifications_enabled", "notification_channels", "quiet_hours_start", "quiet_hours_end", "week_starts_on", "daily_focus_minutes", "mbti_optimisation", "analytics_level", "sync_on_metered", "storage_limit_mb", "retention_overrides", "feature_toggles", "custom") on bmad."user_preferences" to authenticated;
drop policy if exists add on bmad."user_preferences";
create policy add on bmad."user_preferences" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_preferences";
create policy change on bmad."user_preferences" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_preferences";

alter table bmad."mbti_profiles" enable row level security;
alter table bmad."mbti_profiles" force row level security;
revoke all on bmad."mbti_profiles" from public, anon, authenticated;
grant select, insert, update, delete on bmad."mbti_profiles" to service_role;
drop policy if exists service on bmad."mbti_profiles";
create policy service on bmad."mbti_profiles" for all to service_role using (true) with check (true);
grant select on bmad."mbti_profiles" to authenticated;
drop policy if exists read on bmad."mbti_profiles";
create policy read on bmad."mbti_profiles" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "type_code", "axis_ei", "axis_sn", "axis_tf", "axis_jp", "borderline_axes", "confidence", "source", "instrument_code", "instrument_version", "answered_items", "total_items", "dominant", "auxiliary", "tertiary", "inferior", "influence", "assessed_at", "is_current", "note") on bmad."mbti_profiles" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "borderline_axes", "confidence", "dominant", "auxiliary", "tertiary", "inferior", "influence", "is_current", "note") on bmad."mbti_profiles" to authenticated;
drop policy if exists add on bmad."mbti_profiles";
create policy add on bmad."mbti_profiles" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."mbti_profiles";
create policy change on bmad."mbti_profiles" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."mbti_profiles";
grant delete on bmad."mbti_profiles" to authenticated;
create policy remove on bmad."mbti_profiles" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."consent_records" enable row level security;
alter table bmad."consent_records" force row level security;
revoke all on bmad."consent_records" from public, anon, authenticated;
grant select, insert, update, delete on bmad."consent_records" to service_role;
drop policy if exists service on bmad."consent_records";
create policy service on bmad."consent_records" for all to service_role using (true) with check (true);
grant select on bmad."consent_records" to authenticated;
drop policy if exists read on bmad."consent_records";
create policy read on bmad."consent_records" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "purpose", "action", "policy_version", "policy_sha256", "shown_locale", "method", "evidence", "acted_at") on bmad."consent_records" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps") on bmad."consent_records" to authenticated;
drop policy if exists add on bmad."consent_records";
create policy add on bmad."consent_records" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."consent_records";
create policy change on bmad."consent_records" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."consent_records";

alter table bmad."data_requests" enable row level security;
alter table bmad."data_requests" force row level security;
revoke all on bmad."data_requests" from public, anon, authenticated;
grant select, insert, update, delete on bmad."data_requests" to service_role;
drop policy if exists service on bmad."data_requests";
create policy service on bmad."data_requests" for all to service_role using (true) with check (true);
grant select on bmad."data_requests" to authenticated;
drop policy if exists read on bmad."data_requests";
create policy read on bmad."data_requests" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "kind", "scope", "requested_at", "devices_confirmed") on bmad."data_requests" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "devices_confirmed") on bmad."data_requests" to authenticated;
drop policy if exists add on bmad."data_requests";
create policy add on bmad."data_requests" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."data_requests";
create policy change on bmad."data_requests" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."data_requests";

alter table bmad."user_keyrings" enable row level security;
alter table bmad."user_keyrings" force row level security;
revoke all on bmad."user_keyrings" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_keyrings" to service_role;
drop policy if exists service on bmad."user_keyrings";
create policy service on bmad."user_keyrings" for all to service_role using (true) with check (true);
grant select on bmad."user_keyrings" to authenticated;
drop policy if exists read on bmad."user_keyrings";
create policy read on bmad."user_keyrings" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "key_scope", "scope_id", "key_version", "wrapped_key", "wrap_method", "kdf_params", "device_id", "state", "destroyed_at") on bmad."user_keyrings" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "wrapped_key", "state", "destroyed_at") on bmad."user_keyrings" to authenticated;
drop policy if exists add on bmad."user_keyrings";
create policy add on bmad."user_keyrings" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_keyrings";
create policy change on bmad."user_keyrings" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_keyrings";
grant delete on bmad."user_keyrings" to authenticated;
create policy remove on bmad."user_keyrings" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."onboarding_steps" enable row level security;
alter table bmad."onboarding_steps" force row level security;
revoke all on bmad."onboarding_steps" from public, anon, authenticated;
grant select, insert, update, delete on bmad."onboarding_steps" to service_role;
drop policy if exists service on bmad."onboarding_steps";
create policy service on bmad."onboarding_steps" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."onboarding_steps";
create policy machinery on bmad."onboarding_steps" for all to current_user using (true) with check (true);
grant select on bmad."onboarding_steps" to authenticated;
drop policy if exists read on bmad."onboarding_steps";
create policy read on bmad."onboarding_steps" for select to authenticated using (true);

alter table bmad."onboarding_progress" enable row level security;
alter table bmad."onboarding_progress" force row level security;
revoke all on bmad."onboarding_progress" from public, anon, authenticated;
grant select, insert, update, delete on bmad."onboarding_progress" to service_role;
drop policy if exists service on bmad."onboarding_progress";
create policy service on bmad."onboarding_progress" for all to service_role using (true) with check (true);
grant select on bmad."onboarding_progress" to authenticated;
drop policy if exists read on bmad."onboarding_progress";
create policy read on bmad."onboarding_progress" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "flow_code", "flow_version", "status", "current_step", "completed_steps", "skipped_steps", "answers", "device_seconds", "started_at", "completed_at") on bmad."onboarding_progress" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "flow_version", "status", "current_step", "completed_steps", "skipped_steps", "answers", "device_seconds", "started_at", "completed_at") on bmad."onboarding_progress" to authenticated;
drop policy if exists add on bmad."onboarding_progress";
create policy add on bmad."onboarding_progress" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."onboarding_progress";
create policy change on bmad."onboarding_progress" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."onboarding_progress";
grant delete on bmad."onboarding_progress" to authenticated;
create policy remove on bmad."onboarding_progress" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."contacts" enable row level security;
alter table bmad."contacts" force row level security;
revoke all on bmad."contacts" from public, anon, authenticated;
grant select, insert, update, delete on bmad."contacts" to service_role;
drop policy if exists service on bmad."contacts";
create policy service on bmad."contacts" for all to service_role using (true) with check (true);
grant select on bmad."contacts" to authenticated;
drop policy if exists read on bmad."contacts";
create policy read on bmad."contacts" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "display_name", "relation", "circle", "email", "phone", "birthday", "is_coach", "device_touches", "last_touch_at", "notes") on bmad."contacts" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "display_name", "relation", "circle", "email", "phone", "birthday", "is_coach", "device_touches", "last_touch_at", "notes") on bmad."contacts" to authenticated;
drop policy if exists add on bmad."contacts";
create policy add on bmad."contacts" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."contacts";
create policy change on bmad."contacts" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."contacts";
grant delete on bmad."contacts" to authenticated;
create policy remove on bmad."contacts" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."prompt_templates" enable row level security;
alter table bmad."prompt_templates" force row level security;
revoke all on bmad."prompt_templates" from public, anon, authenticated;
grant select, insert, update, delete on bmad."prompt_templates" to service_role;
drop policy if exists service on bmad."prompt_templates";
create policy service on bmad."prompt_templates" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."prompt_templates";
create policy machinery on bmad."prompt_templates" for all to current_user using (true) with check (true);
grant select on bmad."prompt_templates" to authenticated;
drop policy if exists read on bmad."prompt_templates";
create policy read on bmad."prompt_templates" for select to authenticated using (true);

alter table bmad."conversations" enable row level security;
alter table bmad."conversations" force row level security;
revoke all on bmad."conversations" from public, anon, authenticated;
grant select, insert, update, delete on bmad."conversations" to service_role;
drop policy if exists service on bmad."conversations";
create policy service on bmad."conversations" for all to service_role using (true) with check (true);
grant select on bmad."conversations" to authenticated;
drop policy if exists read on bmad."conversations";
create policy read on bmad."conversations" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "kind", "title", "state", "pinned", "prompt_template_id", "model_hint", "last_message_at", "message_count", "summary", "tag_ids") on bmad."conversations" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "title", "state", "pinned", "prompt_template_id", "model_hint", "last_message_at", "message_count", "summary", "tag_ids") on bmad."conversations" to authenticated;
drop policy if exists add on bmad."conversations";
create policy add on bmad."conversations" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."conversations";
create policy change on bmad."conversations" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."conversations";
grant delete on bmad."conversations" to authenticated;
create policy remove on bmad."conversations" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."life_areas" enable row level security;
alter table bmad."life_areas" force row level security;
revoke all on bmad."life_areas" from public, anon, authenticated;
grant select, insert, update, delete on bmad."life_areas" to service_role;
drop policy if exists service on bmad."life_areas";
create policy service on bmad."life_areas" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."life_areas";
create policy machinery on bmad."life_areas" for all to current_user using (true) with check (true);
grant select on bmad."life_areas" to authenticated;
drop policy if exists read on bmad."life_areas";
create policy read on bmad."life_areas" for select to authenticated using (true);

alter table bmad."user_life_areas" enable row level security;
alter table bmad."user_life_areas" force row level security;
revoke all on bmad."user_life_areas" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_life_areas" to service_role;
drop policy if exists service on bmad."user_life_areas";
create policy service on bmad."user_life_areas" for all to service_role using (true) with check (true);
grant select on bmad."user_life_areas" to authenticated;
drop policy if exists read on bmad."user_life_areas";
create policy read on bmad."user_life_areas" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "code", "life_area_id", "custom_name", "color", "position", "active", "importance", "target_score", "current_score") on bmad."user_life_areas" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "life_area_id", "custom_name", "color", "position", "active", "importance", "target_score", "current_score") on bmad."user_life_areas" to authenticated;
drop policy if exists add on bmad."user_life_areas";
create policy add on bmad."user_life_areas" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_life_areas";
create policy change on bmad."user_life_areas" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_life_areas";
grant delete on bmad."user_life_areas" to authenticated;
create policy remove on bmad."user_life_areas" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."domain_frameworks" enable row level security;
alter table bmad."domain_frameworks" force row level security;
revoke all on bmad."domain_frameworks" from public, anon, authenticated;
grant select, insert, update, delete on bmad."domain_frameworks" to service_role;
drop policy if exists service on bmad."domain_frameworks";
create policy service on bmad."domain_frameworks" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."domain_frameworks";
create policy machinery on bmad."domain_frameworks" for all to current_user using (true) with check (true);
grant select on bmad."domain_frameworks" to authenticated;
drop policy if exists read on bmad."domain_frameworks";
create policy read on bmad."domain_frameworks" for select to authenticated using (true);

alter table bmad."met24_domains" enable row level security;
alter table bmad."met24_domains" force row level security;
revoke all on bmad."met24_domains" from public, anon, authenticated;
grant select, insert, update, delete on bmad."met24_domains" to service_role;
drop policy if exists service on bmad."met24_domains";
create policy service on bmad."met24_domains" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."met24_domains";
create policy machinery on bmad."met24_domains" for all to current_user using (true) with check (true);
grant select on bmad."met24_domains" to authenticated;
drop policy if exists read on bmad."met24_domains";
create policy read on bmad."met24_domains" for select to authenticated using (true);

alter table bmad."goals" enable row level security;
alter table bmad."goals" force row level security;
revoke all on bmad."goals" from public, anon, authenticated;
grant select, insert, update, delete on bmad."goals" to service_role;
drop policy if exists service on bmad."goals";
create policy service on bmad."goals" for all to service_role using (true) with check (true);
grant select on bmad."goals" to authenticated;
drop policy if exists read on bmad."goals";
create policy read on bmad."goals" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "title", "description", "why", "obstacle", "if_then", "user_life_area_id", "met24_domain_id", "parent_goal_id", "horizon", "state", "importance", "start_on", "due_on", "metric", "progress_pct", "achieved_at", "position") on bmad."goals" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "title", "description", "why", "obstacle", "if_then", "user_life_area_id", "met24_domain_id", "parent_goal_id", "horizon", "state", "importance", "start_on", "due_on", "metric", "progress_pct", "achieved_at", "position") on bmad."goals" to authenticated;
drop policy if exists add on bmad."goals";
create policy add on bmad."goals" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."goals";
create policy change on bmad."goals" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."goals";
grant delete on bmad."goals" to authenticated;
create policy remove on bmad."goals" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."coaching_sessions" enable row level security;
alter table bmad."coaching_sessions" force row level security;
revoke all on bmad."coaching_sessions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."coaching_sessions" to service_role;
drop policy if exists service on bmad."coaching_sessions";
create policy service on bmad."coaching_sessions" for all to service_role using (true) with check (true);
grant select on bmad."coaching_sessions" to authenticated;
drop policy if exists read on bmad."coaching_sessions";
create policy read on bmad."coaching_sessions" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "kind", "coach_kind", "coach_contact_id", "title", "intention", "status", "scheduled_at", "started_at", "ended_at", "device_seconds", "conversation_id", "user_life_area_id", "met24_domain_id", "goal_id", "method_code", "mood_before", "mood_after", "rating", "summary", "takeaways", "task_ids", "type_at_session", "txn_id") on bmad."coaching_sessions" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "coach_contact_id", "title", "intention", "status", "scheduled_at", "started_at", "ended_at", "device_seconds", "conversation_id", "user_life_area_id", "met24_domain_id", "goal_id", "method_code", "mood_before", "mood_after", "rating", "summary", "takeaways", "task_ids") on bmad."coaching_sessions" to authenticated;
drop policy if exists add on bmad."coaching_sessions";
create policy add on bmad."coaching_sessions" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."coaching_sessions";
create policy change on bmad."coaching_sessions" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."coaching_sessions";
grant delete on bmad."coaching_sessions" to authenticated;
create policy remove on bmad."coaching_sessions" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."ai_interactions" enable row level security;
alter table bmad."ai_interactions" force row level security;
revoke all on bmad."ai_interactions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."ai_interactions" to service_role;
drop policy if exists service on bmad."ai_interactions";
create policy service on bmad."ai_interactions" for all to service_role using (true) with check (true);
grant select on bmad."ai_interactions" to authenticated;
drop policy if exists read on bmad."ai_interactions";
create policy read on bmad."ai_interactions" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "purpose", "prompt_template_id", "provider", "model", "ran_on", "consent_record_id", "conversation_id", "coaching_session_id", "request_hash", "input_tokens", "output_tokens", "cost_micros", "latency_ms", "status", "error_code", "started_at") on bmad."ai_interactions" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "prompt_template_id", "consent_record_id", "conversation_id", "coaching_session_id") on bmad."ai_interactions" to authenticated;
drop policy if exists add on bmad."ai_interactions";
create policy add on bmad."ai_interactions" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."ai_interactions";
create policy change on bmad."ai_interactions" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."ai_interactions";
grant delete on bmad."ai_interactions" to authenticated;
create policy remove on bmad."ai_interactions" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."messages" enable row level security;
alter table bmad."messages" force row level security;
revoke all on bmad."messages" from public, anon, authenticated;
grant select, insert, update, delete on bmad."messages" to service_role;
drop policy if exists service on bmad."messages";
create policy service on bmad."messages" for all to service_role using (true) with check (true);
grant select on bmad."messages" to authenticated;
drop policy if exists read on bmad."messages";
create policy read on bmad."messages" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "conversation_id", "parent_message_id", "role", "content", "content_format", "status", "model", "input_tokens", "output_tokens", "feedback", "feedback_note", "safety_flag", "ai_interaction_id", "sent_at") on bmad."messages" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "parent_message_id", "content", "status", "input_tokens", "output_tokens", "feedback", "feedback_note", "safety_flag", "ai_interaction_id") on bmad."messages" to authenticated;
drop policy if exists add on bmad."messages";
create policy add on bmad."messages" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."messages";
create policy change on bmad."messages" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."messages";
grant delete on bmad."messages" to authenticated;
create policy remove on bmad."messages" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."journals" enable row level security;
alter table bmad."journals" force row level security;
revoke all on bmad."journals" from public, anon, authenticated;
grant select, insert, update, delete on bmad."journals" to service_role;
drop policy if exists service on bmad."journals";
create policy service on bmad."journals" for all to service_role using (true) with check (true);
grant select on bmad."journals" to authenticated;
drop policy if exists read on bmad."journals";
create policy read on bmad."journals" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "name", "icon", "color", "position", "e2ee_state", "archived_at") on bmad."journals" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "name", "icon", "color", "position", "e2ee_state", "archived_at") on bmad."journals" to authenticated;
drop policy if exists add on bmad."journals";
create policy add on bmad."journals" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."journals";
create policy change on bmad."journals" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."journals";
grant delete on bmad."journals" to authenticated;
create policy remove on bmad."journals" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."content_items" enable row level security;
alter table bmad."content_items" force row level security;
revoke all on bmad."content_items" from public, anon, authenticated;
grant select, insert, update, delete on bmad."content_items" to service_role;
drop policy if exists service on bmad."content_items";
create policy service on bmad."content_items" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."content_items";
create policy machinery on bmad."content_items" for all to current_user using (true) with check (true);
grant select on bmad."content_items" to authenticated;
drop policy if exists read on bmad."content_items";
create policy read on bmad."content_items" for select to authenticated using (true);

alter table bmad."journal_entries" enable row level security;
alter table bmad."journal_entries" force row level security;
revoke all on bmad."journal_entries" from public, anon, authenticated;
grant select, insert, update, delete on bmad."journal_entries" to service_role;
drop policy if exists service on bmad."journal_entries";
create policy service on bmad."journal_entries" for all to service_role using (true) with check (true);
grant select on bmad."journal_entries" to authenticated;
drop policy if exists read on bmad."journal_entries";
create policy read on bmad."journal_entries" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "journal_id", "entry_date", "occurred_at", "tz", "entry_type", "title", "body", "body_format", "body_hash", "word_count", "mood", "energy", "emotions", "tag_ids", "user_life_area_ids", "met24_domain_ids", "prompt_content_id", "coaching_session_id", "starred", "location", "weather", "archived_at") on bmad."journal_entries" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "journal_id", "entry_date", "title", "body", "body_hash", "word_count", "mood", "energy", "emotions", "tag_ids", "user_life_area_ids", "met24_domain_ids", "prompt_content_id", "coaching_session_id", "starred", "location", "weather", "archived_at") on bmad."journal_entries" to authenticated;
drop policy if exists add on bmad."journal_entries";
create policy add on bmad."journal_entries" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."journal_entries";
create policy change on bmad."journal_entries" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."journal_entries";
grant delete on bmad."journal_entries" to authenticated;
create policy remove on bmad."journal_entries" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."journal_revisions" enable row level security;
alter table bmad."journal_revisions" force row level security;
revoke all on bmad."journal_revisions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."journal_revisions" to service_role;
drop policy if exists service on bmad."journal_revisions";
create policy service on bmad."journal_revisions" for all to service_role using (true) with check (true);
grant select on bmad."journal_revisions" to authenticated;
drop policy if exists read on bmad."journal_revisions";
create policy read on bmad."journal_revisions" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "entry_id", "base_revision_id", "content_hash", "body_delta", "is_full", "reason", "captured_at") on bmad."journal_revisions" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "base_revision_id") on bmad."journal_revisions" to authenticated;
drop policy if exists add on bmad."journal_revisions";
create policy add on bmad."journal_revisions" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."journal_revisions";
create policy change on bmad."journal_revisions" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."journal_revisions";
grant delete on bmad."journal_revisions" to authenticated;
create policy remove on bmad."journal_revisions" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."mood_checkins" enable row level security;
alter table bmad."mood_checkins" force row level security;
revoke all on bmad."mood_checkins" from public, anon, authenticated;
grant select, insert, update, delete on bmad."mood_checkins" to service_role;
drop policy if exists service on bmad."mood_checkins";
create policy service on bmad."mood_checkins" for all to service_role using (true) with check (true);
grant select on bmad."mood_checkins" to authenticated;
drop policy if exists read on bmad."mood_checkins";
create policy read on bmad."mood_checkins" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "measured_at", "mood", "valence", "arousal", "stress", "energy", "emotions", "note", "source", "journal_entry_id", "coaching_session_id") on bmad."mood_checkins" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "mood", "valence", "arousal", "stress", "energy", "emotions", "note", "journal_entry_id", "coaching_session_id") on bmad."mood_checkins" to authenticated;
drop policy if exists add on bmad."mood_checkins";
create policy add on bmad."mood_checkins" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."mood_checkins";
create policy change on bmad."mood_checkins" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."mood_checkins";
grant delete on bmad."mood_checkins" to authenticated;
create policy remove on bmad."mood_checkins" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."tags" enable row level security;
alter table bmad."tags" force row level security;
revoke all on bmad."tags" from public, anon, authenticated;
grant select, insert, update, delete on bmad."tags" to service_role;
drop policy if exists service on bmad."tags";
create policy service on bmad."tags" for all to service_role using (true) with check (true);
grant select on bmad."tags" to authenticated;
drop policy if exists read on bmad."tags";
create policy read on bmad."tags" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "name", "label", "color", "kind", "merged_into_id", "use_count") on bmad."tags" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "label", "color", "kind", "merged_into_id", "use_count") on bmad."tags" to authenticated;
drop policy if exists add on bmad."tags";
create policy add on bmad."tags" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."tags";
create policy change on bmad."tags" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."tags";
grant delete on bmad."tags" to authenticated;
create policy remove on bmad."tags" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."attachments" enable row level security;
alter table bmad."attachments" force row level security;
revoke all on bmad."attachments" from public, anon, authenticated;
grant select, insert, update, delete on bmad."attachments" to service_role;
drop policy if exists service on bmad."attachments";
create policy service on bmad."attachments" for all to service_role using (true) with check (true);
grant select on bmad."attachments" to authenticated;
drop policy if exists read on bmad."attachments";
create policy read on bmad."attachments" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "owner_table", "owner_id", "media_type", "byte_size", "sha256", "width", "height", "duration_ms", "upload_state", "keyring_id", "caption", "transcript", "taken_at") on bmad."attachments" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "upload_state", "keyring_id", "caption", "transcript") on bmad."attachments" to authenticated;
drop policy if exists add on bmad."attachments";
create policy add on bmad."attachments" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."attachments";
create policy change on bmad."attachments" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."attachments";
grant delete on bmad."attachments" to authenticated;
create policy remove on bmad."attachments" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."record_links" enable row level security;
alter table bmad."record_links" force row level security;
revoke all on bmad."record_links" from public, anon, authenticated;
grant select, insert, update, delete on bmad."record_links" to service_role;
drop policy if exists service on bmad."record_links";
create policy service on bmad."record_links" for all to service_role using (true) with check (true);
grant select on bmad."record_links" to authenticated;
drop policy if exists read on bmad."record_links";
create policy read on bmad."record_links" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "from_table", "from_id", "to_table", "to_id", "relation", "strength", "made_by", "confirmed") on bmad."record_links" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "strength", "made_by", "confirmed") on bmad."record_links" to authenticated;
drop policy if exists add on bmad."record_links";
create policy add on bmad."record_links" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."record_links";
create policy change on bmad."record_links" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."record_links";
grant delete on bmad."record_links" to authenticated;
create policy remove on bmad."record_links" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."ai_memories" enable row level security;
alter table bmad."ai_memories" force row level security;
revoke all on bmad."ai_memories" from public, anon, authenticated;
grant select, insert, update, delete on bmad."ai_memories" to service_role;
drop policy if exists service on bmad."ai_memories";
create policy service on bmad."ai_memories" for all to service_role using (true) with check (true);
grant select on bmad."ai_memories" to authenticated;
drop policy if exists read on bmad."ai_memories";
create policy read on bmad."ai_memories" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "kind", "statement", "confidence", "state", "source_table", "source_id", "pinned", "device_uses", "last_used_at", "expires_at") on bmad."ai_memories" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "statement", "confidence", "state", "pinned", "device_uses", "last_used_at", "expires_at") on bmad."ai_memories" to authenticated;
drop policy if exists add on bmad."ai_memories";
create policy add on bmad."ai_memories" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."ai_memories";
create policy change on bmad."ai_memories" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."ai_memories";
grant delete on bmad."ai_memories" to authenticated;
create policy remove on bmad."ai_memories" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."mbti_insights" enable row level security;
alter table bmad."mbti_insights" force row level security;
revoke all on bmad."mbti_insights" from public, anon, authenticated;
grant select, insert, update, delete on bmad."mbti_insights" to service_role;
drop policy if exists service on bmad."mbti_insights";
create policy service on bmad."mbti_insights" for all to service_role using (true) with check (true);
grant select on bmad."mbti_insights" to authenticated;
drop policy if exists read on bmad."mbti_insights";
create policy read on bmad."mbti_insights" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "mbti_profile_id", "type_code", "function_code", "kind", "title", "body", "evidence", "basis_hash", "confidence", "state", "feedback", "generated_by", "ai_interaction_id", "coaching_session_id", "superseded_by_id", "valid_from", "expires_at") on bmad."mbti_insights" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "mbti_profile_id", "title", "body", "evidence", "confidence", "state", "feedback", "ai_interaction_id", "coaching_session_id", "superseded_by_id", "expires_at") on bmad."mbti_insights" to authenticated;
drop policy if exists add on bmad."mbti_insights";
create policy add on bmad."mbti_insights" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."mbti_insights";
create policy change on bmad."mbti_insights" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."mbti_insights";
grant delete on bmad."mbti_insights" to authenticated;
create policy remove on bmad."mbti_insights" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."content_states" enable row level security;
alter table bmad."content_states" force row level security;
revoke all on bmad."content_states" from public, anon, authenticated;
grant select, insert, update, delete on bmad."content_states" to service_role;
drop policy if exists service on bmad."content_states";
create policy service on bmad."content_states" for all to service_role using (true) with check (true);
grant select on bmad."content_states" to authenticated;
drop policy if exists read on bmad."content_states";
create policy read on bmad."content_states" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "content_item_id", "bookmarked", "hidden", "offline_pinned", "progress_pct", "completed_at", "last_position", "rating", "device_opens", "device_seconds", "note") on bmad."content_states" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "bookmarked", "hidden", "offline_pinned", "progress_pct", "completed_at", "last_position", "rating", "device_opens", "device_seconds", "note") on bmad."content_states" to authenticated;
drop policy if exists add on bmad."content_states";
create policy add on bmad."content_states" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."content_states";
create policy change on bmad."content_states" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."content_states";
grant delete on bmad."content_states" to authenticated;
create policy remove on bmad."content_states" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."plans" enable row level security;
alter table bmad."plans" force row level security;
revoke all on bmad."plans" from public, anon, authenticated;
grant select, insert, update, delete on bmad."plans" to service_role;
drop policy if exists service on bmad."plans";
create policy service on bmad."plans" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."plans";
create policy machinery on bmad."plans" for all to current_user using (true) with check (true);
grant select on bmad."plans" to authenticated;
drop policy if exists read on bmad."plans";
create policy read on bmad."plans" for select to authenticated using (true);

alter table bmad."subscriptions" enable row level security;
alter table bmad."subscriptions" force row level security;
revoke all on bmad."subscriptions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."subscriptions" to service_role;
drop policy if exists service on bmad."subscriptions";
create policy service on bmad."subscriptions" for all to service_role using (true) with check (true);
grant select on bmad."subscriptions" to authenticated;
drop policy if exists read on bmad."subscriptions";
create policy read on bmad."subscriptions" for select to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."invoices" enable row level security;
alter table bmad."invoices" force row level security;
revoke all on bmad."invoices" from public, anon, authenticated;
grant select, insert, update, delete on bmad."invoices" to service_role;
drop policy if exists service on bmad."invoices";
create policy service on bmad."invoices" for all to service_role using (true) with check (true);
grant select on bmad."invoices" to authenticated;
drop policy if exists read on bmad."invoices";
create policy read on bmad."invoices" for select to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."payments" enable row level security;
alter table bmad."payments" force row level security;
revoke all on bmad."payments" from public, anon, authenticated;
grant select, insert, update, delete on bmad."payments" to service_role;
drop policy if exists service on bmad."payments";
create policy service on bmad."payments" for all to service_role using (true) with check (true);
grant select on bmad."payments" to authenticated;
drop policy if exists read on bmad."payments";
create policy read on bmad."payments" for select to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."entitlements" enable row level security;
alter table bmad."entitlements" force row level security;
revoke all on bmad."entitlements" from public, anon, authenticated;
grant select, insert, update, delete on bmad."entitlements" to service_role;
drop policy if exists service on bmad."entitlements";
create policy service on bmad."entitlements" for all to service_role using (true) with check (true);
grant select on bmad."entitlements" to authenticated;
drop policy if exists read on bmad."entitlements";
create policy read on bmad."entitlements" for select to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."usage_counters" enable row level security;
alter table bmad."usage_counters" force row level security;
revoke all on bmad."usage_counters" from public, anon, authenticated;
grant select, insert, update, delete on bmad."usage_counters" to service_role;
drop policy if exists service on bmad."usage_counters";
create policy service on bmad."usage_counters" for all to service_role using (true) with check (true);
grant select on bmad."usage_counters" to authenticated;
drop policy if exists read on bmad."usage_counters";
create policy read on bmad."usage_counters" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "feature_code", "period_key", "device_counts", "used") on bmad."usage_counters" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "device_counts", "used") on bmad."usage_counters" to authenticated;
drop policy if exists add on bmad."usage_counters";
create policy add on bmad."usage_counters" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."usage_counters";
create policy change on bmad."usage_counters" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."usage_counters";

alter table bmad."billing_events" enable row level security;
alter table bmad."billing_events" force row level security;
revoke all on bmad."billing_events" from public, anon, authenticated;
grant select, insert, update, delete on bmad."billing_events" to service_role;
drop policy if exists service on bmad."billing_events";
create policy service on bmad."billing_events" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."billing_events";
create policy machinery on bmad."billing_events" for all to current_user using (true) with check (true);

alter table bmad."met24_domain_relations" enable row level security;
alter table bmad."met24_domain_relations" force row level security;
revoke all on bmad."met24_domain_relations" from public, anon, authenticated;
grant select, insert, update, delete on bmad."met24_domain_relations" to service_role;
drop policy if exists service on bmad."met24_domain_relations";
create policy service on bmad."met24_domain_relations" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."met24_domain_relations";
create policy machinery on bmad."met24_domain_relations" for all to current_user using (true) with check (true);
grant select on bmad."met24_domain_relations" to authenticated;
drop policy if exists read on bmad."met24_domain_relations";
create policy read on bmad."met24_domain_relations" for select to authenticated using (true);

alter table bmad."met24_progress" enable row level security;
alter table bmad."met24_progress" force row level security;
revoke all on bmad."met24_progress" from public, anon, authenticated;
grant select, insert, update, delete on bmad."met24_progress" to service_role;
drop policy if exists service on bmad."met24_progress";
create policy service on bmad."met24_progress" for all to service_role using (true) with check (true);
grant select on bmad."met24_progress" to authenticated;
drop policy if exists read on bmad."met24_progress";
create policy read on bmad."met24_progress" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "met24_domain_id", "score", "scores_by_week", "level_reached", "focus", "explored_at", "last_reflection_at", "device_reflections", "practices_done", "note") on bmad."met24_progress" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "score", "scores_by_week", "level_reached", "focus", "explored_at", "last_reflection_at", "device_reflections", "practices_done", "note") on bmad."met24_progress" to authenticated;
drop policy if exists add on bmad."met24_progress";
create policy add on bmad."met24_progress" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."met24_progress";
create policy change on bmad."met24_progress" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."met24_progress";
grant delete on bmad."met24_progress" to authenticated;
create policy remove on bmad."met24_progress" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."life_area_questions" enable row level security;
alter table bmad."life_area_questions" force row level security;
revoke all on bmad."life_area_questions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."life_area_questions" to service_role;
drop policy if exists service on bmad."life_area_questions";
create policy service on bmad."life_area_questions" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."life_area_questions";
create policy machinery on bmad."life_area_questions" for all to current_user using (true) with check (true);
grant select on bmad."life_area_questions" to authenticated;
drop policy if exists read on bmad."life_area_questions";
create policy read on bmad."life_area_questions" for select to authenticated using (true);

alter table bmad."life_area_assessments" enable row level security;
alter table bmad."life_area_assessments" force row level security;
revoke all on bmad."life_area_assessments" from public, anon, authenticated;
grant select, insert, update, delete on bmad."life_area_assessments" to service_role;
drop policy if exists service on bmad."life_area_assessments";
create policy service on bmad."life_area_assessments" for all to service_role using (true) with check (true);
grant select on bmad."life_area_assessments" to authenticated;
drop policy if exists read on bmad."life_area_assessments";
create policy read on bmad."life_area_assessments" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "taken_at", "kind", "preset_code", "scoring_version", "state", "overall_pct", "balance_index", "coaching_session_id", "note") on bmad."life_area_assessments" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "state", "overall_pct", "balance_index", "coaching_session_id", "note") on bmad."life_area_assessments" to authenticated;
drop policy if exists add on bmad."life_area_assessments";
create policy add on bmad."life_area_assessments" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."life_area_assessments";
create policy change on bmad."life_area_assessments" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."life_area_assessments";
grant delete on bmad."life_area_assessments" to authenticated;
create policy remove on bmad."life_area_assessments" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."life_area_scores" enable row level security;
alter table bmad."life_area_scores" force row level security;
revoke all on bmad."life_area_scores" from public, anon, authenticated;
grant select, insert, update, delete on bmad."life_area_scores" to service_role;
drop policy if exists service on bmad."life_area_scores";
create policy service on bmad."life_area_scores" for all to service_role using (true) with check (true);
grant select on bmad."life_area_scores" to authenticated;
drop policy if exists read on bmad."life_area_scores";
create policy read on bmad."life_area_scores" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "assessment_id", "user_life_area_id", "raw_score", "score_pct", "answers", "reflection") on bmad."life_area_scores" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "raw_score", "score_pct", "answers", "reflection") on bmad."life_area_scores" to authenticated;
drop policy if exists add on bmad."life_area_scores";
create policy add on bmad."life_area_scores" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."life_area_scores";
create policy change on bmad."life_area_scores" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."life_area_scores";
grant delete on bmad."life_area_scores" to authenticated;
create policy remove on bmad."life_area_scores" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."tasks" enable row level security;
alter table bmad."tasks" force row level security;
revoke all on bmad."tasks" from public, anon, authenticated;
grant select, insert, update, delete on bmad."tasks" to service_role;
drop policy if exists service on bmad."tasks";
create policy service on bmad."tasks" for all to service_role using (true) with check (true);
grant select on bmad."tasks" to authenticated;
drop policy if exists read on bmad."tasks";
create policy read on bmad."tasks" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "title", "notes", "goal_id", "parent_task_id", "coaching_session_id", "state", "priority", "due_on", "due_at", "start_at", "estimate_min", "device_seconds", "completed_at", "rrule", "recur_anchor", "series_id", "blocked_by", "tag_ids", "source", "position") on bmad."tasks" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "title", "notes", "goal_id", "parent_task_id", "coaching_session_id", "state", "priority", "due_on", "due_at", "start_at", "estimate_min", "device_seconds", "completed_at", "rrule", "recur_anchor", "blocked_by", "tag_ids", "position") on bmad."tasks" to authenticated;
drop policy if exists add on bmad."tasks";
create policy add on bmad."tasks" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."tasks";
create policy change on bmad."tasks" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."tasks";
grant delete on bmad."tasks" to authenticated;
create policy remove on bmad."tasks" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."habits" enable row level security;
alter table bmad."habits" force row level security;
revoke all on bmad."habits" from public, anon, authenticated;
grant select, insert, update, delete on bmad."habits" to service_role;
drop policy if exists service on bmad."habits";
create policy service on bmad."habits" for all to service_role using (true) with check (true);
grant select on bmad."habits" to authenticated;
drop policy if exists read on bmad."habits";
create policy read on bmad."habits" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "name", "kind", "cue", "routine", "reward", "rrule", "target_count", "unit", "active", "user_life_area_id", "goal_id", "streak_current", "streak_longest", "position") on bmad."habits" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "name", "kind", "cue", "routine", "reward", "rrule", "target_count", "unit", "active", "user_life_area_id", "goal_id", "streak_current", "streak_longest", "position") on bmad."habits" to authenticated;
drop policy if exists add on bmad."habits";
create policy add on bmad."habits" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."habits";
create policy change on bmad."habits" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."habits";
grant delete on bmad."habits" to authenticated;
create policy remove on bmad."habits" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."habit_logs" enable row level security;
alter table bmad."habit_logs" force row level security;
revoke all on bmad."habit_logs" from public, anon, authenticated;
grant select, insert, update, delete on bmad."habit_logs" to service_role;
drop policy if exists service on bmad."habit_logs";
create policy service on bmad."habit_logs" for all to service_role using (true) with check (true);
grant select on bmad."habit_logs" to authenticated;
drop policy if exists read on bmad."habit_logs";
create policy read on bmad."habit_logs" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "habit_id", "log_date", "device_counts", "total", "state", "note") on bmad."habit_logs" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "device_counts", "total", "state", "note") on bmad."habit_logs" to authenticated;
drop policy if exists add on bmad."habit_logs";
create policy add on bmad."habit_logs" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."habit_logs";
create policy change on bmad."habit_logs" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."habit_logs";
grant delete on bmad."habit_logs" to authenticated;
create policy remove on bmad."habit_logs" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."reminders" enable row level security;
alter table bmad."reminders" force row level security;
revoke all on bmad."reminders" from public, anon, authenticated;
grant select, insert, update, delete on bmad."reminders" to service_role;
drop policy if exists service on bmad."reminders";
create policy service on bmad."reminders" for all to service_role using (true) with check (true);
grant select on bmad."reminders" to authenticated;
drop policy if exists read on bmad."reminders";
create policy read on bmad."reminders" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "target_table", "target_id", "title", "fire_at", "rrule", "channel", "tz_mode", "state", "snooze_until", "last_fired_at") on bmad."reminders" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "title", "fire_at", "rrule", "channel", "tz_mode", "state", "snooze_until", "last_fired_at") on bmad."reminders" to authenticated;
drop policy if exists add on bmad."reminders";
create policy add on bmad."reminders" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."reminders";
create policy change on bmad."reminders" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."reminders";
grant delete on bmad."reminders" to authenticated;
create policy remove on bmad."reminders" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."user_progress" enable row level security;
alter table bmad."user_progress" force row level security;
revoke all on bmad."user_progress" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_progress" to service_role;
drop policy if exists service on bmad."user_progress";
create policy service on bmad."user_progress" for all to service_role using (true) with check (true);
grant select on bmad."user_progress" to authenticated;
drop policy if exists read on bmad."user_progress";
create policy read on bmad."user_progress" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "metric_code", "period_key", "device_counts", "value", "best_value", "target_value", "level", "streak_current", "streak_longest", "last_activity_on", "last_session_id", "counted_sessions", "milestones") on bmad."user_progress" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "device_counts", "value", "best_value", "target_value", "level", "streak_current", "streak_longest", "last_activity_on", "last_session_id", "counted_sessions", "milestones") on bmad."user_progress" to authenticated;
drop policy if exists add on bmad."user_progress";
create policy add on bmad."user_progress" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_progress";
create policy change on bmad."user_progress" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_progress";

alter table bmad."interaction_analytics" enable row level security;
alter table bmad."interaction_analytics" force row level security;
revoke all on bmad."interaction_analytics" from public, anon, authenticated;
grant select, insert, update, delete on bmad."interaction_analytics" to service_role;
drop policy if exists service on bmad."interaction_analytics";
create policy service on bmad."interaction_analytics" for all to service_role using (true) with check (true);
grant select on bmad."interaction_analytics" to authenticated;
drop policy if exists read on bmad."interaction_analytics";
create policy read on bmad."interaction_analytics" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "event_name", "occurred_at", "coaching_session_id", "screen", "target_table", "duration_ms", "properties", "consent_record_id", "app_version", "txn_id") on bmad."interaction_analytics" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "coaching_session_id") on bmad."interaction_analytics" to authenticated;
drop policy if exists add on bmad."interaction_analytics";
create policy add on bmad."interaction_analytics" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."interaction_analytics";
create policy change on bmad."interaction_analytics" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."interaction_analytics";
grant delete on bmad."interaction_analytics" to authenticated;
create policy remove on bmad."interaction_analytics" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."feature_usage_daily" enable row level security;
alter table bmad."feature_usage_daily" force row level security;
revoke all on bmad."feature_usage_daily" from public, anon, authenticated;
grant select, insert, update, delete on bmad."feature_usage_daily" to service_role;
drop policy if exists service on bmad."feature_usage_daily";
create policy service on bmad."feature_usage_daily" for all to service_role using (true) with check (true);
grant select on bmad."feature_usage_daily" to authenticated;
drop policy if exists read on bmad."feature_usage_daily";
create policy read on bmad."feature_usage_daily" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "feature_code", "usage_date", "device_counts", "device_ms", "device_errors") on bmad."feature_usage_daily" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "device_counts", "device_ms", "device_errors") on bmad."feature_usage_daily" to authenticated;
drop policy if exists add on bmad."feature_usage_daily";
create policy add on bmad."feature_usage_daily" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."feature_usage_daily";
create policy change on bmad."feature_usage_daily" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."feature_usage_daily";
grant delete on bmad."feature_usage_daily" to authenticated;
create policy remove on bmad."feature_usage_daily" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."audit_log" enable row level security;
alter table bmad."audit_log" force row level security;
revoke all on bmad."audit_log" from public, anon, authenticated;
grant select, insert, update, delete on bmad."audit_log" to service_role;
drop policy if exists service on bmad."audit_log";
create policy service on bmad."audit_log" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."audit_log";
create policy machinery on bmad."audit_log" for all to current_user using (true) with check (true);

alter table bmad."extension_registry" enable row level security;
alter table bmad."extension_registry" force row level security;
revoke all on bmad."extension_registry" from public, anon, authenticated;
grant select, insert, update, delete on bmad."extension_registry" to service_role;
drop policy if exists service on bmad."extension_registry";
create policy service on bmad."extension_registry" for all to service_role using (true) with check (true);
drop policy if exists machinery on bmad."extension_registry";
create policy machinery on bmad."extension_registry" for all to current_user using (true) with check (true);
grant select on bmad."extension_registry" to authenticated;
drop policy if exists read on bmad."extension_registry";
create policy read on bmad."extension_registry" for select to authenticated using (true);

alter table bmad."user_extensions" enable row level security;
alter table bmad."user_extensions" force row level security;
revoke all on bmad."user_extensions" from public, anon, authenticated;
grant select, insert, update, delete on bmad."user_extensions" to service_role;
drop policy if exists service on bmad."user_extensions";
create policy service on bmad."user_extensions" for all to service_role using (true) with check (true);
grant select on bmad."user_extensions" to authenticated;
drop policy if exists read on bmad."user_extensions";
create policy read on bmad."user_extensions" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "code", "installed_version", "enabled", "granted_permissions", "settings", "installed_at", "last_used_at") on bmad."user_extensions" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "installed_version", "enabled", "granted_permissions", "settings", "installed_at", "last_used_at") on bmad."user_extensions" to authenticated;
drop policy if exists add on bmad."user_extensions";
create policy add on bmad."user_extensions" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."user_extensions";
create policy change on bmad."user_extensions" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."user_extensions";
grant delete on bmad."user_extensions" to authenticated;
create policy remove on bmad."user_extensions" for delete to authenticated using (user_id = (select bmad_sync.uid()));

alter table bmad."extension_records" enable row level security;
alter table bmad."extension_records" force row level security;
revoke all on bmad."extension_records" from public, anon, authenticated;
grant select, insert, update, delete on bmad."extension_records" to service_role;
drop policy if exists service on bmad."extension_records";
create policy service on bmad."extension_records" for all to service_role using (true) with check (true);
grant select on bmad."extension_records" to authenticated;
drop policy if exists read on bmad."extension_records";
create policy read on bmad."extension_records" for select to authenticated using (user_id = (select bmad_sync.uid()));
grant insert ("user_id", "id", "created_at", "updated_at", "server_seq", "hlc", "stamps", "origin_device_id", "extension_code", "collection", "record_key", "schema_version", "data") on bmad."extension_records" to authenticated;
grant update ("created_at", "updated_at", "server_seq", "hlc", "stamps", "schema_version", "data") on bmad."extension_records" to authenticated;
drop policy if exists add on bmad."extension_records";
create policy add on bmad."extension_records" for insert to authenticated with check (user_id = (select bmad_sync.uid()));
drop policy if exists change on bmad."extension_records";
create policy change on bmad."extension_records" for update to authenticated using (user_id = (select bmad_sync.uid())) with check (user_id = (select bmad_sync.uid()));
drop policy if exists remove on bmad."extension_records";
grant delete on bmad."extension_records" to authenticated;
create policy remove on bmad."extension_records" for delete to authenticated using (user_id = (select bmad_sync.uid()));

create trigger stamp_new before insert on bmad."users" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(1);
create trigger stamp_changed before update on bmad."users" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(1);
create trigger check_new after insert on bmad."users" referencing new table as written for each statement
  execute function bmad_sync.check_versions(1);
create trigger check_changed after update on bmad."users" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(1);
create trigger bury after delete on bmad."users" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(1);
create trigger keep before truncate on bmad."users" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_devices" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(2);
create trigger stamp_changed before update on bmad."user_devices" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(2);
create trigger check_new after insert on bmad."user_devices" referencing new table as written for each statement
  execute function bmad_sync.check_versions(2);
create trigger check_changed after update on bmad."user_devices" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(2);
create trigger bury after delete on bmad."user_devices" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(2);
create trigger keep before truncate on bmad."user_devices" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_preferences" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(3);
create trigger stamp_changed before update on bmad."user_preferences" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(3);
create trigger check_new after insert on bmad."user_preferences" referencing new table as written for each statement
  execute function bmad_sync.check_versions(3);
create trigger check_changed after update on bmad."user_preferences" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(3);
create trigger nesting_new before insert on bmad."user_preferences" for each row
  when ((pg_column_size(new."notification_channels") > 512 or pg_column_compression(new."notification_channels") is not null) and jsonb_path_exists(new."notification_channels", 'strict $.**{65}')
    or (pg_column_size(new."retention_overrides") > 512 or pg_column_compression(new."retention_overrides") is not null) and jsonb_path_exists(new."retention_overrides", 'strict $.**{65}')
    or (pg_column_size(new."feature_toggles") > 512 or pg_column_compression(new."feature_toggles") is not null) and jsonb_path_exists(new."feature_toggles", 'strict $.**{65}')
    or (pg_column_size(new."custom") > 512 or pg_column_compression(new."custom") is not null) and jsonb_path_exists(new."custom", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."user_preferences" for each row
  when ((pg_column_size(new."notification_channels") > 512 or pg_column_compression(new."notification_channels") is not null) and jsonb_path_exists(new."notification_channels", 'strict $.**{65}') and new."notification_channels" is distinct from old."notification_channels"
    or (pg_column_size(new."retention_overrides") > 512 or pg_column_compression(new."retention_overrides") is not null) and jsonb_path_exists(new."retention_overrides", 'strict $.**{65}') and new."retention_overrides" is distinct from old."retention_overrides"
    or (pg_column_size(new."feature_toggles") > 512 or pg_column_compression(new."feature_toggles") is not null) and jsonb_path_exists(new."feature_toggles", 'strict $.**{65}') and new."feature_toggles" is distinct from old."feature_toggles"
    or (pg_column_size(new."custom") > 512 or pg_column_compression(new."custom") is not null) and jsonb_path_exists(new."custom", 'strict $.**{65}') and new."custom" is distinct from old."custom")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."user_preferences" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(3);
create trigger keep before truncate on bmad."user_preferences" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."mbti_profiles" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(4);
create trigger stamp_changed before update on bmad."mbti_profiles" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(4);
create trigger check_new after insert on bmad."mbti_profiles" referencing new table as written for each statement
  execute function bmad_sync.check_versions(4);
create trigger check_changed after update on bmad."mbti_profiles" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(4);
create trigger nesting_new before insert on bmad."mbti_profiles" for each row
  when ((pg_column_size(new."borderline_axes") > 512 or pg_column_compression(new."borderline_axes") is not null) and jsonb_path_exists(new."borderline_axes", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."mbti_profiles" for each row
  when ((pg_column_size(new."borderline_axes") > 512 or pg_column_compression(new."borderline_axes") is not null) and jsonb_path_exists(new."borderline_axes", 'strict $.**{65}') and new."borderline_axes" is distinct from old."borderline_axes")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."mbti_profiles" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(4);
create trigger keep before truncate on bmad."mbti_profiles" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."consent_records" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(5);
create trigger stamp_changed before update on bmad."consent_records" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(5);
create trigger check_new after insert on bmad."consent_records" referencing new table as written for each statement
  execute function bmad_sync.check_versions(5);
create trigger check_changed after update on bmad."consent_records" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(5);
create trigger nesting_new before insert on bmad."consent_records" for each row
  when ((pg_column_size(new."evidence") > 512 or pg_column_compression(new."evidence") is not null) and jsonb_path_exists(new."evidence", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."consent_records" for each row
  when ((pg_column_size(new."evidence") > 512 or pg_column_compression(new."evidence") is not null) and jsonb_path_exists(new."evidence", 'strict $.**{65}') and new."evidence" is distinct from old."evidence")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."consent_records" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(5);
create trigger keep before truncate on bmad."consent_records" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."data_requests" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(6);
create trigger stamp_changed before update on bmad."data_requests" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(6);
create trigger check_new after insert on bmad."data_requests" referencing new table as written for each statement
  execute function bmad_sync.check_versions(6);
create trigger check_changed after update on bmad."data_requests" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(6);
create trigger nesting_new before insert on bmad."data_requests" for each row
  when ((pg_column_size(new."scope") > 512 or pg_column_compression(new."scope") is not null) and jsonb_path_exists(new."scope", 'strict $.**{65}')
    or (pg_column_size(new."devices_confirmed") > 512 or pg_column_compression(new."devices_confirmed") is not null) and jsonb_path_exists(new."devices_confirmed", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."data_requests" for each row
  when ((pg_column_size(new."scope") > 512 or pg_column_compression(new."scope") is not null) and jsonb_path_exists(new."scope", 'strict $.**{65}') and new."scope" is distinct from old."scope"
    or (pg_column_size(new."devices_confirmed") > 512 or pg_column_compression(new."devices_confirmed") is not null) and jsonb_path_exists(new."devices_confirmed", 'strict $.**{65}') and new."devices_confirmed" is distinct from old."devices_confirmed")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."data_requests" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(6);
create trigger keep before truncate on bmad."data_requests" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_keyrings" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(7);
create trigger stamp_changed before update on bmad."user_keyrings" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(7);
create trigger check_new after insert on bmad."user_keyrings" referencing new table as written for each statement
  execute function bmad_sync.check_versions(7);
create trigger check_changed after update on bmad."user_keyrings" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(7);
create trigger nesting_new before insert on bmad."user_keyrings" for each row
  when ((pg_column_size(new."kdf_params") > 512 or pg_column_compression(new."kdf_params") is not null) and jsonb_path_exists(new."kdf_params", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."user_keyrings" for each row
  when ((pg_column_size(new."kdf_params") > 512 or pg_column_compression(new."kdf_params") is not null) and jsonb_path_exists(new."kdf_params", 'strict $.**{65}') and new."kdf_params" is distinct from old."kdf_params")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."user_keyrings" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(7);
create trigger keep before truncate on bmad."user_keyrings" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."onboarding_steps" for each row
  execute function bmad_sync.stamp_catalogue_row(8);
create trigger stamp_changed before update on bmad."onboarding_steps" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(8);
create trigger nesting_new before insert on bmad."onboarding_steps" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}')
    or (pg_column_size(new."body_i18n") > 512 or pg_column_compression(new."body_i18n") is not null) and jsonb_path_exists(new."body_i18n", 'strict $.**{65}')
    or (pg_column_size(new."answer_schema") > 512 or pg_column_compression(new."answer_schema") is not null) and jsonb_path_exists(new."answer_schema", 'strict $.**{65}')
    or (pg_column_size(new."show_if") > 512 or pg_column_compression(new."show_if") is not null) and jsonb_path_exists(new."show_if", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."onboarding_steps" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}') and new."title_i18n" is distinct from old."title_i18n"
    or (pg_column_size(new."body_i18n") > 512 or pg_column_compression(new."body_i18n") is not null) and jsonb_path_exists(new."body_i18n", 'strict $.**{65}') and new."body_i18n" is distinct from old."body_i18n"
    or (pg_column_size(new."answer_schema") > 512 or pg_column_compression(new."answer_schema") is not null) and jsonb_path_exists(new."answer_schema", 'strict $.**{65}') and new."answer_schema" is distinct from old."answer_schema"
    or (pg_column_size(new."show_if") > 512 or pg_column_compression(new."show_if") is not null) and jsonb_path_exists(new."show_if", 'strict $.**{65}') and new."show_if" is distinct from old."show_if")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."onboarding_steps" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(8);
create trigger keep before truncate on bmad."onboarding_steps" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."onboarding_progress" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(9);
create trigger stamp_changed before update on bmad."onboarding_progress" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(9);
create trigger check_new after insert on bmad."onboarding_progress" referencing new table as written for each statement
  execute function bmad_sync.check_versions(9);
create trigger check_changed after update on bmad."onboarding_progress" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(9);
create trigger nesting_new before insert on bmad."onboarding_progress" for each row
  when ((pg_column_size(new."completed_steps") > 512 or pg_column_compression(new."completed_steps") is not null) and jsonb_path_exists(new."completed_steps", 'strict $.**{65}')
    or (pg_column_size(new."skipped_steps") > 512 or pg_column_compression(new."skipped_steps") is not null) and jsonb_path_exists(new."skipped_steps", 'strict $.**{65}')
    or (pg_column_size(new."answers") > 512 or pg_column_compression(new."answers") is not null) and jsonb_path_exists(new."answers", 'strict $.**{65}')
    or (pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."onboarding_progress" for each row
  when ((pg_column_size(new."completed_steps") > 512 or pg_column_compression(new."completed_steps") is not null) and jsonb_path_exists(new."completed_steps", 'strict $.**{65}') and new."completed_steps" is distinct from old."completed_steps"
    or (pg_column_size(new."skipped_steps") > 512 or pg_column_compression(new."skipped_steps") is not null) and jsonb_path_exists(new."skipped_steps", 'strict $.**{65}') and new."skipped_steps" is distinct from old."skipped_steps"
    or (pg_column_size(new."answers") > 512 or pg_column_compression(new."answers") is not null) and jsonb_path_exists(new."answers", 'strict $.**{65}') and new."answers" is distinct from old."answers"
    or (pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}') and new."device_seconds" is distinct from old."device_seconds")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."onboarding_progress" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(9);
create trigger keep before truncate on bmad."onboarding_progress" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."contacts" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(10);
create trigger stamp_changed before update on bmad."contacts" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(10);
create trigger check_new after insert on bmad."contacts" referencing new table as written for each statement
  execute function bmad_sync.check_versions(10);
create trigger check_changed after update on bmad."contacts" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(10);
create trigger nesting_new before insert on bmad."contacts" for each row
  when ((pg_column_size(new."device_touches") > 512 or pg_column_compression(new."device_touches") is not null) and jsonb_path_exists(new."device_touches", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."contacts" for each row
  when ((pg_column_size(new."device_touches") > 512 or pg_column_compression(new."device_touches") is not null) and jsonb_path_exists(new."device_touches", 'strict $.**{65}') and new."device_touches" is distinct from old."device_touches")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."contacts" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(10);
create trigger keep before truncate on bmad."contacts" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."prompt_templates" for each row
  execute function bmad_sync.stamp_catalogue_row(11);
create trigger stamp_changed before update on bmad."prompt_templates" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(11);
create trigger nesting_new before insert on bmad."prompt_templates" for each row
  when ((pg_column_size(new."variables") > 512 or pg_column_compression(new."variables") is not null) and jsonb_path_exists(new."variables", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."prompt_templates" for each row
  when ((pg_column_size(new."variables") > 512 or pg_column_compression(new."variables") is not null) and jsonb_path_exists(new."variables", 'strict $.**{65}') and new."variables" is distinct from old."variables")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."prompt_templates" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(11);
create trigger keep before truncate on bmad."prompt_templates" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."conversations" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(12);
create trigger stamp_changed before update on bmad."conversations" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(12);
create trigger check_new after insert on bmad."conversations" referencing new table as written for each statement
  execute function bmad_sync.check_versions(12);
create trigger check_changed after update on bmad."conversations" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(12);
create trigger nesting_new before insert on bmad."conversations" for each row
  when ((pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."conversations" for each row
  when ((pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}') and new."tag_ids" is distinct from old."tag_ids")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."conversations" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(12);
create trigger keep before truncate on bmad."conversations" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."life_areas" for each row
  execute function bmad_sync.stamp_catalogue_row(13);
create trigger stamp_changed before update on bmad."life_areas" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(13);
create trigger nesting_new before insert on bmad."life_areas" for each row
  when ((pg_column_size(new."name_i18n") > 512 or pg_column_compression(new."name_i18n") is not null) and jsonb_path_exists(new."name_i18n", 'strict $.**{65}')
    or (pg_column_size(new."description_i18n") > 512 or pg_column_compression(new."description_i18n") is not null) and jsonb_path_exists(new."description_i18n", 'strict $.**{65}')
    or (pg_column_size(new."preset_codes") > 512 or pg_column_compression(new."preset_codes") is not null) and jsonb_path_exists(new."preset_codes", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."life_areas" for each row
  when ((pg_column_size(new."name_i18n") > 512 or pg_column_compression(new."name_i18n") is not null) and jsonb_path_exists(new."name_i18n", 'strict $.**{65}') and new."name_i18n" is distinct from old."name_i18n"
    or (pg_column_size(new."description_i18n") > 512 or pg_column_compression(new."description_i18n") is not null) and jsonb_path_exists(new."description_i18n", 'strict $.**{65}') and new."description_i18n" is distinct from old."description_i18n"
    or (pg_column_size(new."preset_codes") > 512 or pg_column_compression(new."preset_codes") is not null) and jsonb_path_exists(new."preset_codes", 'strict $.**{65}') and new."preset_codes" is distinct from old."preset_codes")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."life_areas" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(13);
create trigger keep before truncate on bmad."life_areas" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_life_areas" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(14);
create trigger stamp_changed before update on bmad."user_life_areas" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(14);
create trigger check_new after insert on bmad."user_life_areas" referencing new table as written for each statement
  execute function bmad_sync.check_versions(14);
create trigger check_changed after update on bmad."user_life_areas" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(14);
create trigger hold before update on bmad."user_life_areas" for each row
  when (current_user = 'authenticated' and (new."life_area_id" <> coalesce(old."life_area_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."user_life_areas" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(14);
create trigger keep before truncate on bmad."user_life_areas" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."domain_frameworks" for each row
  execute function bmad_sync.stamp_catalogue_row(15);
create trigger stamp_changed before update on bmad."domain_frameworks" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(15);
create trigger nesting_new before insert on bmad."domain_frameworks" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."domain_frameworks" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}') and new."title_i18n" is distinct from old."title_i18n")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."domain_frameworks" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(15);
create trigger keep before truncate on bmad."domain_frameworks" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."met24_domains" for each row
  execute function bmad_sync.stamp_catalogue_row(16);
create trigger stamp_changed before update on bmad."met24_domains" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(16);
create trigger nesting_new before insert on bmad."met24_domains" for each row
  when ((pg_column_size(new."name_i18n") > 512 or pg_column_compression(new."name_i18n") is not null) and jsonb_path_exists(new."name_i18n", 'strict $.**{65}')
    or (pg_column_size(new."description_i18n") > 512 or pg_column_compression(new."description_i18n") is not null) and jsonb_path_exists(new."description_i18n", 'strict $.**{65}')
    or (pg_column_size(new."prompts_i18n") > 512 or pg_column_compression(new."prompts_i18n") is not null) and jsonb_path_exists(new."prompts_i18n", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."met24_domains" for each row
  when ((pg_column_size(new."name_i18n") > 512 or pg_column_compression(new."name_i18n") is not null) and jsonb_path_exists(new."name_i18n", 'strict $.**{65}') and new."name_i18n" is distinct from old."name_i18n"
    or (pg_column_size(new."description_i18n") > 512 or pg_column_compression(new."description_i18n") is not null) and jsonb_path_exists(new."description_i18n", 'strict $.**{65}') and new."description_i18n" is distinct from old."description_i18n"
    or (pg_column_size(new."prompts_i18n") > 512 or pg_column_compression(new."prompts_i18n") is not null) and jsonb_path_exists(new."prompts_i18n", 'strict $.**{65}') and new."prompts_i18n" is distinct from old."prompts_i18n")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."met24_domains" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(16);
create trigger keep before truncate on bmad."met24_domains" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."goals" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(17);
create trigger stamp_changed before update on bmad."goals" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(17);
create trigger check_new after insert on bmad."goals" referencing new table as written for each statement
  execute function bmad_sync.check_versions(17);
create trigger check_changed after update on bmad."goals" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(17);
create trigger nesting_new before insert on bmad."goals" for each row
  when ((pg_column_size(new."metric") > 512 or pg_column_compression(new."metric") is not null) and jsonb_path_exists(new."metric", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."goals" for each row
  when ((pg_column_size(new."metric") > 512 or pg_column_compression(new."metric") is not null) and jsonb_path_exists(new."metric", 'strict $.**{65}') and new."metric" is distinct from old."metric")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."goals" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(17);
create trigger keep before truncate on bmad."goals" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."coaching_sessions" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(18);
create trigger stamp_changed before update on bmad."coaching_sessions" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(18);
create trigger check_new after insert on bmad."coaching_sessions" referencing new table as written for each statement
  execute function bmad_sync.check_versions(18);
create trigger check_changed after update on bmad."coaching_sessions" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(18);
create trigger nesting_new before insert on bmad."coaching_sessions" for each row
  when ((pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}')
    or (pg_column_size(new."takeaways") > 512 or pg_column_compression(new."takeaways") is not null) and jsonb_path_exists(new."takeaways", 'strict $.**{65}')
    or (pg_column_size(new."task_ids") > 512 or pg_column_compression(new."task_ids") is not null) and jsonb_path_exists(new."task_ids", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."coaching_sessions" for each row
  when ((pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}') and new."device_seconds" is distinct from old."device_seconds"
    or (pg_column_size(new."takeaways") > 512 or pg_column_compression(new."takeaways") is not null) and jsonb_path_exists(new."takeaways", 'strict $.**{65}') and new."takeaways" is distinct from old."takeaways"
    or (pg_column_size(new."task_ids") > 512 or pg_column_compression(new."task_ids") is not null) and jsonb_path_exists(new."task_ids", 'strict $.**{65}') and new."task_ids" is distinct from old."task_ids")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."coaching_sessions" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(18);
create trigger keep before truncate on bmad."coaching_sessions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."ai_interactions" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(19);
create trigger stamp_changed before update on bmad."ai_interactions" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(19);
create trigger check_new after insert on bmad."ai_interactions" referencing new table as written for each statement
  execute function bmad_sync.check_versions(19);
create trigger check_changed after update on bmad."ai_interactions" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(19);
create trigger hold before update on bmad."ai_interactions" for each row
  when (current_user = 'authenticated' and (new."prompt_template_id" <> coalesce(old."prompt_template_id", '') or new."consent_record_id" <> coalesce(old."consent_record_id", '') or new."conversation_id" <> coalesce(old."conversation_id", '') or new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."ai_interactions" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(19);
create trigger keep before truncate on bmad."ai_interactions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."messages" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(20);
create trigger stamp_changed before update on bmad."messages" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(20);
create trigger check_new after insert on bmad."messages" referencing new table as written for each statement
  execute function bmad_sync.check_versions(20);
create trigger check_changed after update on bmad."messages" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(20);
create trigger hold before update on bmad."messages" for each row
  when (current_user = 'authenticated' and (new."parent_message_id" <> coalesce(old."parent_message_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."messages" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(20);
create trigger keep before truncate on bmad."messages" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."journals" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(21);
create trigger stamp_changed before update on bmad."journals" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(21);
create trigger check_new after insert on bmad."journals" referencing new table as written for each statement
  execute function bmad_sync.check_versions(21);
create trigger check_changed after update on bmad."journals" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(21);
create trigger bury after delete on bmad."journals" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(21);
create trigger keep before truncate on bmad."journals" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."content_items" for each row
  execute function bmad_sync.stamp_catalogue_row(22);
create trigger stamp_changed before update on bmad."content_items" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(22);
create trigger nesting_new before insert on bmad."content_items" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}')
    or (pg_column_size(new."summary_i18n") > 512 or pg_column_compression(new."summary_i18n") is not null) and jsonb_path_exists(new."summary_i18n", 'strict $.**{65}')
    or (pg_column_size(new."body_i18n") > 512 or pg_column_compression(new."body_i18n") is not null) and jsonb_path_exists(new."body_i18n", 'strict $.**{65}')
    or (pg_column_size(new."life_area_codes") > 512 or pg_column_compression(new."life_area_codes") is not null) and jsonb_path_exists(new."life_area_codes", 'strict $.**{65}')
    or (pg_column_size(new."met24_domain_codes") > 512 or pg_column_compression(new."met24_domain_codes") is not null) and jsonb_path_exists(new."met24_domain_codes", 'strict $.**{65}')
    or (pg_column_size(new."function_affinity") > 512 or pg_column_compression(new."function_affinity") is not null) and jsonb_path_exists(new."function_affinity", 'strict $.**{65}')
    or (pg_column_size(new."member_slugs") > 512 or pg_column_compression(new."member_slugs") is not null) and jsonb_path_exists(new."member_slugs", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."content_items" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}') and new."title_i18n" is distinct from old."title_i18n"
    or (pg_column_size(new."summary_i18n") > 512 or pg_column_compression(new."summary_i18n") is not null) and jsonb_path_exists(new."summary_i18n", 'strict $.**{65}') and new."summary_i18n" is distinct from old."summary_i18n"
    or (pg_column_size(new."body_i18n") > 512 or pg_column_compression(new."body_i18n") is not null) and jsonb_path_exists(new."body_i18n", 'strict $.**{65}') and new."body_i18n" is distinct from old."body_i18n"
    or (pg_column_size(new."life_area_codes") > 512 or pg_column_compression(new."life_area_codes") is not null) and jsonb_path_exists(new."life_area_codes", 'strict $.**{65}') and new."life_area_codes" is distinct from old."life_area_codes"
    or (pg_column_size(new."met24_domain_codes") > 512 or pg_column_compression(new."met24_domain_codes") is not null) and jsonb_path_exists(new."met24_domain_codes", 'strict $.**{65}') and new."met24_domain_codes" is distinct from old."met24_domain_codes"
    or (pg_column_size(new."function_affinity") > 512 or pg_column_compression(new."function_affinity") is not null) and jsonb_path_exists(new."function_affinity", 'strict $.**{65}') and new."function_affinity" is distinct from old."function_affinity"
    or (pg_column_size(new."member_slugs") > 512 or pg_column_compression(new."member_slugs") is not null) and jsonb_path_exists(new."member_slugs", 'strict $.**{65}') and new."member_slugs" is distinct from old."member_slugs")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."content_items" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(22);
create trigger keep before truncate on bmad."content_items" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."journal_entries" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(23);
create trigger stamp_changed before update on bmad."journal_entries" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(23);
create trigger check_new after insert on bmad."journal_entries" referencing new table as written for each statement
  execute function bmad_sync.check_versions(23);
create trigger check_changed after update on bmad."journal_entries" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(23);
create trigger hold before update on bmad."journal_entries" for each row
  when (current_user = 'authenticated' and (new."prompt_content_id" <> coalesce(old."prompt_content_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger nesting_new before insert on bmad."journal_entries" for each row
  when ((pg_column_size(new."emotions") > 512 or pg_column_compression(new."emotions") is not null) and jsonb_path_exists(new."emotions", 'strict $.**{65}')
    or (pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}')
    or (pg_column_size(new."user_life_area_ids") > 512 or pg_column_compression(new."user_life_area_ids") is not null) and jsonb_path_exists(new."user_life_area_ids", 'strict $.**{65}')
    or (pg_column_size(new."met24_domain_ids") > 512 or pg_column_compression(new."met24_domain_ids") is not null) and jsonb_path_exists(new."met24_domain_ids", 'strict $.**{65}')
    or (pg_column_size(new."location") > 512 or pg_column_compression(new."location") is not null) and jsonb_path_exists(new."location", 'strict $.**{65}')
    or (pg_column_size(new."weather") > 512 or pg_column_compression(new."weather") is not null) and jsonb_path_exists(new."weather", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."journal_entries" for each row
  when ((pg_column_size(new."emotions") > 512 or pg_column_compression(new."emotions") is not null) and jsonb_path_exists(new."emotions", 'strict $.**{65}') and new."emotions" is distinct from old."emotions"
    or (pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}') and new."tag_ids" is distinct from old."tag_ids"
    or (pg_column_size(new."user_life_area_ids") > 512 or pg_column_compression(new."user_life_area_ids") is not null) and jsonb_path_exists(new."user_life_area_ids", 'strict $.**{65}') and new."user_life_area_ids" is distinct from old."user_life_area_ids"
    or (pg_column_size(new."met24_domain_ids") > 512 or pg_column_compression(new."met24_domain_ids") is not null) and jsonb_path_exists(new."met24_domain_ids", 'strict $.**{65}') and new."met24_domain_ids" is distinct from old."met24_domain_ids"
    or (pg_column_size(new."location") > 512 or pg_column_compression(new."location") is not null) and jsonb_path_exists(new."location", 'strict $.**{65}') and new."location" is distinct from old."location"
    or (pg_column_size(new."weather") > 512 or pg_column_compression(new."weather") is not null) and jsonb_path_exists(new."weather", 'strict $.**{65}') and new."weather" is distinct from old."weather")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."journal_entries" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(23);
create trigger keep before truncate on bmad."journal_entries" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."journal_revisions" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(24);
create trigger stamp_changed before update on bmad."journal_revisions" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(24);
create trigger check_new after insert on bmad."journal_revisions" referencing new table as written for each statement
  execute function bmad_sync.check_versions(24);
create trigger check_changed after update on bmad."journal_revisions" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(24);
create trigger hold before update on bmad."journal_revisions" for each row
  when (current_user = 'authenticated' and (new."base_revision_id" <> coalesce(old."base_revision_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."journal_revisions" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(24);
create trigger keep before truncate on bmad."journal_revisions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."mood_checkins" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(25);
create trigger stamp_changed before update on bmad."mood_checkins" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(25);
create trigger check_new after insert on bmad."mood_checkins" referencing new table as written for each statement
  execute function bmad_sync.check_versions(25);
create trigger check_changed after update on bmad."mood_checkins" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(25);
create trigger hold before update on bmad."mood_checkins" for each row
  when (current_user = 'authenticated' and (new."journal_entry_id" <> coalesce(old."journal_entry_id", '') or new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger nesting_new before insert on bmad."mood_checkins" for each row
  when ((pg_column_size(new."emotions") > 512 or pg_column_compression(new."emotions") is not null) and jsonb_path_exists(new."emotions", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."mood_checkins" for each row
  when ((pg_column_size(new."emotions") > 512 or pg_column_compression(new."emotions") is not null) and jsonb_path_exists(new."emotions", 'strict $.**{65}') and new."emotions" is distinct from old."emotions")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."mood_checkins" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(25);
create trigger keep before truncate on bmad."mood_checkins" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."tags" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(26);
create trigger stamp_changed before update on bmad."tags" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(26);
create trigger check_new after insert on bmad."tags" referencing new table as written for each statement
  execute function bmad_sync.check_versions(26);
create trigger check_changed after update on bmad."tags" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(26);
create trigger bury after delete on bmad."tags" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(26);
create trigger keep before truncate on bmad."tags" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."attachments" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(27);
create trigger stamp_changed before update on bmad."attachments" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(27);
create trigger check_new after insert on bmad."attachments" referencing new table as written for each statement
  execute function bmad_sync.check_versions(27);
create trigger check_changed after update on bmad."attachments" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(27);
create trigger hold before update on bmad."attachments" for each row
  when (current_user = 'authenticated' and (new."keyring_id" <> coalesce(old."keyring_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."attachments" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(27);
create trigger keep before truncate on bmad."attachments" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."record_links" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(28);
create trigger stamp_changed before update on bmad."record_links" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(28);
create trigger check_new after insert on bmad."record_links" referencing new table as written for each statement
  execute function bmad_sync.check_versions(28);
create trigger check_changed after update on bmad."record_links" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(28);
create trigger bury after delete on bmad."record_links" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(28);
create trigger keep before truncate on bmad."record_links" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."ai_memories" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(29);
create trigger stamp_changed before update on bmad."ai_memories" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(29);
create trigger check_new after insert on bmad."ai_memories" referencing new table as written for each statement
  execute function bmad_sync.check_versions(29);
create trigger check_changed after update on bmad."ai_memories" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(29);
create trigger nesting_new before insert on bmad."ai_memories" for each row
  when ((pg_column_size(new."device_uses") > 512 or pg_column_compression(new."device_uses") is not null) and jsonb_path_exists(new."device_uses", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."ai_memories" for each row
  when ((pg_column_size(new."device_uses") > 512 or pg_column_compression(new."device_uses") is not null) and jsonb_path_exists(new."device_uses", 'strict $.**{65}') and new."device_uses" is distinct from old."device_uses")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."ai_memories" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(29);
create trigger keep before truncate on bmad."ai_memories" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."mbti_insights" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(30);
create trigger stamp_changed before update on bmad."mbti_insights" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(30);
create trigger check_new after insert on bmad."mbti_insights" referencing new table as written for each statement
  execute function bmad_sync.check_versions(30);
create trigger check_changed after update on bmad."mbti_insights" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(30);
create trigger hold before update on bmad."mbti_insights" for each row
  when (current_user = 'authenticated' and (new."mbti_profile_id" <> coalesce(old."mbti_profile_id", '') or new."ai_interaction_id" <> coalesce(old."ai_interaction_id", '') or new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger nesting_new before insert on bmad."mbti_insights" for each row
  when ((pg_column_size(new."evidence") > 512 or pg_column_compression(new."evidence") is not null) and jsonb_path_exists(new."evidence", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."mbti_insights" for each row
  when ((pg_column_size(new."evidence") > 512 or pg_column_compression(new."evidence") is not null) and jsonb_path_exists(new."evidence", 'strict $.**{65}') and new."evidence" is distinct from old."evidence")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."mbti_insights" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(30);
create trigger keep before truncate on bmad."mbti_insights" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."content_states" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(31);
create trigger stamp_changed before update on bmad."content_states" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(31);
create trigger check_new after insert on bmad."content_states" referencing new table as written for each statement
  execute function bmad_sync.check_versions(31);
create trigger check_changed after update on bmad."content_states" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(31);
create trigger nesting_new before insert on bmad."content_states" for each row
  when ((pg_column_size(new."device_opens") > 512 or pg_column_compression(new."device_opens") is not null) and jsonb_path_exists(new."device_opens", 'strict $.**{65}')
    or (pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."content_states" for each row
  when ((pg_column_size(new."device_opens") > 512 or pg_column_compression(new."device_opens") is not null) and jsonb_path_exists(new."device_opens", 'strict $.**{65}') and new."device_opens" is distinct from old."device_opens"
    or (pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}') and new."device_seconds" is distinct from old."device_seconds")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."content_states" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(31);
create trigger keep before truncate on bmad."content_states" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."plans" for each row
  execute function bmad_sync.stamp_catalogue_row(32);
create trigger stamp_changed before update on bmad."plans" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(32);
create trigger nesting_new before insert on bmad."plans" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}')
    or (pg_column_size(new."entitlements") > 512 or pg_column_compression(new."entitlements") is not null) and jsonb_path_exists(new."entitlements", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."plans" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}') and new."title_i18n" is distinct from old."title_i18n"
    or (pg_column_size(new."entitlements") > 512 or pg_column_compression(new."entitlements") is not null) and jsonb_path_exists(new."entitlements", 'strict $.**{65}') and new."entitlements" is distinct from old."entitlements")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."plans" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(32);
create trigger keep before truncate on bmad."plans" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."subscriptions" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(33);
create trigger stamp_changed before update on bmad."subscriptions" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(33);
create trigger check_new after insert on bmad."subscriptions" referencing new table as written for each statement
  execute function bmad_sync.check_versions(33);
create trigger check_changed after update on bmad."subscriptions" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(33);
create trigger bury after delete on bmad."subscriptions" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(33);
create trigger keep before truncate on bmad."subscriptions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."invoices" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(34);
create trigger stamp_changed before update on bmad."invoices" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(34);
create trigger check_new after insert on bmad."invoices" referencing new table as written for each statement
  execute function bmad_sync.check_versions(34);
create trigger check_changed after update on bmad."invoices" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(34);
create trigger nesting_new before insert on bmad."invoices" for each row
  when ((pg_column_size(new."lines") > 512 or pg_column_compression(new."lines") is not null) and jsonb_path_exists(new."lines", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."invoices" for each row
  when ((pg_column_size(new."lines") > 512 or pg_column_compression(new."lines") is not null) and jsonb_path_exists(new."lines", 'strict $.**{65}') and new."lines" is distinct from old."lines")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."invoices" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(34);
create trigger keep before truncate on bmad."invoices" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."payments" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(35);
create trigger stamp_changed before update on bmad."payments" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(35);
create trigger check_new after insert on bmad."payments" referencing new table as written for each statement
  execute function bmad_sync.check_versions(35);
create trigger check_changed after update on bmad."payments" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(35);
create trigger bury after delete on bmad."payments" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(35);
create trigger keep before truncate on bmad."payments" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."entitlements" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(36);
create trigger stamp_changed before update on bmad."entitlements" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(36);
create trigger check_new after insert on bmad."entitlements" referencing new table as written for each statement
  execute function bmad_sync.check_versions(36);
create trigger check_changed after update on bmad."entitlements" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(36);
create trigger bury after delete on bmad."entitlements" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(36);
create trigger keep before truncate on bmad."entitlements" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."usage_counters" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(37);
create trigger stamp_changed before update on bmad."usage_counters" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(37);
create trigger check_new after insert on bmad."usage_counters" referencing new table as written for each statement
  execute function bmad_sync.check_versions(37);
create trigger check_changed after update on bmad."usage_counters" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(37);
create trigger nesting_new before insert on bmad."usage_counters" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."usage_counters" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}') and new."device_counts" is distinct from old."device_counts")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."usage_counters" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(37);
create trigger keep before truncate on bmad."usage_counters" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."met24_domain_relations" for each row
  execute function bmad_sync.stamp_catalogue_row(38);
create trigger stamp_changed before update on bmad."met24_domain_relations" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(38);
create trigger bury after delete on bmad."met24_domain_relations" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(38);
create trigger keep before truncate on bmad."met24_domain_relations" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."met24_progress" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(39);
create trigger stamp_changed before update on bmad."met24_progress" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(39);
create trigger check_new after insert on bmad."met24_progress" referencing new table as written for each statement
  execute function bmad_sync.check_versions(39);
create trigger check_changed after update on bmad."met24_progress" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(39);
create trigger nesting_new before insert on bmad."met24_progress" for each row
  when ((pg_column_size(new."scores_by_week") > 512 or pg_column_compression(new."scores_by_week") is not null) and jsonb_path_exists(new."scores_by_week", 'strict $.**{65}')
    or (pg_column_size(new."device_reflections") > 512 or pg_column_compression(new."device_reflections") is not null) and jsonb_path_exists(new."device_reflections", 'strict $.**{65}')
    or (pg_column_size(new."practices_done") > 512 or pg_column_compression(new."practices_done") is not null) and jsonb_path_exists(new."practices_done", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."met24_progress" for each row
  when ((pg_column_size(new."scores_by_week") > 512 or pg_column_compression(new."scores_by_week") is not null) and jsonb_path_exists(new."scores_by_week", 'strict $.**{65}') and new."scores_by_week" is distinct from old."scores_by_week"
    or (pg_column_size(new."device_reflections") > 512 or pg_column_compression(new."device_reflections") is not null) and jsonb_path_exists(new."device_reflections", 'strict $.**{65}') and new."device_reflections" is distinct from old."device_reflections"
    or (pg_column_size(new."practices_done") > 512 or pg_column_compression(new."practices_done") is not null) and jsonb_path_exists(new."practices_done", 'strict $.**{65}') and new."practices_done" is distinct from old."practices_done")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."met24_progress" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(39);
create trigger keep before truncate on bmad."met24_progress" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."life_area_questions" for each row
  execute function bmad_sync.stamp_catalogue_row(40);
create trigger stamp_changed before update on bmad."life_area_questions" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(40);
create trigger nesting_new before insert on bmad."life_area_questions" for each row
  when ((pg_column_size(new."text_i18n") > 512 or pg_column_compression(new."text_i18n") is not null) and jsonb_path_exists(new."text_i18n", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."life_area_questions" for each row
  when ((pg_column_size(new."text_i18n") > 512 or pg_column_compression(new."text_i18n") is not null) and jsonb_path_exists(new."text_i18n", 'strict $.**{65}') and new."text_i18n" is distinct from old."text_i18n")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."life_area_questions" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(40);
create trigger keep before truncate on bmad."life_area_questions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."life_area_assessments" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(41);
create trigger stamp_changed before update on bmad."life_area_assessments" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(41);
create trigger check_new after insert on bmad."life_area_assessments" referencing new table as written for each statement
  execute function bmad_sync.check_versions(41);
create trigger check_changed after update on bmad."life_area_assessments" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(41);
create trigger hold before update on bmad."life_area_assessments" for each row
  when (current_user = 'authenticated' and (new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger bury after delete on bmad."life_area_assessments" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(41);
create trigger keep before truncate on bmad."life_area_assessments" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."life_area_scores" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(42);
create trigger stamp_changed before update on bmad."life_area_scores" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(42);
create trigger check_new after insert on bmad."life_area_scores" referencing new table as written for each statement
  execute function bmad_sync.check_versions(42);
create trigger check_changed after update on bmad."life_area_scores" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(42);
create trigger nesting_new before insert on bmad."life_area_scores" for each row
  when ((pg_column_size(new."answers") > 512 or pg_column_compression(new."answers") is not null) and jsonb_path_exists(new."answers", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."life_area_scores" for each row
  when ((pg_column_size(new."answers") > 512 or pg_column_compression(new."answers") is not null) and jsonb_path_exists(new."answers", 'strict $.**{65}') and new."answers" is distinct from old."answers")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."life_area_scores" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(42);
create trigger keep before truncate on bmad."life_area_scores" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."tasks" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(43);
create trigger stamp_changed before update on bmad."tasks" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(43);
create trigger check_new after insert on bmad."tasks" referencing new table as written for each statement
  execute function bmad_sync.check_versions(43);
create trigger check_changed after update on bmad."tasks" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(43);
create trigger hold before update on bmad."tasks" for each row
  when (current_user = 'authenticated' and (new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger nesting_new before insert on bmad."tasks" for each row
  when ((pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}')
    or (pg_column_size(new."blocked_by") > 512 or pg_column_compression(new."blocked_by") is not null) and jsonb_path_exists(new."blocked_by", 'strict $.**{65}')
    or (pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."tasks" for each row
  when ((pg_column_size(new."device_seconds") > 512 or pg_column_compression(new."device_seconds") is not null) and jsonb_path_exists(new."device_seconds", 'strict $.**{65}') and new."device_seconds" is distinct from old."device_seconds"
    or (pg_column_size(new."blocked_by") > 512 or pg_column_compression(new."blocked_by") is not null) and jsonb_path_exists(new."blocked_by", 'strict $.**{65}') and new."blocked_by" is distinct from old."blocked_by"
    or (pg_column_size(new."tag_ids") > 512 or pg_column_compression(new."tag_ids") is not null) and jsonb_path_exists(new."tag_ids", 'strict $.**{65}') and new."tag_ids" is distinct from old."tag_ids")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."tasks" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(43);
create trigger keep before truncate on bmad."tasks" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."habits" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(44);
create trigger stamp_changed before update on bmad."habits" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(44);
create trigger check_new after insert on bmad."habits" referencing new table as written for each statement
  execute function bmad_sync.check_versions(44);
create trigger check_changed after update on bmad."habits" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(44);
create trigger bury after delete on bmad."habits" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(44);
create trigger keep before truncate on bmad."habits" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."habit_logs" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(45);
create trigger stamp_changed before update on bmad."habit_logs" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(45);
create trigger check_new after insert on bmad."habit_logs" referencing new table as written for each statement
  execute function bmad_sync.check_versions(45);
create trigger check_changed after update on bmad."habit_logs" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(45);
create trigger nesting_new before insert on bmad."habit_logs" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."habit_logs" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}') and new."device_counts" is distinct from old."device_counts")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."habit_logs" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(45);
create trigger keep before truncate on bmad."habit_logs" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."reminders" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(46);
create trigger stamp_changed before update on bmad."reminders" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(46);
create trigger check_new after insert on bmad."reminders" referencing new table as written for each statement
  execute function bmad_sync.check_versions(46);
create trigger check_changed after update on bmad."reminders" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(46);
create trigger bury after delete on bmad."reminders" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(46);
create trigger keep before truncate on bmad."reminders" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_progress" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(47);
create trigger stamp_changed before update on bmad."user_progress" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(47);
create trigger check_new after insert on bmad."user_progress" referencing new table as written for each statement
  execute function bmad_sync.check_versions(47);
create trigger check_changed after update on bmad."user_progress" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(47);
create trigger nesting_new before insert on bmad."user_progress" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}')
    or (pg_column_size(new."counted_sessions") > 512 or pg_column_compression(new."counted_sessions") is not null) and jsonb_path_exists(new."counted_sessions", 'strict $.**{65}')
    or (pg_column_size(new."milestones") > 512 or pg_column_compression(new."milestones") is not null) and jsonb_path_exists(new."milestones", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."user_progress" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}') and new."device_counts" is distinct from old."device_counts"
    or (pg_column_size(new."counted_sessions") > 512 or pg_column_compression(new."counted_sessions") is not null) and jsonb_path_exists(new."counted_sessions", 'strict $.**{65}') and new."counted_sessions" is distinct from old."counted_sessions"
    or (pg_column_size(new."milestones") > 512 or pg_column_compression(new."milestones") is not null) and jsonb_path_exists(new."milestones", 'strict $.**{65}') and new."milestones" is distinct from old."milestones")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."user_progress" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(47);
create trigger keep before truncate on bmad."user_progress" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."interaction_analytics" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(48);
create trigger stamp_changed before update on bmad."interaction_analytics" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(48);
create trigger check_new after insert on bmad."interaction_analytics" referencing new table as written for each statement
  execute function bmad_sync.check_versions(48);
create trigger check_changed after update on bmad."interaction_analytics" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(48);
create trigger hold before update on bmad."interaction_analytics" for each row
  when (current_user = 'authenticated' and (new."coaching_session_id" <> coalesce(old."coaching_session_id", '')))
  execute function bmad_sync.refuse_fixed();
create trigger nesting_new before insert on bmad."interaction_analytics" for each row
  when ((pg_column_size(new."properties") > 512 or pg_column_compression(new."properties") is not null) and jsonb_path_exists(new."properties", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."interaction_analytics" for each row
  when ((pg_column_size(new."properties") > 512 or pg_column_compression(new."properties") is not null) and jsonb_path_exists(new."properties", 'strict $.**{65}') and new."properties" is distinct from old."properties")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."interaction_analytics" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(48);
create trigger keep before truncate on bmad."interaction_analytics" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."feature_usage_daily" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(49);
create trigger stamp_changed before update on bmad."feature_usage_daily" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(49);
create trigger check_new after insert on bmad."feature_usage_daily" referencing new table as written for each statement
  execute function bmad_sync.check_versions(49);
create trigger check_changed after update on bmad."feature_usage_daily" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(49);
create trigger nesting_new before insert on bmad."feature_usage_daily" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}')
    or (pg_column_size(new."device_ms") > 512 or pg_column_compression(new."device_ms") is not null) and jsonb_path_exists(new."device_ms", 'strict $.**{65}')
    or (pg_column_size(new."device_errors") > 512 or pg_column_compression(new."device_errors") is not null) and jsonb_path_exists(new."device_errors", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."feature_usage_daily" for each row
  when ((pg_column_size(new."device_counts") > 512 or pg_column_compression(new."device_counts") is not null) and jsonb_path_exists(new."device_counts", 'strict $.**{65}') and new."device_counts" is distinct from old."device_counts"
    or (pg_column_size(new."device_ms") > 512 or pg_column_compression(new."device_ms") is not null) and jsonb_path_exists(new."device_ms", 'strict $.**{65}') and new."device_ms" is distinct from old."device_ms"
    or (pg_column_size(new."device_errors") > 512 or pg_column_compression(new."device_errors") is not null) and jsonb_path_exists(new."device_errors", 'strict $.**{65}') and new."device_errors" is distinct from old."device_errors")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."feature_usage_daily" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(49);
create trigger keep before truncate on bmad."feature_usage_daily" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."extension_registry" for each row
  execute function bmad_sync.stamp_catalogue_row(50);
create trigger stamp_changed before update on bmad."extension_registry" for each row when (new.* is distinct from old.*)
  execute function bmad_sync.stamp_catalogue_row(50);
create trigger nesting_new before insert on bmad."extension_registry" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}')
    or (pg_column_size(new."manifest") > 512 or pg_column_compression(new."manifest") is not null) and jsonb_path_exists(new."manifest", 'strict $.**{65}')
    or (pg_column_size(new."config_schema") > 512 or pg_column_compression(new."config_schema") is not null) and jsonb_path_exists(new."config_schema", 'strict $.**{65}')
    or (pg_column_size(new."permissions") > 512 or pg_column_compression(new."permissions") is not null) and jsonb_path_exists(new."permissions", 'strict $.**{65}')
    or (pg_column_size(new."rollout") > 512 or pg_column_compression(new."rollout") is not null) and jsonb_path_exists(new."rollout", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."extension_registry" for each row
  when ((pg_column_size(new."title_i18n") > 512 or pg_column_compression(new."title_i18n") is not null) and jsonb_path_exists(new."title_i18n", 'strict $.**{65}') and new."title_i18n" is distinct from old."title_i18n"
    or (pg_column_size(new."manifest") > 512 or pg_column_compression(new."manifest") is not null) and jsonb_path_exists(new."manifest", 'strict $.**{65}') and new."manifest" is distinct from old."manifest"
    or (pg_column_size(new."config_schema") > 512 or pg_column_compression(new."config_schema") is not null) and jsonb_path_exists(new."config_schema", 'strict $.**{65}') and new."config_schema" is distinct from old."config_schema"
    or (pg_column_size(new."permissions") > 512 or pg_column_compression(new."permissions") is not null) and jsonb_path_exists(new."permissions", 'strict $.**{65}') and new."permissions" is distinct from old."permissions"
    or (pg_column_size(new."rollout") > 512 or pg_column_compression(new."rollout") is not null) and jsonb_path_exists(new."rollout", 'strict $.**{65}') and new."rollout" is distinct from old."rollout")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."extension_registry" referencing old table as gone for each statement
  execute function bmad_sync.bury_catalogue_rows(50);
create trigger keep before truncate on bmad."extension_registry" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."user_extensions" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(51);
create trigger stamp_changed before update on bmad."user_extensions" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(51);
create trigger check_new after insert on bmad."user_extensions" referencing new table as written for each statement
  execute function bmad_sync.check_versions(51);
create trigger check_changed after update on bmad."user_extensions" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(51);
create trigger nesting_new before insert on bmad."user_extensions" for each row
  when ((pg_column_size(new."granted_permissions") > 512 or pg_column_compression(new."granted_permissions") is not null) and jsonb_path_exists(new."granted_permissions", 'strict $.**{65}')
    or (pg_column_size(new."settings") > 512 or pg_column_compression(new."settings") is not null) and jsonb_path_exists(new."settings", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."user_extensions" for each row
  when ((pg_column_size(new."granted_permissions") > 512 or pg_column_compression(new."granted_permissions") is not null) and jsonb_path_exists(new."granted_permissions", 'strict $.**{65}') and new."granted_permissions" is distinct from old."granted_permissions"
    or (pg_column_size(new."settings") > 512 or pg_column_compression(new."settings") is not null) and jsonb_path_exists(new."settings", 'strict $.**{65}') and new."settings" is distinct from old."settings")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."user_extensions" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(51);
create trigger keep before truncate on bmad."user_extensions" for each statement
  execute function bmad_sync.refuse_truncate();

create trigger stamp_new before insert on bmad."extension_records" for each row when (pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint)
  execute function bmad_sync.stamp_user_row(52);
create trigger stamp_changed before update on bmad."extension_records" for each row
  when ((new.server_seq = old.server_seq or pg_trigger_depth() > 0 or new.server_seq is distinct from nullif(split_part(current_setting('bmad_sync.own', true), ' ', 2), '')::bigint
    or old.user_id <> new.user_id or old.id <> new.id) and new.* is distinct from old.*)
  execute function bmad_sync.stamp_user_row(52);
create trigger check_new after insert on bmad."extension_records" referencing new table as written for each statement
  execute function bmad_sync.check_versions(52);
create trigger check_changed after update on bmad."extension_records" referencing old table as before new table as written
  for each statement execute function bmad_sync.check_versions(52);
create trigger nesting_new before insert on bmad."extension_records" for each row
  when ((pg_column_size(new."data") > 512 or pg_column_compression(new."data") is not null) and jsonb_path_exists(new."data", 'strict $.**{65}'))
  execute function bmad_sync.refuse_nesting();
create trigger nesting_changed before update on bmad."extension_records" for each row
  when ((pg_column_size(new."data") > 512 or pg_column_compression(new."data") is not null) and jsonb_path_exists(new."data", 'strict $.**{65}') and new."data" is distinct from old."data")
  execute function bmad_sync.refuse_nesting();
create trigger bury after delete on bmad."extension_records" referencing old table as gone for each statement
  execute function bmad_sync.bury_user_rows(52);
create trigger keep before truncate on bmad."extension_records" for each statement
  execute function bmad_sync.refuse_truncate();
