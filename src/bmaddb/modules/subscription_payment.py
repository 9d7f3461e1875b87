"""Plans, contracts, invoices, payments, and what a user may use."""

from __future__ import annotations

from bmaddb.modules.seeds.plans import FEATURES, PLANS
from bmaddb.schema import (
    LEGAL_HOLD,
    CatalogRecord,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    ServerRecord,
    UserRecord,
    archive,
    boolean,
    integer,
    json,
    prune,
    text,
    timestamp,
)


class Plan(
    CatalogRecord,
    table="plans",
    retention=LEGAL_HOLD,
    sensitivity=Sensitivity.PUBLIC,
    uniques=(("plan_code", "version", "billing_interval", "currency"),),
):
    """Price points with their entitlements; a price change is a new row."""

    plan_code = text()
    version = integer()
    tier = text(enum=("free", "plus", "pro"))
    title_i18n = json()
    billing_interval = text(enum=("none", "month", "year", "lifetime"))
    currency = text(check="length(currency) = 3")
    amount_minor = integer(check="amount_minor >= 0")
    tax_behaviour = text(default="inclusive", enum=("inclusive", "exclusive"))
    trial_days = integer(default=0)
    entitlements = json(note="[{feature,limit,period}]")
    provider_price_id = text(null=True)
    active_from = timestamp()
    active_until = timestamp(null=True)


class Subscription(
    UserRecord,
    table="subscriptions",
    retention=LEGAL_HOLD,
    delete=DeleteRule.SERVER_ONLY,
    indexes=(("user_id", "status"),),
    uniques=(("provider", "provider_subscription_id"),),
):
    """The contract; a mirror of the payment provider's truth."""

    plan_id = text(references="plans", on_delete="restrict", merge=MergeRule.SRV)
    provider = text(enum=("stripe", "mollie", "apple", "google", "manual"), merge=MergeRule.SRV)
    provider_subscription_id = text(null=True, merge=MergeRule.SRV)
    status = text(
        enum=(
            "incomplete",
            "incomplete_expired",
            "trialing",
            "active",
            "past_due",
            "unpaid",
            "paused",
            "canceled",
        ),
        merge=MergeRule.SRV,
    )
    current_period_start = timestamp(null=True, merge=MergeRule.SRV)
    current_period_end = timestamp(null=True, merge=MergeRule.SRV)
    trial_end = timestamp(null=True, merge=MergeRule.SRV)
    cancel_at_period_end = boolean(default=False, merge=MergeRule.SRV)
    cancel_at = timestamp(null=True, merge=MergeRule.SRV)
    canceled_at = timestamp(null=True, merge=MergeRule.SRV)
    ended_at = timestamp(null=True, merge=MergeRule.SRV)
    grace_until = timestamp(null=True, merge=MergeRule.SRV)
    provider_event_at = timestamp(
        null=True, merge=MergeRule.SRV, note="newest provider event applied: older ones are ignored"
    )


class Invoice(
    UserRecord,
    table="invoices",
    retention=LEGAL_HOLD,
    delete=DeleteRule.SERVER_ONLY,
    indexes=(("user_id", "issued_at"),),
    uniques=(("number",), ("provider_invoice_id",)),
):
    """Invoice as issued; kept seven years (Dutch tax law), after account erasure too, apart from all else."""

    subscription_id = text(null=True, references="subscriptions", on_delete="restrict", merge=MergeRule.SRV)
    number = text(merge=MergeRule.SRV)
    status = text(enum=("draft", "open", "paid", "void", "uncollectible"), merge=MergeRule.SRV)
    currency = text(merge=MergeRule.SRV)
    subtotal_minor = integer(merge=MergeRule.SRV)
    tax_minor = integer(merge=MergeRule.SRV)
    total_minor = integer(merge=MergeRule.SRV)
    paid_minor = integer(default=0, merge=MergeRule.SRV)
    period_start = timestamp(null=True, merge=MergeRule.SRV)
    period_end = timestamp(null=True, merge=MergeRule.SRV)
    issued_at = timestamp(null=True, merge=MergeRule.SRV)
    due_at = timestamp(null=True, merge=MergeRule.SRV)
    lines = json(default=[], merge=MergeRule.SRV)
    pdf_uri = text(null=True, merge=MergeRule.SRV)
    provider_invoice_id = text(null=True, merge=MergeRule.SRV)


class Payment(
    UserRecord,
    table="payments",
    retention=LEGAL_HOLD,
    delete=DeleteRule.SERVER_ONLY,
    indexes=(("user_id", "attempted_at"),),
    uniques=(("idempotency_key",), ("provider_payment_id",)),
):
    """Each attempt, refund or dispute; append-only in effect."""

    invoice_id = text(null=True, references="invoices", on_delete="restrict", merge=MergeRule.SRV)
    kind = text(enum=("charge", "refund", "dispute"), merge=MergeRule.SRV)
    status = text(enum=("requires_action", "processing", "succeeded", "failed", "canceled"), merge=MergeRule.SRV)
    amount_minor = integer(merge=MergeRule.SRV)
    currency = text(merge=MergeRule.SRV)
    method_brand = text(null=True, merge=MergeRule.SRV)
    method_last4 = text(null=True, merge=MergeRule.SRV)
    failure_code = text(null=True, merge=MergeRule.SRV)
    provider_payment_id = text(null=True, merge=MergeRule.SRV)
    idempotency_key = text(merge=MergeRule.SRV)
    attempted_at = timestamp(merge=MergeRule.SRV)
    settled_at = timestamp(null=True, merge=MergeRule.SRV)


class Entitlement(
    UserRecord,
    table="entitlements",
    retention=archive(months=24, after="valid_until"),
    delete=DeleteRule.SERVER_ONLY,
    natural_key=("user_id", "feature_code", "source"),
    indexes=(("user_id", "feature_code", "valid_until"),),
):
    """What the user may use now; signed, so that a device can trust it offline."""

    feature_code = text(merge=MergeRule.SRV)
    source = text(enum=("plan", "trial", "grant", "promo"), merge=MergeRule.SRV)
    subscription_id = text(null=True, references="subscriptions", on_delete="null", merge=MergeRule.SRV)
    limit_value = integer(null=True, merge=MergeRule.SRV, note="null = unlimited")
    period = text(default="none", enum=("none", "day", "week", "month", "year"), merge=MergeRule.SRV)
    valid_from = timestamp(merge=MergeRule.SRV)
    valid_until = timestamp(null=True, merge=MergeRule.SRV)
    offline_grace_until = timestamp(null=True, merge=MergeRule.SRV)
    signature = text(merge=MergeRule.SRV, note="Ed25519 over the row")


class UsageCounter(
    UserRecord,
    table="usage_counters",
    retention=prune(days=400),
    delete=DeleteRule.NEVER,
    natural_key=("user_id", "feature_code", "period_key"),
    uniques=(("user_id", "feature_code", "period_key"),),
):
    """Metered use against an entitlement; counts made offline add up."""

    feature_code = text(merge=MergeRule.IMM)
    period_key = text(merge=MergeRule.IMM, note="2026-11, 2026-W47, all")
    device_counts = json(default={}, merge=MergeRule.CNT)
    used = integer(default=0, merge=MergeRule.DRV, note="sum of device_counts")
    limit_snapshot = integer(null=True, merge=MergeRule.SRV)


class BillingEvent(
    ServerRecord,
    table="billing_events",
    retention=prune(days=400),
    indexes=(("status", "occurred_at"),),
    uniques=(("provider", "provider_event_id"),),
):
    """Webhook inbox: idempotent, ordered, replayable."""

    provider = text()
    provider_event_id = text()
    event_type = text()
    payload = json(note="minimised")
    status = text(default="received", enum=("received", "processed", "ignored", "failed"))
    attempts = integer(default=0)
    last_error = text(null=True)
    occurred_at = timestamp()
    processed_at = timestamp(null=True)


MODULE = Module(
    name="subscriptionPayment",
    purpose="Plans, contracts, invoices, payments, and what a user may use.",
    records=(
        Plan,
        Subscription,
        Invoice,
        Payment,
        Entitlement,
        UsageCounter,
        BillingEvent,
    ),
    seeds={"plans": PLANS},
    registries={"features": FEATURES},
)
