CREATE TABLE "users" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "email" TEXT CHECK (length(email) <= 254),
  "email_verified_at" INTEGER,
  "display_name" TEXT NOT NULL CHECK (length(display_name) >= 1 and length(display_name) <= 80),
  "avatar_attachment_id" TEXT,
  "locale" TEXT NOT NULL DEFAULT 'nl-NL',
  "timezone" TEXT NOT NULL DEFAULT 'Europe/Amsterdam',
  "birth_year" INTEGER CHECK (birth_year >= 1900),
  "pronouns" TEXT,
  "account_status" TEXT NOT NULL DEFAULT 'active' CHECK ("account_status" IN ('pending', 'active', 'suspended', 'erasure_requested', 'erased')),
  "onboarding_status" TEXT NOT NULL DEFAULT 'not_started' CHECK ("onboarding_status" IN ('not_started', 'in_progress', 'skipped', 'completed')),
  "terms_version" TEXT NOT NULL,
  "privacy_version" TEXT NOT NULL,
  "e2ee_state" TEXT NOT NULL DEFAULT 'off' CHECK ("e2ee_state" IN ('off', 'enabling', 'on')),
  "last_seen_at" INTEGER,
  "safety_hold_until" INTEGER
) STRICT;
CREATE INDEX "ix_users__account_status" ON "users" ("account_status");

CREATE TABLE "user_devices" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "device_label" TEXT NOT NULL,
  "platform" TEXT NOT NULL CHECK ("platform" IN ('pwa', 'android', 'ios', 'desktop', 'cli')),
  "app_version" TEXT NOT NULL,
  "schema_version" INTEGER NOT NULL,
  "public_key" TEXT NOT NULL,
  "push_endpoint" TEXT,
  "last_pull_seq" INTEGER NOT NULL DEFAULT 0,
  "last_sync_at" INTEGER,
  "storage_used_bytes" INTEGER,
  "revoked_at" INTEGER
) STRICT;
CREATE INDEX "ix_user_devices__revoked_at" ON "user_devices" ("revoked_at");

CREATE TABLE "user_preferences" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "prefs_version" INTEGER NOT NULL DEFAULT 1,
  "theme" TEXT NOT NULL DEFAULT 'system' CHECK ("theme" IN ('system', 'light', 'dark')),
  "font_scale" REAL NOT NULL DEFAULT 1.0 CHECK (font_scale >= 0.8 and font_scale <= 2.0),
  "coach_tone" TEXT NOT NULL DEFAULT 'neutral' CHECK ("coach_tone" IN ('neutral', 'direct', 'warm', 'socratic', 'playful')),
  "notifications_enabled" INTEGER NOT NULL DEFAULT 0 CHECK ("notifications_enabled" IN (0, 1)),
  "notification_channels" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("notification_channels")),
  "quiet_hours_start" TEXT,
  "quiet_hours_end" TEXT,
  "week_starts_on" INTEGER NOT NULL DEFAULT 1 CHECK (week_starts_on >= 0 and week_starts_on <= 6),
  "daily_focus_minutes" INTEGER NOT NULL DEFAULT 10 CHECK (daily_focus_minutes >= 0 and daily_focus_minutes <= 480),
  "mbti_optimisation" TEXT NOT NULL DEFAULT 'off' CHECK ("mbti_optimisation" IN ('off', 'prior', 'adaptive')),
  "analytics_level" TEXT NOT NULL DEFAULT 'none' CHECK ("analytics_level" IN ('none', 'essential', 'full')),
  "sync_on_metered" INTEGER NOT NULL DEFAULT 1 CHECK ("sync_on_metered" IN (0, 1)),
  "storage_limit_mb" INTEGER NOT NULL DEFAULT 100 CHECK (storage_limit_mb >= 20),
  "retention_overrides" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("retention_overrides")),
  "feature_toggles" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("feature_toggles")),
  "custom" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("custom"))
) STRICT;

CREATE TABLE "mbti_profiles" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "type_code" TEXT CHECK (length(type_code) = 4),
  "axis_ei" REAL CHECK (axis_ei between -1 and 1),
  "axis_sn" REAL CHECK (axis_sn between -1 and 1),
  "axis_tf" REAL CHECK (axis_tf between -1 and 1),
  "axis_jp" REAL CHECK (axis_jp between -1 and 1),
  "borderline_axes" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("borderline_axes")),
  "confidence" REAL NOT NULL DEFAULT 0.0 CHECK (confidence >= 0 and confidence <= 1),
  "source" TEXT NOT NULL CHECK ("source" IN ('self_declared', 'questionnaire', 'coach', 'imported', 'declined')),
  "instrument_code" TEXT,
  "instrument_version" TEXT,
  "answered_items" INTEGER,
  "total_items" INTEGER,
  "dominant" TEXT CHECK ("dominant" IN ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "auxiliary" TEXT CHECK ("auxiliary" IN ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "tertiary" TEXT CHECK ("tertiary" IN ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "inferior" TEXT CHECK ("inferior" IN ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "influence" REAL NOT NULL DEFAULT 0.25 CHECK (influence >= 0 and influence <= 1),
  "assessed_at" INTEGER NOT NULL,
  "is_current" INTEGER NOT NULL DEFAULT 0 CHECK ("is_current" IN (0, 1)),
  "note" TEXT
) STRICT;
CREATE INDEX "ix_mbti_profiles__is_current" ON "mbti_profiles" ("is_current");
CREATE INDEX "ix_mbti_profiles__assessed_at" ON "mbti_profiles" ("assessed_at");

CREATE TABLE "consent_records" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "purpose" TEXT NOT NULL CHECK ("purpose" IN ('terms', 'privacy', 'special_category', 'personality_profiling', 'ai_processing', 'analytics', 'marketing', 'share_with_coach', 'cloud_sync')),
  "action" TEXT NOT NULL CHECK ("action" IN ('granted', 'refused', 'withdrawn')),
  "policy_version" TEXT NOT NULL,
  "policy_sha256" TEXT NOT NULL,
  "shown_locale" TEXT NOT NULL,
  "method" TEXT NOT NULL CHECK ("method" IN ('onboarding', 'settings', 'renewal', 'support')),
  "evidence" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("evidence")),
  "acted_at" INTEGER NOT NULL
) STRICT;
CREATE INDEX "ix_consent_records__purpose__acted_at" ON "consent_records" ("purpose", "acted_at");

CREATE TABLE "data_requests" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('export', 'erase_account', 'erase_scope', 'rectify', 'restrict', 'object')),
  "scope" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("scope")),
  "status" TEXT NOT NULL DEFAULT 'received' CHECK ("status" IN ('received', 'verified', 'in_progress', 'completed', 'rejected', 'cancelled')),
  "requested_at" INTEGER NOT NULL,
  "due_at" INTEGER,
  "completed_at" INTEGER,
  "result_uri" TEXT,
  "result_sha256" TEXT,
  "reject_reason" TEXT,
  "devices_confirmed" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("devices_confirmed"))
) STRICT;
CREATE INDEX "ix_data_requests__status" ON "data_requests" ("status");

CREATE TABLE "user_keyrings" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "key_scope" TEXT NOT NULL CHECK ("key_scope" IN ('account', 'journal', 'attachments', 'server_field')),
  "scope_id" TEXT,
  "key_version" INTEGER NOT NULL,
  "wrapped_key" TEXT,
  "wrap_method" TEXT NOT NULL CHECK ("wrap_method" IN ('passphrase_argon2id', 'device_x25519', 'recovery_code', 'server_kms')),
  "kdf_params" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("kdf_params")),
  "device_id" TEXT,
  "state" TEXT NOT NULL DEFAULT 'active' CHECK ("state" IN ('active', 'rotated', 'destroyed')),
  "destroyed_at" INTEGER,
  FOREIGN KEY ("device_id") REFERENCES "user_devices" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_user_keyrings__key_scope__scope_id__key_version__wrap_method__device_id" ON "user_keyrings" ("key_scope", "scope_id", "key_version", "wrap_method", "device_id");
CREATE INDEX "ix_user_keyrings__device_id" ON "user_keyrings" ("device_id") WHERE "device_id" IS NOT NULL;

CREATE TABLE "onboarding_steps" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "flow_code" TEXT NOT NULL,
  "flow_version" INTEGER NOT NULL,
  "step_code" TEXT NOT NULL,
  "position" INTEGER NOT NULL,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('info', 'form', 'choice', 'quiz', 'consent', 'permission', 'summary')),
  "title_i18n" TEXT NOT NULL CHECK (json_valid("title_i18n")),
  "body_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("body_i18n")),
  "answer_schema" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("answer_schema")),
  "required" INTEGER NOT NULL DEFAULT 0 CHECK ("required" IN (0, 1)),
  "show_if" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("show_if")),
  "maps_to" TEXT,
  "est_seconds" INTEGER
) STRICT;
CREATE INDEX "ix_onboarding_steps__flow_code__flow_version__position" ON "onboarding_steps" ("flow_code", "flow_version", "position");
CREATE INDEX "ix_onboarding_steps__flow_code__flow_version__step_code" ON "onboarding_steps" ("flow_code", "flow_version", "step_code");

CREATE TABLE "onboarding_progress" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "flow_code" TEXT NOT NULL,
  "flow_version" INTEGER NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'not_started' CHECK ("status" IN ('not_started', 'in_progress', 'skipped', 'completed')),
  "current_step" TEXT,
  "completed_steps" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("completed_steps")),
  "skipped_steps" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("skipped_steps")),
  "answers" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("answers")),
  "device_seconds" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_seconds")),
  "started_at" INTEGER,
  "completed_at" INTEGER
) STRICT;
CREATE INDEX "ix_onboarding_progress__flow_code" ON "onboarding_progress" ("flow_code");

CREATE TABLE "contacts" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "display_name" TEXT NOT NULL,
  "relation" TEXT NOT NULL DEFAULT 'other' CHECK ("relation" IN ('partner', 'family', 'friend', 'colleague', 'coach', 'professional', 'other')),
  "circle" INTEGER NOT NULL DEFAULT 3 CHECK (circle >= 1 and circle <= 5),
  "email" TEXT,
  "phone" TEXT,
  "birthday" TEXT,
  "is_coach" INTEGER NOT NULL DEFAULT 0 CHECK ("is_coach" IN (0, 1)),
  "linked_user_id" TEXT,
  "device_touches" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_touches")),
  "last_touch_at" INTEGER,
  "notes" TEXT
) STRICT;
CREATE INDEX "ix_contacts__circle__last_touch_at" ON "contacts" ("circle", "last_touch_at");
CREATE INDEX "ix_contacts__is_coach" ON "contacts" ("is_coach");

CREATE TABLE "prompt_templates" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "purpose" TEXT NOT NULL CHECK ("purpose" IN ('coach_reply', 'journal_prompt', 'summary', 'insight', 'safety_check', 'embedding')),
  "locale" TEXT NOT NULL,
  "template" TEXT NOT NULL,
  "variables" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("variables")),
  "model_hint" TEXT,
  "max_tokens" INTEGER,
  "temperature" REAL,
  "active" INTEGER NOT NULL DEFAULT 1 CHECK ("active" IN (0, 1))
) STRICT;
CREATE INDEX "ix_prompt_templates__code__version__locale" ON "prompt_templates" ("code", "version", "locale");

CREATE TABLE "conversations" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('coach_chat', 'journal_assist', 'question', 'imported')),
  "title" TEXT,
  "state" TEXT NOT NULL DEFAULT 'open' CHECK ("state" IN ('open', 'archived')),
  "pinned" INTEGER NOT NULL DEFAULT 0 CHECK ("pinned" IN (0, 1)),
  "prompt_template_id" TEXT,
  "model_hint" TEXT,
  "last_message_at" INTEGER,
  "message_count" INTEGER NOT NULL DEFAULT 0,
  "summary" TEXT,
  "tag_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("tag_ids"))
) STRICT;
CREATE INDEX "ix_conversations__state__last_message_at" ON "conversations" ("state", "last_message_at");
CREATE INDEX "ix_conversations__pinned" ON "conversations" ("pinned");

CREATE TABLE "life_areas" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "name_i18n" TEXT NOT NULL CHECK (json_valid("name_i18n")),
  "description_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("description_i18n")),
  "preset_codes" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("preset_codes")),
  "position" INTEGER NOT NULL,
  "icon" TEXT,
  "color" TEXT,
  "belief_related" INTEGER NOT NULL DEFAULT 0 CHECK ("belief_related" IN (0, 1)),
  "health_related" INTEGER NOT NULL DEFAULT 0 CHECK ("health_related" IN (0, 1))
) STRICT;
CREATE INDEX "ix_life_areas__code" ON "life_areas" ("code");

CREATE TABLE "user_life_areas" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "life_area_id" TEXT,
  "custom_name" TEXT,
  "color" TEXT,
  "position" TEXT NOT NULL DEFAULT 'a0',
  "active" INTEGER NOT NULL DEFAULT 1 CHECK ("active" IN (0, 1)),
  "importance" INTEGER CHECK (importance >= 1 and importance <= 10),
  "target_score" REAL,
  "current_score" REAL
) STRICT;
CREATE INDEX "ix_user_life_areas__active__position" ON "user_life_areas" ("active", "position");
CREATE INDEX "ix_user_life_areas__code" ON "user_life_areas" ("code");

CREATE TABLE "domain_frameworks" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "version" TEXT NOT NULL,
  "title_i18n" TEXT NOT NULL CHECK (json_valid("title_i18n")),
  "author" TEXT,
  "licence" TEXT NOT NULL,
  "score_min" REAL NOT NULL DEFAULT 0.0,
  "score_max" REAL NOT NULL DEFAULT 100.0,
  "is_default" INTEGER NOT NULL DEFAULT 0 CHECK ("is_default" IN (0, 1))
) STRICT;
CREATE INDEX "ix_domain_frameworks__code__version" ON "domain_frameworks" ("code", "version");

CREATE TABLE "met24_domains" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "framework_id" TEXT NOT NULL,
  "domain_number" INTEGER NOT NULL,
  "code" TEXT NOT NULL,
  "name_i18n" TEXT NOT NULL CHECK (json_valid("name_i18n")),
  "cluster_code" TEXT,
  "level_code" TEXT,
  "description_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("description_i18n")),
  "prompts_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("prompts_i18n")),
  "belief_related" INTEGER NOT NULL DEFAULT 0 CHECK ("belief_related" IN (0, 1)),
  "health_related" INTEGER NOT NULL DEFAULT 0 CHECK ("health_related" IN (0, 1)),
  "icon" TEXT
) STRICT;
CREATE INDEX "ix_met24_domains__framework_id__domain_number" ON "met24_domains" ("framework_id", "domain_number");
CREATE INDEX "ix_met24_domains__framework_id__code" ON "met24_domains" ("framework_id", "code");

CREATE TABLE "goals" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "title" TEXT NOT NULL,
  "description" TEXT,
  "why" TEXT,
  "obstacle" TEXT,
  "if_then" TEXT,
  "user_life_area_id" TEXT,
  "met24_domain_id" TEXT,
  "parent_goal_id" TEXT,
  "horizon" TEXT NOT NULL DEFAULT 'quarter' CHECK ("horizon" IN ('week', 'month', 'quarter', 'year', 'life')),
  "state" TEXT NOT NULL DEFAULT 'draft' CHECK ("state" IN ('draft', 'active', 'paused', 'dropped', 'achieved')),
  "importance" INTEGER NOT NULL DEFAULT 3 CHECK (importance >= 1 and importance <= 5),
  "start_on" TEXT,
  "due_on" TEXT,
  "metric" TEXT CHECK (json_valid("metric")),
  "progress_pct" INTEGER NOT NULL DEFAULT 0 CHECK (progress_pct >= 0 and progress_pct <= 100),
  "achieved_at" INTEGER,
  "position" TEXT NOT NULL DEFAULT 'a0',
  FOREIGN KEY ("user_life_area_id") REFERENCES "user_life_areas" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("parent_goal_id") REFERENCES "goals" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_goals__state__due_on" ON "goals" ("state", "due_on");
CREATE INDEX "ix_goals__user_life_area_id__state" ON "goals" ("user_life_area_id", "state");
CREATE INDEX "ix_goals__parent_goal_id" ON "goals" ("parent_goal_id") WHERE "parent_goal_id" IS NOT NULL;

CREATE TABLE "coaching_sessions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('intake', 'regular', 'follow_up', 'review', 'exercise')),
  "coach_kind" TEXT NOT NULL CHECK ("coach_kind" IN ('ai', 'human', 'self')),
  "coach_contact_id" TEXT,
  "title" TEXT,
  "intention" TEXT,
  "status" TEXT NOT NULL DEFAULT 'scheduled' CHECK ("status" IN ('scheduled', 'in_progress', 'paused', 'abandoned', 'cancelled', 'completed')),
  "scheduled_at" INTEGER,
  "started_at" INTEGER,
  "ended_at" INTEGER,
  "device_seconds" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_seconds")),
  "conversation_id" TEXT,
  "user_life_area_id" TEXT,
  "met24_domain_id" TEXT,
  "goal_id" TEXT,
  "method_code" TEXT,
  "mood_before" INTEGER CHECK (mood_before >= 1 and mood_before <= 5),
  "mood_after" INTEGER CHECK (mood_after >= 1 and mood_after <= 5),
  "rating" INTEGER CHECK (rating >= 1 and rating <= 5),
  "summary" TEXT,
  "takeaways" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("takeaways")),
  "task_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("task_ids")),
  "type_at_session" TEXT,
  "txn_id" TEXT NOT NULL,
  FOREIGN KEY ("coach_contact_id") REFERENCES "contacts" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("user_life_area_id") REFERENCES "user_life_areas" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("goal_id") REFERENCES "goals" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_coaching_sessions__status__scheduled_at" ON "coaching_sessions" ("status", "scheduled_at");
CREATE INDEX "ix_coaching_sessions__started_at" ON "coaching_sessions" ("started_at");
CREATE INDEX "ix_coaching_sessions__user_life_area_id__started_at" ON "coaching_sessions" ("user_life_area_id", "started_at");
CREATE INDEX "ix_coaching_sessions__coach_contact_id" ON "coaching_sessions" ("coach_contact_id") WHERE "coach_contact_id" IS NOT NULL;
CREATE INDEX "ix_coaching_sessions__conversation_id" ON "coaching_sessions" ("conversation_id") WHERE "conversation_id" IS NOT NULL;
CREATE INDEX "ix_coaching_sessions__goal_id" ON "coaching_sessions" ("goal_id") WHERE "goal_id" IS NOT NULL;

CREATE TABLE "ai_interactions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "purpose" TEXT NOT NULL CHECK ("purpose" IN ('coach_reply', 'journal_prompt', 'summary', 'insight', 'safety_check', 'embedding')),
  "prompt_template_id" TEXT,
  "provider" TEXT NOT NULL,
  "model" TEXT NOT NULL,
  "ran_on" TEXT NOT NULL CHECK ("ran_on" IN ('device', 'own_server', 'third_party')),
  "consent_record_id" TEXT,
  "conversation_id" TEXT,
  "coaching_session_id" TEXT,
  "request_hash" TEXT NOT NULL,
  "input_tokens" INTEGER,
  "output_tokens" INTEGER,
  "cost_micros" INTEGER NOT NULL DEFAULT 0,
  "latency_ms" INTEGER,
  "status" TEXT NOT NULL CHECK ("status" IN ('ok', 'error', 'refused', 'timeout', 'offline')),
  "error_code" TEXT,
  "started_at" INTEGER NOT NULL,
  FOREIGN KEY ("consent_record_id") REFERENCES "consent_records" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_ai_interactions__started_at" ON "ai_interactions" ("started_at");
CREATE INDEX "ix_ai_interactions__purpose__started_at" ON "ai_interactions" ("purpose", "started_at");
CREATE INDEX "ix_ai_interactions__consent_record_id" ON "ai_interactions" ("consent_record_id") WHERE "consent_record_id" IS NOT NULL;
CREATE INDEX "ix_ai_interactions__conversation_id" ON "ai_interactions" ("conversation_id") WHERE "conversation_id" IS NOT NULL;
CREATE INDEX "ix_ai_interactions__coaching_session_id" ON "ai_interactions" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;

CREATE TABLE "messages" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "conversation_id" TEXT NOT NULL,
  "parent_message_id" TEXT,
  "role" TEXT NOT NULL CHECK ("role" IN ('user', 'assistant', 'system', 'tool')),
  "content" TEXT NOT NULL,
  "content_format" TEXT NOT NULL DEFAULT 'markdown' CHECK ("content_format" IN ('markdown', 'plain', 'json')),
  "status" TEXT NOT NULL DEFAULT 'pending' CHECK ("status" IN ('pending', 'streaming', 'failed', 'cancelled', 'complete')),
  "model" TEXT,
  "input_tokens" INTEGER,
  "output_tokens" INTEGER,
  "feedback" INTEGER CHECK (feedback in (-1, 1)),
  "feedback_note" TEXT,
  "safety_flag" TEXT NOT NULL DEFAULT 'none' CHECK ("safety_flag" IN ('none', 'distress', 'crisis')),
  "ai_interaction_id" TEXT,
  "sent_at" INTEGER NOT NULL,
  FOREIGN KEY ("conversation_id") REFERENCES "conversations" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("parent_message_id") REFERENCES "messages" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("ai_interaction_id") REFERENCES "ai_interactions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_messages__conversation_id__sent_at" ON "messages" ("conversation_id", "sent_at");
CREATE INDEX "ix_messages__sent_at" ON "messages" ("sent_at");
CREATE INDEX "ix_messages__parent_message_id" ON "messages" ("parent_message_id") WHERE "parent_message_id" IS NOT NULL;
CREATE INDEX "ix_messages__ai_interaction_id" ON "messages" ("ai_interaction_id") WHERE "ai_interaction_id" IS NOT NULL;

CREATE TABLE "journals" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "name" TEXT NOT NULL,
  "icon" TEXT,
  "color" TEXT,
  "position" TEXT NOT NULL DEFAULT 'a0',
  "e2ee_state" TEXT NOT NULL DEFAULT 'off' CHECK ("e2ee_state" IN ('off', 'enabling', 'on')),
  "archived_at" INTEGER
) STRICT;
CREATE INDEX "ix_journals__position" ON "journals" ("position");

CREATE TABLE "content_items" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "slug" TEXT NOT NULL,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('article', 'exercise', 'audio', 'video', 'quote', 'prompt', 'practice', 'path', 'pack')),
  "version" INTEGER NOT NULL,
  "title_i18n" TEXT NOT NULL CHECK (json_valid("title_i18n")),
  "summary_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("summary_i18n")),
  "body_i18n" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("body_i18n")),
  "media_uri" TEXT,
  "duration_min" INTEGER,
  "difficulty" INTEGER NOT NULL DEFAULT 1 CHECK (difficulty >= 1 and difficulty <= 5),
  "life_area_codes" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("life_area_codes")),
  "met24_domain_codes" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("met24_domain_codes")),
  "function_affinity" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("function_affinity")),
  "member_slugs" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("member_slugs")),
  "feature_required" TEXT,
  "byte_size" INTEGER NOT NULL DEFAULT 0,
  "checksum" TEXT NOT NULL,
  "licence" TEXT NOT NULL
) STRICT;
CREATE INDEX "ix_content_items__kind" ON "content_items" ("kind");
CREATE INDEX "ix_content_items__slug__version" ON "content_items" ("slug", "version");

CREATE TABLE "journal_entries" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "journal_id" TEXT NOT NULL,
  "entry_date" TEXT NOT NULL,
  "occurred_at" INTEGER NOT NULL,
  "tz" TEXT NOT NULL,
  "entry_type" TEXT NOT NULL DEFAULT 'free' CHECK ("entry_type" IN ('free', 'prompted', 'gratitude', 'dream', 'imagination', 'reflection', 'voice')),
  "title" TEXT,
  "body" TEXT NOT NULL,
  "body_format" TEXT NOT NULL DEFAULT 'markdown' CHECK ("body_format" IN ('markdown', 'plain')),
  "body_hash" TEXT NOT NULL,
  "word_count" INTEGER NOT NULL DEFAULT 0,
  "mood" INTEGER CHECK (mood >= 1 and mood <= 5),
  "energy" INTEGER CHECK (energy >= 1 and energy <= 5),
  "emotions" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("emotions")),
  "tag_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("tag_ids")),
  "user_life_area_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("user_life_area_ids")),
  "met24_domain_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("met24_domain_ids")),
  "prompt_content_id" TEXT,
  "coaching_session_id" TEXT,
  "starred" INTEGER NOT NULL DEFAULT 0 CHECK ("starred" IN (0, 1)),
  "location" TEXT CHECK (json_valid("location")),
  "weather" TEXT CHECK (json_valid("weather")),
  "archived_at" INTEGER,
  FOREIGN KEY ("journal_id") REFERENCES "journals" ("id") ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_journal_entries__entry_date" ON "journal_entries" ("entry_date");
CREATE INDEX "ix_journal_entries__journal_id__entry_date" ON "journal_entries" ("journal_id", "entry_date");
CREATE INDEX "ix_journal_entries__starred__entry_date" ON "journal_entries" ("starred", "entry_date");
CREATE INDEX "ix_journal_entries__coaching_session_id" ON "journal_entries" ("coaching_session_id");

CREATE TABLE "journal_revisions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "entry_id" TEXT NOT NULL,
  "base_revision_id" TEXT,
  "content_hash" TEXT NOT NULL,
  "body_delta" TEXT NOT NULL,
  "is_full" INTEGER NOT NULL DEFAULT 0 CHECK ("is_full" IN (0, 1)),
  "reason" TEXT NOT NULL CHECK ("reason" IN ('autosave', 'merge', 'conflict_copy', 'restore', 'import')),
  "captured_at" INTEGER NOT NULL,
  FOREIGN KEY ("entry_id") REFERENCES "journal_entries" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("base_revision_id") REFERENCES "journal_revisions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_journal_revisions__entry_id__captured_at" ON "journal_revisions" ("entry_id", "captured_at");
CREATE INDEX "ix_journal_revisions__base_revision_id" ON "journal_revisions" ("base_revision_id") WHERE "base_revision_id" IS NOT NULL;

CREATE TABLE "mood_checkins" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "measured_at" INTEGER NOT NULL,
  "mood" INTEGER NOT NULL CHECK (mood >= 1 and mood <= 5),
  "valence" REAL CHECK (valence between -1 and 1),
  "arousal" REAL CHECK (arousal between -1 and 1),
  "stress" INTEGER CHECK (stress >= 0 and stress <= 10),
  "energy" INTEGER CHECK (energy >= 1 and energy <= 5),
  "emotions" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("emotions")),
  "note" TEXT,
  "source" TEXT NOT NULL DEFAULT 'manual' CHECK ("source" IN ('manual', 'session', 'journal', 'widget', 'import')),
  "journal_entry_id" TEXT,
  "coaching_session_id" TEXT,
  FOREIGN KEY ("journal_entry_id") REFERENCES "journal_entries" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_mood_checkins__measured_at" ON "mood_checkins" ("measured_at");
CREATE INDEX "ix_mood_checkins__mood__measured_at" ON "mood_checkins" ("mood", "measured_at");
CREATE INDEX "ix_mood_checkins__journal_entry_id" ON "mood_checkins" ("journal_entry_id") WHERE "journal_entry_id" IS NOT NULL;
CREATE INDEX "ix_mood_checkins__coaching_session_id" ON "mood_checkins" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;

CREATE TABLE "tags" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "name" TEXT NOT NULL,
  "label" TEXT NOT NULL,
  "color" TEXT,
  "kind" TEXT NOT NULL DEFAULT 'topic' CHECK ("kind" IN ('topic', 'person', 'place', 'emotion', 'system')),
  "merged_into_id" TEXT,
  "use_count" INTEGER NOT NULL DEFAULT 0,
  FOREIGN KEY ("merged_into_id") REFERENCES "tags" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_tags__name" ON "tags" ("name");
CREATE INDEX "ix_tags__merged_into_id" ON "tags" ("merged_into_id") WHERE "merged_into_id" IS NOT NULL;

CREATE TABLE "attachments" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "owner_table" TEXT NOT NULL,
  "owner_id" TEXT NOT NULL,
  "media_type" TEXT NOT NULL,
  "byte_size" INTEGER NOT NULL CHECK (byte_size >= 0),
  "sha256" TEXT NOT NULL,
  "width" INTEGER,
  "height" INTEGER,
  "duration_ms" INTEGER,
  "storage_key" TEXT,
  "upload_state" TEXT NOT NULL DEFAULT 'local' CHECK ("upload_state" IN ('local', 'uploading', 'uploaded', 'purged')),
  "keyring_id" TEXT,
  "caption" TEXT,
  "transcript" TEXT,
  "taken_at" INTEGER,
  "local_path" TEXT,
  FOREIGN KEY ("keyring_id") REFERENCES "user_keyrings" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_attachments__owner_table__owner_id" ON "attachments" ("owner_table", "owner_id");
CREATE INDEX "ix_attachments__upload_state" ON "attachments" ("upload_state");
CREATE INDEX "ix_attachments__keyring_id" ON "attachments" ("keyring_id") WHERE "keyring_id" IS NOT NULL;

CREATE TABLE "record_links" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "from_table" TEXT NOT NULL,
  "from_id" TEXT NOT NULL,
  "to_table" TEXT NOT NULL,
  "to_id" TEXT NOT NULL,
  "relation" TEXT NOT NULL CHECK ("relation" IN ('mentions', 'relates_to', 'caused_by', 'follows_up', 'supports', 'contradicts', 'derived_from')),
  "strength" REAL NOT NULL DEFAULT 0.5 CHECK (strength >= 0 and strength <= 1),
  "made_by" TEXT NOT NULL CHECK ("made_by" IN ('user', 'ai', 'import')),
  "confirmed" INTEGER NOT NULL DEFAULT 0 CHECK ("confirmed" IN (0, 1))
) STRICT;
CREATE INDEX "ix_record_links__from_table__from_id" ON "record_links" ("from_table", "from_id");
CREATE INDEX "ix_record_links__to_table__to_id" ON "record_links" ("to_table", "to_id");

CREATE TABLE "ai_memories" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('fact', 'preference', 'value', 'pattern', 'boundary')),
  "statement" TEXT NOT NULL,
  "confidence" REAL NOT NULL DEFAULT 0.5 CHECK (confidence >= 0 and confidence <= 1),
  "state" TEXT NOT NULL DEFAULT 'proposed' CHECK ("state" IN ('proposed', 'confirmed', 'outdated', 'rejected')),
  "source_table" TEXT,
  "source_id" TEXT,
  "pinned" INTEGER NOT NULL DEFAULT 0 CHECK ("pinned" IN (0, 1)),
  "device_uses" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_uses")),
  "last_used_at" INTEGER,
  "expires_at" INTEGER
) STRICT;
CREATE INDEX "ix_ai_memories__state__last_used_at" ON "ai_memories" ("state", "last_used_at");

CREATE TABLE "embeddings" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "source_table" TEXT NOT NULL,
  "source_id" TEXT NOT NULL,
  "chunk_no" INTEGER NOT NULL DEFAULT 0,
  "model" TEXT NOT NULL,
  "dims" INTEGER NOT NULL,
  "vector" BLOB NOT NULL,
  "content_hash" TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX "ix_embeddings__source_table__source_id__chunk_no__model" ON "embeddings" ("source_table", "source_id", "chunk_no", "model");

CREATE TABLE "mbti_insights" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "mbti_profile_id" TEXT,
  "type_code" TEXT,
  "function_code" TEXT CHECK ("function_code" IN ('Te', 'Ti', 'Fe', 'Fi', 'Ne', 'Ni', 'Se', 'Si')),
  "kind" TEXT NOT NULL CHECK ("kind" IN ('pattern', 'strength', 'growth_edge', 'stress_signal', 'communication', 'period_summary')),
  "title" TEXT NOT NULL,
  "body" TEXT NOT NULL,
  "evidence" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("evidence")),
  "basis_hash" TEXT NOT NULL,
  "confidence" REAL NOT NULL DEFAULT 0.3 CHECK (confidence >= 0 and confidence <= 1),
  "state" TEXT NOT NULL DEFAULT 'new' CHECK ("state" IN ('new', 'seen', 'needs_review', 'helpful', 'dismissed', 'superseded')),
  "feedback" INTEGER CHECK (feedback in (-1, 1)),
  "generated_by" TEXT NOT NULL CHECK ("generated_by" IN ('rule', 'model', 'coach')),
  "ai_interaction_id" TEXT,
  "coaching_session_id" TEXT,
  "superseded_by_id" TEXT,
  "valid_from" INTEGER NOT NULL,
  "expires_at" INTEGER,
  FOREIGN KEY ("mbti_profile_id") REFERENCES "mbti_profiles" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("ai_interaction_id") REFERENCES "ai_interactions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("superseded_by_id") REFERENCES "mbti_insights" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_mbti_insights__state__valid_from" ON "mbti_insights" ("state", "valid_from");
CREATE INDEX "ix_mbti_insights__kind__valid_from" ON "mbti_insights" ("kind", "valid_from");
CREATE INDEX "ix_mbti_insights__mbti_profile_id" ON "mbti_insights" ("mbti_profile_id") WHERE "mbti_profile_id" IS NOT NULL;
CREATE INDEX "ix_mbti_insights__ai_interaction_id" ON "mbti_insights" ("ai_interaction_id") WHERE "ai_interaction_id" IS NOT NULL;
CREATE INDEX "ix_mbti_insights__coaching_session_id" ON "mbti_insights" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;
CREATE INDEX "ix_mbti_insights__superseded_by_id" ON "mbti_insights" ("superseded_by_id") WHERE "superseded_by_id" IS NOT NULL;

CREATE TABLE "content_states" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "content_item_id" TEXT NOT NULL,
  "bookmarked" INTEGER NOT NULL DEFAULT 0 CHECK ("bookmarked" IN (0, 1)),
  "hidden" INTEGER NOT NULL DEFAULT 0 CHECK ("hidden" IN (0, 1)),
  "offline_pinned" INTEGER NOT NULL DEFAULT 0 CHECK ("offline_pinned" IN (0, 1)),
  "progress_pct" INTEGER NOT NULL DEFAULT 0 CHECK (progress_pct >= 0 and progress_pct <= 100),
  "completed_at" INTEGER,
  "last_position" TEXT,
  "rating" INTEGER CHECK (rating >= 1 and rating <= 5),
  "device_opens" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_opens")),
  "device_seconds" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_seconds")),
  "note" TEXT,
  "rec_score" REAL
) STRICT;
CREATE INDEX "ix_content_states__bookmarked" ON "content_states" ("bookmarked");
CREATE INDEX "ix_content_states__content_item_id" ON "content_states" ("content_item_id");

CREATE TABLE "plans" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "plan_code" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "tier" TEXT NOT NULL CHECK ("tier" IN ('free', 'plus', 'pro')),
  "title_i18n" TEXT NOT NULL CHECK (json_valid("title_i18n")),
  "billing_interval" TEXT NOT NULL CHECK ("billing_interval" IN ('none', 'month', 'year', 'lifetime')),
  "currency" TEXT NOT NULL CHECK (length(currency) = 3),
  "amount_minor" INTEGER NOT NULL CHECK (amount_minor >= 0),
  "tax_behaviour" TEXT NOT NULL DEFAULT 'inclusive' CHECK ("tax_behaviour" IN ('inclusive', 'exclusive')),
  "trial_days" INTEGER NOT NULL DEFAULT 0,
  "entitlements" TEXT NOT NULL CHECK (json_valid("entitlements")),
  "provider_price_id" TEXT,
  "active_from" INTEGER NOT NULL,
  "active_until" INTEGER
) STRICT;
CREATE INDEX "ix_plans__plan_code__version__billing_interval__currency" ON "plans" ("plan_code", "version", "billing_interval", "currency");

CREATE TABLE "subscriptions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "plan_id" TEXT NOT NULL,
  "provider" TEXT NOT NULL CHECK ("provider" IN ('stripe', 'mollie', 'apple', 'google', 'manual')),
  "provider_subscription_id" TEXT,
  "status" TEXT NOT NULL CHECK ("status" IN ('incomplete', 'incomplete_expired', 'trialing', 'active', 'past_due', 'unpaid', 'paused', 'canceled')),
  "current_period_start" INTEGER,
  "current_period_end" INTEGER,
  "trial_end" INTEGER,
  "cancel_at_period_end" INTEGER NOT NULL DEFAULT 0 CHECK ("cancel_at_period_end" IN (0, 1)),
  "cancel_at" INTEGER,
  "canceled_at" INTEGER,
  "ended_at" INTEGER,
  "grace_until" INTEGER,
  "provider_event_at" INTEGER
) STRICT;
CREATE INDEX "ix_subscriptions__status" ON "subscriptions" ("status");
CREATE INDEX "ix_subscriptions__provider__provider_subscription_id" ON "subscriptions" ("provider", "provider_subscription_id");

CREATE TABLE "invoices" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "subscription_id" TEXT,
  "number" TEXT NOT NULL,
  "status" TEXT NOT NULL CHECK ("status" IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
  "currency" TEXT NOT NULL,
  "subtotal_minor" INTEGER NOT NULL,
  "tax_minor" INTEGER NOT NULL,
  "total_minor" INTEGER NOT NULL,
  "paid_minor" INTEGER NOT NULL DEFAULT 0,
  "period_start" INTEGER,
  "period_end" INTEGER,
  "issued_at" INTEGER,
  "due_at" INTEGER,
  "lines" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("lines")),
  "pdf_uri" TEXT,
  "provider_invoice_id" TEXT,
  FOREIGN KEY ("subscription_id") REFERENCES "subscriptions" ("id") ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_invoices__issued_at" ON "invoices" ("issued_at");
CREATE INDEX "ix_invoices__number" ON "invoices" ("number");
CREATE INDEX "ix_invoices__provider_invoice_id" ON "invoices" ("provider_invoice_id");
CREATE INDEX "ix_invoices__subscription_id" ON "invoices" ("subscription_id") WHERE "subscription_id" IS NOT NULL;

CREATE TABLE "payments" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "invoice_id" TEXT,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('charge', 'refund', 'dispute')),
  "status" TEXT NOT NULL CHECK ("status" IN ('requires_action', 'processing', 'succeeded', 'failed', 'canceled')),
  "amount_minor" INTEGER NOT NULL,
  "currency" TEXT NOT NULL,
  "method_brand" TEXT,
  "method_last4" TEXT,
  "failure_code" TEXT,
  "provider_payment_id" TEXT,
  "idempotency_key" TEXT NOT NULL,
  "attempted_at" INTEGER NOT NULL,
  "settled_at" INTEGER,
  FOREIGN KEY ("invoice_id") REFERENCES "invoices" ("id") ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_payments__attempted_at" ON "payments" ("attempted_at");
CREATE INDEX "ix_payments__idempotency_key" ON "payments" ("idempotency_key");
CREATE INDEX "ix_payments__provider_payment_id" ON "payments" ("provider_payment_id");
CREATE INDEX "ix_payments__invoice_id" ON "payments" ("invoice_id") WHERE "invoice_id" IS NOT NULL;

CREATE TABLE "entitlements" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "feature_code" TEXT NOT NULL,
  "source" TEXT NOT NULL CHECK ("source" IN ('plan', 'trial', 'grant', 'promo')),
  "subscription_id" TEXT,
  "limit_value" INTEGER,
  "period" TEXT NOT NULL DEFAULT 'none' CHECK ("period" IN ('none', 'day', 'week', 'month', 'year')),
  "valid_from" INTEGER NOT NULL,
  "valid_until" INTEGER,
  "offline_grace_until" INTEGER,
  "signature" TEXT NOT NULL,
  FOREIGN KEY ("subscription_id") REFERENCES "subscriptions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_entitlements__feature_code__valid_until" ON "entitlements" ("feature_code", "valid_until");
CREATE INDEX "ix_entitlements__subscription_id" ON "entitlements" ("subscription_id") WHERE "subscription_id" IS NOT NULL;

CREATE TABLE "usage_counters" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "feature_code" TEXT NOT NULL,
  "period_key" TEXT NOT NULL,
  "device_counts" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_counts")),
  "used" INTEGER NOT NULL DEFAULT 0,
  "limit_snapshot" INTEGER
) STRICT;
CREATE INDEX "ix_usage_counters__feature_code__period_key" ON "usage_counters" ("feature_code", "period_key");

CREATE TABLE "met24_domain_relations" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "from_domain_id" TEXT NOT NULL,
  "to_domain_id" TEXT NOT NULL,
  "relation" TEXT NOT NULL CHECK ("relation" IN ('influences', 'contains', 'balances', 'opposes', 'precedes')),
  "strength" REAL NOT NULL DEFAULT 0.5 CHECK (strength >= 0 and strength <= 1)
) STRICT;
CREATE INDEX "ix_met24_domain_relations__to_domain_id" ON "met24_domain_relations" ("to_domain_id");
CREATE INDEX "ix_met24_domain_relations__from_domain_id__to_domain_id__relation" ON "met24_domain_relations" ("from_domain_id", "to_domain_id", "relation");

CREATE TABLE "met24_progress" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "met24_domain_id" TEXT NOT NULL,
  "score" REAL CHECK (score >= 0 and score <= 100),
  "scores_by_week" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("scores_by_week")),
  "level_reached" INTEGER NOT NULL DEFAULT 0,
  "focus" INTEGER NOT NULL DEFAULT 0 CHECK ("focus" IN (0, 1)),
  "explored_at" INTEGER,
  "last_reflection_at" INTEGER,
  "device_reflections" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_reflections")),
  "practices_done" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("practices_done")),
  "note" TEXT
) STRICT;
CREATE INDEX "ix_met24_progress__focus" ON "met24_progress" ("focus");
CREATE INDEX "ix_met24_progress__met24_domain_id" ON "met24_progress" ("met24_domain_id");

CREATE TABLE "life_area_questions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "life_area_id" TEXT NOT NULL,
  "question_code" TEXT NOT NULL,
  "version" INTEGER NOT NULL,
  "text_i18n" TEXT NOT NULL CHECK (json_valid("text_i18n")),
  "scale" TEXT NOT NULL CHECK ("scale" IN ('likert5', 'slider10')),
  "reversed" INTEGER NOT NULL DEFAULT 0 CHECK ("reversed" IN (0, 1)),
  "weight" REAL NOT NULL DEFAULT 1.0,
  "position" INTEGER NOT NULL
) STRICT;
CREATE INDEX "ix_life_area_questions__life_area_id__question_code__version" ON "life_area_questions" ("life_area_id", "question_code", "version");

CREATE TABLE "life_area_assessments" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "taken_at" INTEGER NOT NULL,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('quick', 'full', 'session', 'quarterly')),
  "preset_code" TEXT NOT NULL,
  "scoring_version" INTEGER NOT NULL DEFAULT 1,
  "state" TEXT NOT NULL DEFAULT 'draft' CHECK ("state" IN ('draft', 'submitted')),
  "overall_pct" REAL,
  "balance_index" REAL,
  "coaching_session_id" TEXT,
  "note" TEXT,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_life_area_assessments__taken_at" ON "life_area_assessments" ("taken_at");
CREATE INDEX "ix_life_area_assessments__state__taken_at" ON "life_area_assessments" ("state", "taken_at");
CREATE INDEX "ix_life_area_assessments__coaching_session_id" ON "life_area_assessments" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;

CREATE TABLE "life_area_scores" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "assessment_id" TEXT NOT NULL,
  "user_life_area_id" TEXT NOT NULL,
  "raw_score" REAL NOT NULL,
  "score_pct" REAL NOT NULL CHECK (score_pct >= 0 and score_pct <= 100),
  "answers" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("answers")),
  "reflection" TEXT,
  FOREIGN KEY ("assessment_id") REFERENCES "life_area_assessments" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("user_life_area_id") REFERENCES "user_life_areas" ("id") ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_life_area_scores__user_life_area_id" ON "life_area_scores" ("user_life_area_id");
CREATE INDEX "ix_life_area_scores__assessment_id__user_life_area_id" ON "life_area_scores" ("assessment_id", "user_life_area_id");

CREATE TABLE "tasks" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "title" TEXT NOT NULL,
  "notes" TEXT,
  "goal_id" TEXT,
  "parent_task_id" TEXT,
  "coaching_session_id" TEXT,
  "state" TEXT NOT NULL DEFAULT 'todo' CHECK ("state" IN ('todo', 'doing', 'waiting', 'cancelled', 'done')),
  "priority" INTEGER NOT NULL DEFAULT 0 CHECK (priority >= 0 and priority <= 4),
  "due_on" TEXT,
  "due_at" INTEGER,
  "start_at" INTEGER,
  "estimate_min" INTEGER CHECK (estimate_min >= 0),
  "device_seconds" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_seconds")),
  "completed_at" INTEGER,
  "rrule" TEXT,
  "recur_anchor" TEXT NOT NULL DEFAULT 'due' CHECK ("recur_anchor" IN ('due', 'completion')),
  "series_id" TEXT,
  "blocked_by" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("blocked_by")),
  "tag_ids" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("tag_ids")),
  "source" TEXT NOT NULL DEFAULT 'user' CHECK ("source" IN ('user', 'session', 'ai', 'import')),
  "position" TEXT NOT NULL DEFAULT 'a0',
  FOREIGN KEY ("goal_id") REFERENCES "goals" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("parent_task_id") REFERENCES "tasks" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_tasks__state__priority__due_on" ON "tasks" ("state", "priority", "due_on");
CREATE INDEX "ix_tasks__state__due_on" ON "tasks" ("state", "due_on");
CREATE INDEX "ix_tasks__goal_id__position" ON "tasks" ("goal_id", "position");
CREATE INDEX "ix_tasks__parent_task_id" ON "tasks" ("parent_task_id");
CREATE INDEX "ix_tasks__coaching_session_id" ON "tasks" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;

CREATE TABLE "habits" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "name" TEXT NOT NULL,
  "kind" TEXT NOT NULL DEFAULT 'build' CHECK ("kind" IN ('build', 'break')),
  "cue" TEXT,
  "routine" TEXT,
  "reward" TEXT,
  "rrule" TEXT NOT NULL DEFAULT 'FREQ=DAILY',
  "target_count" INTEGER NOT NULL DEFAULT 1 CHECK (target_count >= 1),
  "unit" TEXT,
  "active" INTEGER NOT NULL DEFAULT 1 CHECK ("active" IN (0, 1)),
  "user_life_area_id" TEXT,
  "goal_id" TEXT,
  "streak_current" INTEGER NOT NULL DEFAULT 0,
  "streak_longest" INTEGER NOT NULL DEFAULT 0,
  "position" TEXT NOT NULL DEFAULT 'a0',
  FOREIGN KEY ("user_life_area_id") REFERENCES "user_life_areas" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("goal_id") REFERENCES "goals" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_habits__active__position" ON "habits" ("active", "position");
CREATE INDEX "ix_habits__user_life_area_id" ON "habits" ("user_life_area_id") WHERE "user_life_area_id" IS NOT NULL;
CREATE INDEX "ix_habits__goal_id" ON "habits" ("goal_id") WHERE "goal_id" IS NOT NULL;

CREATE TABLE "habit_logs" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "habit_id" TEXT NOT NULL,
  "log_date" TEXT NOT NULL,
  "device_counts" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_counts")),
  "total" INTEGER NOT NULL DEFAULT 0,
  "state" TEXT NOT NULL DEFAULT 'open' CHECK ("state" IN ('open', 'done', 'partial', 'skipped')),
  "note" TEXT,
  FOREIGN KEY ("habit_id") REFERENCES "habits" ("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_habit_logs__log_date" ON "habit_logs" ("log_date");
CREATE INDEX "ix_habit_logs__habit_id__log_date" ON "habit_logs" ("habit_id", "log_date");

CREATE TABLE "reminders" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "target_table" TEXT NOT NULL,
  "target_id" TEXT NOT NULL,
  "title" TEXT NOT NULL,
  "fire_at" INTEGER NOT NULL,
  "rrule" TEXT,
  "channel" TEXT NOT NULL DEFAULT 'local' CHECK ("channel" IN ('local', 'push', 'email')),
  "tz_mode" TEXT NOT NULL DEFAULT 'floating' CHECK ("tz_mode" IN ('floating', 'fixed')),
  "state" TEXT NOT NULL DEFAULT 'armed' CHECK ("state" IN ('armed', 'snoozed', 'fired', 'dismissed', 'expired')),
  "snooze_until" INTEGER,
  "last_fired_at" INTEGER
) STRICT;
CREATE INDEX "ix_reminders__state__fire_at" ON "reminders" ("state", "fire_at");
CREATE INDEX "ix_reminders__target_table__target_id" ON "reminders" ("target_table", "target_id");

CREATE TABLE "user_progress" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "metric_code" TEXT NOT NULL,
  "period_key" TEXT NOT NULL,
  "device_counts" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_counts")),
  "value" INTEGER NOT NULL DEFAULT 0,
  "best_value" INTEGER NOT NULL DEFAULT 0,
  "target_value" INTEGER,
  "level" INTEGER NOT NULL DEFAULT 0,
  "streak_current" INTEGER NOT NULL DEFAULT 0,
  "streak_longest" INTEGER NOT NULL DEFAULT 0,
  "last_activity_on" TEXT,
  "last_session_id" TEXT,
  "counted_sessions" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("counted_sessions")),
  "milestones" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("milestones")),
  FOREIGN KEY ("last_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_user_progress__last_activity_on" ON "user_progress" ("last_activity_on");
CREATE INDEX "ix_user_progress__metric_code__period_key" ON "user_progress" ("metric_code", "period_key");
CREATE INDEX "ix_user_progress__last_session_id" ON "user_progress" ("last_session_id") WHERE "last_session_id" IS NOT NULL;

CREATE TABLE "sync_cursors" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "stream" TEXT NOT NULL,
  "cursor" TEXT,
  "schema_version" INTEGER NOT NULL,
  "last_number" INTEGER NOT NULL DEFAULT 0,
  "settled_number" INTEGER NOT NULL DEFAULT 0,
  "full_resync" INTEGER NOT NULL DEFAULT 0,
  "last_pulled_at" INTEGER,
  "last_pushed_at" INTEGER
) STRICT;
CREATE UNIQUE INDEX "ix_sync_cursors__stream" ON "sync_cursors" ("stream");

CREATE TABLE "outbox_operations" (
  "id" TEXT NOT NULL,
  "position" INTEGER NOT NULL PRIMARY KEY,
  "schema_version" INTEGER NOT NULL,
  "layout" TEXT,
  "hlc" TEXT NOT NULL,
  "priority" INTEGER NOT NULL DEFAULT 5,
  "depends_on" TEXT NOT NULL DEFAULT '[]',
  "status" TEXT NOT NULL DEFAULT 'queued',
  "number" INTEGER,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" INTEGER,
  "reason" TEXT,
  "byte_size" INTEGER NOT NULL DEFAULT 0,
  "created_at" INTEGER NOT NULL,
  "changeset" BLOB,
  "changes" TEXT
) STRICT;

CREATE TABLE "server_requests" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "position" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "key" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  "priority" INTEGER NOT NULL DEFAULT 5,
  "depends_on" TEXT NOT NULL DEFAULT '[]',
  "status" TEXT NOT NULL DEFAULT 'waiting',
  "withdrawn" INTEGER NOT NULL DEFAULT 0,
  "round" INTEGER NOT NULL DEFAULT 0,
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "misses" INTEGER NOT NULL DEFAULT 0,
  "next_attempt_at" INTEGER,
  "deadline_at" INTEGER,
  "reason" TEXT,
  "answer" TEXT,
  "created_at" INTEGER NOT NULL,
  "ended_at" INTEGER
) STRICT;
CREATE UNIQUE INDEX "ix_server_requests__position" ON "server_requests" ("position");
CREATE UNIQUE INDEX "ix_server_requests__kind__key" ON "server_requests" ("kind", "key");
CREATE INDEX "ix_server_requests__status__position" ON "server_requests" ("status", "position");

CREATE TABLE "sync_conflicts" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "table_name" TEXT NOT NULL,
  "row_id" TEXT NOT NULL,
  "column_name" TEXT,
  "base_value" TEXT,
  "local_value" TEXT,
  "remote_value" TEXT,
  "resolved_value" TEXT,
  "policy" TEXT NOT NULL,
  "resolved_by" TEXT NOT NULL,
  "needs_attention" INTEGER NOT NULL DEFAULT 0,
  "detected_at" INTEGER NOT NULL,
  "resolved_at" INTEGER
) STRICT;
CREATE INDEX "ix_sync_conflicts__needs_attention__detected_at" ON "sync_conflicts" ("needs_attention", "detected_at");
CREATE INDEX "ix_sync_conflicts__table_name__row_id" ON "sync_conflicts" ("table_name", "row_id");

CREATE TABLE "sync_runs" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "trigger" TEXT NOT NULL,
  "started_at" INTEGER NOT NULL,
  "ended_at" INTEGER,
  "result" TEXT NOT NULL DEFAULT 'running',
  "pushed_rows" INTEGER NOT NULL DEFAULT 0,
  "pulled_rows" INTEGER NOT NULL DEFAULT 0,
  "bytes_up" INTEGER NOT NULL DEFAULT 0,
  "bytes_down" INTEGER NOT NULL DEFAULT 0,
  "conflicts" INTEGER NOT NULL DEFAULT 0,
  "error_code" TEXT
) STRICT;
CREATE INDEX "ix_sync_runs__started_at" ON "sync_runs" ("started_at");

CREATE TABLE "operation_journal" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "op_type" TEXT NOT NULL,
  "rollback_strategy" TEXT NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'pending',
  "user_type" TEXT,
  "steps" TEXT NOT NULL DEFAULT '[]',
  "checks" TEXT NOT NULL DEFAULT '[]',
  "compensations" TEXT NOT NULL DEFAULT '[]',
  "error" TEXT,
  "started_at" INTEGER NOT NULL,
  "finished_at" INTEGER
) STRICT;
CREATE INDEX "ix_operation_journal__status__started_at" ON "operation_journal" ("status", "started_at");

CREATE TABLE "interaction_analytics" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "event_name" TEXT NOT NULL,
  "occurred_at" INTEGER NOT NULL,
  "coaching_session_id" TEXT,
  "screen" TEXT,
  "target_table" TEXT,
  "duration_ms" INTEGER CHECK (duration_ms >= 0),
  "properties" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("properties")),
  "consent_record_id" TEXT NOT NULL,
  "app_version" TEXT NOT NULL,
  "txn_id" TEXT,
  FOREIGN KEY ("coaching_session_id") REFERENCES "coaching_sessions" ("id") ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY ("consent_record_id") REFERENCES "consent_records" ("id") ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED
) STRICT;
CREATE INDEX "ix_interaction_analytics__occurred_at" ON "interaction_analytics" ("occurred_at");
CREATE INDEX "ix_interaction_analytics__event_name__occurred_at" ON "interaction_analytics" ("event_name", "occurred_at");
CREATE INDEX "ix_interaction_analytics__coaching_session_id" ON "interaction_analytics" ("coaching_session_id") WHERE "coaching_session_id" IS NOT NULL;
CREATE INDEX "ix_interaction_analytics__consent_record_id" ON "interaction_analytics" ("consent_record_id");

CREATE TABLE "feature_usage_daily" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "feature_code" TEXT NOT NULL,
  "usage_date" TEXT NOT NULL,
  "device_counts" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_counts")),
  "device_ms" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_ms")),
  "device_errors" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("device_errors"))
) STRICT;
CREATE INDEX "ix_feature_usage_daily__usage_date" ON "feature_usage_daily" ("usage_date");
CREATE INDEX "ix_feature_usage_daily__feature_code__usage_date" ON "feature_usage_daily" ("feature_code", "usage_date");

CREATE TABLE "access_statistics" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "subject_kind" TEXT NOT NULL CHECK ("subject_kind" IN ('view', 'table', 'query', 'expert')),
  "prior" REAL NOT NULL DEFAULT 0.0,
  "decayed_count" REAL NOT NULL DEFAULT 0.0,
  "total_count" INTEGER NOT NULL DEFAULT 0,
  "hits" INTEGER NOT NULL DEFAULT 0,
  "prefetched" INTEGER NOT NULL DEFAULT 0,
  "prefetch_used" INTEGER NOT NULL DEFAULT 0,
  "weight" REAL NOT NULL DEFAULT 0.0,
  "last_access_at" INTEGER
) STRICT;
CREATE INDEX "ix_access_statistics__subject_kind__decayed_count" ON "access_statistics" ("subject_kind", "decayed_count");

CREATE TABLE "query_metrics" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "fingerprint" TEXT NOT NULL,
  "tables" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("tables")),
  "exec_ms" REAL NOT NULL,
  "rows_out" INTEGER NOT NULL,
  "rows_scanned" INTEGER,
  "cache_hit" INTEGER NOT NULL DEFAULT 0 CHECK ("cache_hit" IN (0, 1)),
  "used_index" TEXT,
  "full_scan" INTEGER NOT NULL DEFAULT 0 CHECK ("full_scan" IN (0, 1)),
  "memory_delta" INTEGER,
  "sampled_at" INTEGER NOT NULL
) STRICT;
CREATE INDEX "ix_query_metrics__fingerprint__sampled_at" ON "query_metrics" ("fingerprint", "sampled_at");
CREATE INDEX "ix_query_metrics__sampled_at" ON "query_metrics" ("sampled_at");

CREATE TABLE "performance_alerts" (
  "id" TEXT NOT NULL PRIMARY KEY,
  "rule_code" TEXT NOT NULL,
  "severity" TEXT NOT NULL CHECK ("severity" IN ('info', 'warning', 'critical')),
  "observed" REAL NOT NULL,
  "threshold" REAL NOT NULL,
  "subject" TEXT,
  "state" TEXT NOT NULL DEFAULT 'open' CHECK ("state" IN ('open', 'acknowledged', 'resolved')),
  "action" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("action")),
  "opened_at" INTEGER NOT NULL,
  "closed_at" INTEGER
) STRICT;
CREATE INDEX "ix_performance_alerts__state__opened_at" ON "performance_alerts" ("state", "opened_at");

CREATE TABLE "extension_registry" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 200),
  "published_at" INTEGER,
  "retired_at" INTEGER,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "version" TEXT NOT NULL,
  "kind" TEXT NOT NULL CHECK ("kind" IN ('flag', 'module', 'integration', 'theme')),
  "title_i18n" TEXT NOT NULL CHECK (json_valid("title_i18n")),
  "manifest" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("manifest")),
  "config_schema" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("config_schema")),
  "permissions" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("permissions")),
  "min_app_version" TEXT,
  "rollout" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("rollout")),
  "status" TEXT NOT NULL DEFAULT 'draft' CHECK ("status" IN ('draft', 'active', 'disabled'))
) STRICT;
CREATE INDEX "ix_extension_registry__code__version" ON "extension_registry" ("code", "version");

CREATE TABLE "user_extensions" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "code" TEXT NOT NULL,
  "installed_version" TEXT NOT NULL,
  "enabled" INTEGER NOT NULL DEFAULT 0 CHECK ("enabled" IN (0, 1)),
  "granted_permissions" TEXT NOT NULL DEFAULT '[]' CHECK (json_valid("granted_permissions")),
  "settings" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("settings")),
  "installed_at" INTEGER NOT NULL,
  "last_used_at" INTEGER
) STRICT;
CREATE INDEX "ix_user_extensions__code" ON "user_extensions" ("code");

CREATE TABLE "extension_records" (
  "id" TEXT NOT NULL PRIMARY KEY CHECK (length(id) between 1 and 64) CHECK ("id" NOT GLOB '*[^A-Za-z0-9_.-]*'),
  "user_id" TEXT NOT NULL,
  "created_at" INTEGER NOT NULL,
  "updated_at" INTEGER NOT NULL,
  "server_seq" INTEGER,
  "extension_code" TEXT NOT NULL,
  "collection" TEXT NOT NULL,
  "record_key" TEXT NOT NULL,
  "schema_version" INTEGER NOT NULL DEFAULT 1,
  "data" TEXT NOT NULL DEFAULT '{}' CHECK (json_valid("data"))
) STRICT;
CREATE INDEX "ix_extension_records__extension_code__collection__record_key" ON "extension_records" ("extension_code", "collection", "record_key");
