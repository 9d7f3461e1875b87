"""People: account, devices, settings, type, consents, requests, keys."""

from __future__ import annotations

from bmaddb.modules.seeds.instruments import INSTRUMENTS
from bmaddb.schema import (
    LEGAL_HOLD,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    boolean,
    integer,
    json,
    real,
    text,
    timestamp,
)


class User(
    UserRecord,
    table="users",
    delete=DeleteRule.NEVER,
    indexes=(("account_status",),),
    server_uniques={"users_one_account_per_email": "lower(email)"},
):
    """Root record of one person; every other user row hangs from it."""

    email = text(
        null=True,
        check="length(email) <= 254",
        merge=MergeRule.SRV,
        note="normalised; changed only by the auth service; server unique index on lower(email)",
    )
    email_verified_at = timestamp(null=True, merge=MergeRule.SRV)
    display_name = text(check="length(display_name) >= 1 and length(display_name) <= 80")
    avatar_attachment_id = text(
        null=True, soft_references="attachments", note="soft reference: users is created before attachments"
    )
    locale = text(default="nl-NL")
    timezone = text(default="Europe/Amsterdam", note="IANA name")
    birth_year = integer(null=True, check="birth_year >= 1900", note="only the year: minimisation, age gate 16")
    pronouns = text(null=True)
    account_status = text(
        default="active",
        enum=("pending", "active", "suspended", "erasure_requested", "erased"),
        merge=MergeRule.SRV,
    )
    onboarding_status = text(
        default="not_started",
        enum=("not_started", "in_progress", "skipped", "completed"),
        merge=MergeRule.STM,
    )
    terms_version = text(merge=MergeRule.MAX, note="date string YYYY-MM-DD")
    privacy_version = text(merge=MergeRule.MAX)
    e2ee_state = text(default="off", enum=("off", "enabling", "on"), merge=MergeRule.STM)
    last_seen_at = timestamp(null=True, merge=MergeRule.MAX)
    safety_hold_until = timestamp(
        null=True,
        merge=MergeRule.MAX,
        sensitivity=Sensitivity.SPECIAL,
        note="a distress/crisis hold: only self-guided sessions and help pages until then",
    )


class UserDevice(
    UserRecord,
    table="user_devices",
    indexes=(("user_id", "revoked_at"),),
):
    """One installation: sync identity, push endpoint, revocation."""

    device_label = text()
    platform = text(enum=("pwa", "android", "ios", "desktop", "cli"), merge=MergeRule.IMM)
    app_version = text()
    schema_version = integer(merge=MergeRule.MAX)
    public_key = text(merge=MergeRule.IMM, note="X25519, base64; wraps keys for this device")
    push_endpoint = text(null=True)
    last_pull_seq = integer(
        default=0, merge=MergeRule.MAX, note="server may purge tombstones below the minimum over live devices"
    )
    last_sync_at = timestamp(null=True, merge=MergeRule.MAX)
    storage_used_bytes = integer(null=True)
    revoked_at = timestamp(
        null=True, merge=MergeRule.FWW, note="first revocation sticks; a revoked device's pushes are refused"
    )


class UserPreferences(
    UserRecord,
    table="user_preferences",
    delete=DeleteRule.NEVER,
    natural_key=("user_id",),
    uniques=(("user_id",),),
):
    """The one row of settings of a user; each setting a column or map key, so edits on two devices merge."""

    prefs_version = integer(default=1, merge=MergeRule.MAX)
    theme = text(default="system", enum=("system", "light", "dark"))
    font_scale = real(default=1.0, check="font_scale >= 0.8 and font_scale <= 2.0")
    coach_tone = text(default="neutral", enum=("neutral", "direct", "warm", "socratic", "playful"))
    notifications_enabled = boolean(default=False)
    notification_channels = json(default={}, merge=MergeRule.MAP, note="per channel on/off")
    quiet_hours_start = text(null=True, note="HH:MM local; both or neither")
    quiet_hours_end = text(null=True)
    week_starts_on = integer(default=1, check="week_starts_on >= 0 and week_starts_on <= 6")
    daily_focus_minutes = integer(default=10, check="daily_focus_minutes >= 0 and daily_focus_minutes <= 480")
    mbti_optimisation = text(
        default="off",
        enum=("off", "prior", "adaptive"),
        note="not 'off' only with consent personality_profiling",
    )
    analytics_level = text(default="none", enum=("none", "essential", "full"))
    sync_on_metered = boolean(default=True)
    storage_limit_mb = integer(default=100, check="storage_limit_mb >= 20")
    retention_overrides = json(default={}, merge=MergeRule.MAP, note="table -> days, bounded by policy")
    feature_toggles = json(default={}, merge=MergeRule.MAP)
    custom = json(default={}, merge=MergeRule.MAP, note="only x-… keys, 16 KB in all")


class MbtiProfile(
    UserRecord,
    table="mbti_profiles",
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("user_id", "is_current"), ("user_id", "assessed_at")),
):
    """A determination of type, never rewritten; the newest is current. Handled as special-category data."""

    type_code = text(null=True, check="length(type_code) = 4", merge=MergeRule.IMM, note="null when declined")
    axis_ei = real(null=True, check="axis_ei between -1 and 1", merge=MergeRule.IMM, note="+ = E")
    axis_sn = real(null=True, check="axis_sn between -1 and 1", merge=MergeRule.IMM, note="+ = N")
    axis_tf = real(null=True, check="axis_tf between -1 and 1", merge=MergeRule.IMM, note="+ = T")
    axis_jp = real(null=True, check="axis_jp between -1 and 1", merge=MergeRule.IMM, note="+ = J")
    borderline_axes = json(default=[], merge=MergeRule.DRV, note="axes with |score| < 0.15")
    confidence = real(
        default=0.0,
        check="confidence >= 0 and confidence <= 1",
        merge=MergeRule.DRV,
        note="mean |axis|, 0.35 when only self-declared",
    )
    source = text(
        enum=("self_declared", "questionnaire", "coach", "imported", "declined"),
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.PERSONAL,
    )
    instrument_code = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    instrument_version = text(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    answered_items = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    total_items = integer(null=True, merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    dominant = text(null=True, enum=("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si"), merge=MergeRule.DRV)
    auxiliary = text(null=True, enum=("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si"), merge=MergeRule.DRV)
    tertiary = text(null=True, enum=("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si"), merge=MergeRule.DRV)
    inferior = text(null=True, enum=("Te", "Ti", "Fe", "Fi", "Ne", "Ni", "Se", "Si"), merge=MergeRule.DRV)
    influence = real(
        default=0.25,
        check="influence >= 0 and influence <= 1",
        sensitivity=Sensitivity.PERSONAL,
        note="the user's own slider for the prior weight",
    )
    assessed_at = timestamp(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    is_current = boolean(
        default=False,
        merge=MergeRule.DRV,
        sensitivity=Sensitivity.PERSONAL,
        note="recomputed after every merge: max(assessed_at, hlc) over live rows",
    )
    note = text(null=True, merge=MergeRule.TXT, sealable=True)


class ConsentRecord(
    UserRecord,
    table="consent_records",
    retention=LEGAL_HOLD,
    delete=DeleteRule.NEVER,
    indexes=(("user_id", "purpose", "acted_at"),),
):
    """Append-only proof of each consent decision (art. 7(1)); the last record per purpose is in force."""

    purpose = text(
        enum=(
            "terms",
            "privacy",
            "special_category",
            "personality_profiling",
            "ai_processing",
            "analytics",
            "marketing",
            "share_with_coach",
            "cloud_sync",
        ),
        merge=MergeRule.IMM,
    )
    action = text(enum=("granted", "refused", "withdrawn"), merge=MergeRule.IMM)
    policy_version = text(merge=MergeRule.IMM)
    policy_sha256 = text(merge=MergeRule.IMM, note="hash of the exact text that was shown")
    shown_locale = text(merge=MergeRule.IMM)
    method = text(enum=("onboarding", "settings", "renewal", "support"), merge=MergeRule.IMM)
    evidence = json(default={}, merge=MergeRule.IMM)
    acted_at = timestamp(merge=MergeRule.IMM)


class DataRequest(
    UserRecord,
    table="data_requests",
    retention=LEGAL_HOLD,
    delete=DeleteRule.NEVER,
    indexes=(("user_id", "status"),),
):
    """Subject-rights requests: export, erasure, restriction, with deadline and proof."""

    kind = text(enum=("export", "erase_account", "erase_scope", "rectify", "restrict", "object"), merge=MergeRule.IMM)
    scope = json(default={}, merge=MergeRule.IMM, note="tables / date range / journal id")
    status = text(
        default="received",
        enum=("received", "verified", "in_progress", "completed", "rejected", "cancelled"),
        merge=MergeRule.SRV,
    )
    requested_at = timestamp(merge=MergeRule.IMM)
    due_at = timestamp(null=True, merge=MergeRule.SRV, note="requested_at + one month (art. 12(3))")
    completed_at = timestamp(null=True, merge=MergeRule.SRV)
    result_uri = text(null=True, merge=MergeRule.SRV)
    result_sha256 = text(null=True, merge=MergeRule.SRV)
    reject_reason = text(null=True, merge=MergeRule.SRV)
    devices_confirmed = json(default=[], merge=MergeRule.SET, note="device ids that reported local erasure")


class UserKeyring(
    UserRecord,
    table="user_keyrings",
    uniques=(("user_id", "key_scope", "scope_id", "key_version", "wrap_method", "device_id"),),
):
    """Wrapped data keys; destroying the last wrapping makes every copy, backups included, unreadable."""

    key_scope = text(enum=("account", "journal", "attachments", "server_field"), merge=MergeRule.IMM)
    scope_id = text(null=True, merge=MergeRule.IMM, note="journal id where key_scope = journal")
    key_version = integer(merge=MergeRule.IMM)
    wrapped_key = text(null=True, merge=MergeRule.FWW, note="base64; set to null once destroyed")
    wrap_method = text(
        enum=("passphrase_argon2id", "device_x25519", "recovery_code", "server_kms"), merge=MergeRule.IMM
    )
    kdf_params = json(default={}, merge=MergeRule.IMM)
    device_id = text(null=True, references="user_devices", on_delete="cascade", merge=MergeRule.IMM)
    state = text(default="active", enum=("active", "rotated", "destroyed"), merge=MergeRule.STM)
    destroyed_at = timestamp(null=True, merge=MergeRule.FWW)


MODULE = Module(
    name="userManagement",
    purpose="People: account, devices, settings, type, consents, requests, keys.",
    records=(
        User,
        UserDevice,
        UserPreferences,
        MbtiProfile,
        ConsentRecord,
        DataRequest,
        UserKeyring,
    ),
    registries={"instruments": INSTRUMENTS},
)
