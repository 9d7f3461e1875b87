"""Use of the product, with consent; speed of queries, on the device only."""

from __future__ import annotations

from bmaddb.modules.seeds.events import EVENTS
from bmaddb.schema import (
    LEGAL_HOLD,
    LocalRecord,
    MergeRule,
    Module,
    Sensitivity,
    ServerRecord,
    UserRecord,
    boolean,
    integer,
    json,
    prune,
    real,
    text,
    timestamp,
)


class InteractionAnalytics(
    UserRecord,
    table="interaction_analytics",
    retention=prune(days=90),
    indexes=(("user_id", "occurred_at"), ("user_id", "event_name", "occurred_at")),
    sync_priority=9,
):
    """Append-only product events; only with consent, names from a registry, no free text."""

    event_name = text(merge=MergeRule.IMM)
    occurred_at = timestamp(merge=MergeRule.IMM)
    coaching_session_id = text(
        null=True,
        references="coaching_sessions",
        on_delete="null",
        merge=MergeRule.IMM,
        sensitivity=Sensitivity.SPECIAL,
    )
    screen = text(null=True, merge=MergeRule.IMM)
    target_table = text(null=True, merge=MergeRule.IMM, note="never a row id")
    duration_ms = integer(null=True, check="duration_ms >= 0", merge=MergeRule.IMM)
    properties = json(default={}, merge=MergeRule.IMM)
    consent_record_id = text(references="consent_records", on_delete="restrict", merge=MergeRule.IMM)
    app_version = text(merge=MergeRule.IMM)
    txn_id = text(null=True, merge=MergeRule.IMM)


class FeatureUsageDaily(
    UserRecord,
    table="feature_usage_daily",
    retention=prune(days=400),
    natural_key=("user_id", "feature_code", "usage_date"),
    indexes=(("user_id", "usage_date"),),
    uniques=(("user_id", "feature_code", "usage_date"),),
    sync_priority=9,
):
    """Daily roll-up that outlives the raw events."""

    feature_code = text(merge=MergeRule.IMM)
    usage_date = text(merge=MergeRule.IMM)
    device_counts = json(default={}, merge=MergeRule.CNT)
    device_ms = json(default={}, merge=MergeRule.CNT)
    device_errors = json(default={}, merge=MergeRule.CNT)


class AccessStatistic(
    LocalRecord,
    table="access_statistics",
    retention=prune(days=365),
    sensitivity=Sensitivity.SPECIAL,
    indexes=(("subject_kind", "decayed_count"),),
):
    """What this user really opens: the adaptive part of the optimiser. Never synced."""

    subject_kind = text(enum=("view", "table", "query", "expert"), sensitivity=Sensitivity.PERSONAL)
    prior = real(default=0.0, sensitivity=Sensitivity.PERSONAL, note="pseudo-count from base rate and type")
    decayed_count = real(default=0.0, sensitivity=Sensitivity.PERSONAL)
    total_count = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    hits = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    prefetched = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    prefetch_used = integer(default=0, sensitivity=Sensitivity.PERSONAL)
    weight = real(default=0.0, sensitivity=Sensitivity.PERSONAL, note="expert weight for subject_kind = expert")
    last_access_at = timestamp(null=True, sensitivity=Sensitivity.PERSONAL)


class QueryMetric(
    LocalRecord,
    table="query_metrics",
    retention=prune(days=7),
    indexes=(("fingerprint", "sampled_at"), ("sampled_at",)),
):
    """Sampled timings; statements by fingerprint, never with values."""

    fingerprint = text()
    tables = json(default=[])
    exec_ms = real()
    rows_out = integer()
    rows_scanned = integer(null=True)
    cache_hit = boolean(default=False)
    used_index = text(null=True)
    full_scan = boolean(default=False)
    memory_delta = integer(null=True)
    sampled_at = timestamp()


class PerformanceAlert(
    LocalRecord,
    table="performance_alerts",
    retention=prune(days=30),
    indexes=(("state", "opened_at"),),
):
    """Threshold breaches and what was done about them."""

    rule_code = text()
    severity = text(enum=("info", "warning", "critical"))
    observed = real()
    threshold = real()
    subject = text(null=True)
    state = text(default="open", enum=("open", "acknowledged", "resolved"))
    action = json(default={}, note="optimisation applied, with the figure before and after")
    opened_at = timestamp()
    closed_at = timestamp(null=True)


class AuditLog(
    ServerRecord,
    table="audit_log",
    retention=LEGAL_HOLD,
    indexes=(("subject_ref", "at"), ("action", "at")),
):
    """Who touched whose data, hash-chained; no content."""

    actor_ref = text(null=True)
    actor_kind = text(enum=("user", "device", "service", "support", "system"))
    action = text()
    table_name = text(null=True)
    row_ref = text(null=True)
    subject_ref = text(null=True, note="pseudonymised at erasure")
    request_id = text(null=True)
    detail = json(default={})
    prev_hash = text()
    row_hash = text()
    at = timestamp()


MODULE = Module(
    name="analyticsTracking",
    purpose="Use of the product, with consent; speed of queries, on the device only.",
    records=(
        InteractionAnalytics,
        FeatureUsageDaily,
        AccessStatistic,
        QueryMetric,
        PerformanceAlert,
        AuditLog,
    ),
    registries={"events": EVENTS},
)
