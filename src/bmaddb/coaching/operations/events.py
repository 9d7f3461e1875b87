"""Events of use as part of an operation: kept with consent, left out without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bmaddb.account.consents import grant
from bmaddb.coaching.candidate import RuleSet, candidate_of, moment
from bmaddb.coaching.checks.findings import notes, written
from bmaddb.coaching.checks.session import CREATE_SESSION, EVENTS_DROPPED, EVENTS_PLANNED, EVENTS_SKIPPED, LOG_EVENTS
from bmaddb.coaching.consents import zone_of
from bmaddb.coaching.local_days import local_day
from bmaddb.coaching.registries import EVENT
from bmaddb.coaching.rules.analytics import DAY_MS, EVENTS_A_DAY_MAX, AnalyticsValidator, events_since, is_wanted
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.device.atomic import Action, RuleContext, Step
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.analytics_tracking import FeatureUsageDaily, InteractionAnalytics
from bmaddb.modules.user_management import UserPreferences
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.natural_keys import natural_id

APP_VERSION: Final = "app_version"
"""The fact that says which version of the application this is."""
COUNT_DROPPED: Final = "count_dropped_events"
DROPPED: Final = "analytics.dropped"
"""The feature under which feature_usage_daily counts events that were not kept because the day had enough."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name and properties are in the registry (`bmaddb.modules.seeds.events`)."""

    name: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    duration_ms: int | None = None


def events_step(events: Sequence[Event]) -> Step:
    """Keep `events` with the session of the operation; none without consent, or above 500 a day."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        made = _rows(context, events)
        notes(context)[EVENTS_PLANNED] = len(made)
        return made

    return Step(LOG_EVENTS, "interaction_analytics", Action.INSERT, rows, (AnalyticsValidator,), undo=forget)


def dropped_step() -> Step:
    """Count the events that the step before did not keep; behind `events_step`."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        dropped = notes(context).get(EVENTS_DROPPED, 0)
        if not dropped:
            return []
        today = local_day(context.now_ms, zone_of(context)).isoformat()
        key = {"feature_code": DROPPED, "usage_date": today}
        row_id = natural_id(FeatureUsageDaily.__table__, {"user_id": context.user, **key})
        before = context.reader.get(FeatureUsageDaily, row_id)
        counts = None if before is None else before.device_counts
        return [{**key, "device_counts": counted(counts, context.device_id, dropped, context.now_ms)}]

    rules = RuleSet(FeatureUsageDaily, GENERAL)
    return Step(COUNT_DROPPED, "feature_usage_daily", Action.UPSERT, rows, (rules,), undo=keep_dropped)


def keep_dropped(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: nothing, for they were dropped."""


def forget(tx: WriteTransaction, context: RuleContext) -> None:
    """Undo the step: what is not on the server goes; for what is, a session.cancelled follows once."""
    rows = tx.query(InteractionAnalytics).where(InteractionAnalytics.txn_id == context.operation_id).all()
    pushed = [row for row in rows if row.server_seq is not None]
    for row in rows:
        if row.server_seq is None and row.event_name != "session.cancelled":
            tx.delete(row)
    if pushed and not any(row.event_name == "session.cancelled" for row in rows):
        coach = pushed[0].properties.get("coach", "self")
        tx.insert(
            InteractionAnalytics,
            event_name="session.cancelled",
            occurred_at=moment(context.now_ms),
            properties={"coach": coach},
            consent_record_id=pushed[0].consent_record_id,
            app_version=pushed[0].app_version,
            txn_id=context.operation_id,
        )


def _rows(context: RuleContext, events: Sequence[Event]) -> list[dict[str, Any]]:
    consent = grant(context.reader, "analytics")
    if consent is None:
        notes(context)[EVENTS_SKIPPED] = "no_consent"
        return []
    settings = context.reader.get(UserPreferences, natural_id(UserPreferences.__table__, {"user_id": context.user}))
    level = "none" if settings is None else settings.analytics_level
    looking = candidate_of(InteractionAnalytics, {}, None, context)
    room = EVENTS_A_DAY_MAX - events_since(looking, context.now_ms - DAY_MS)
    wanted = [event for event in events if is_wanted(level, EVENT.get(event.name, {}).get("essential", False))]
    notes(context)[EVENTS_DROPPED] = len(wanted) - len(wanted[: max(0, room)])
    session = next(iter(written(context, CREATE_SESSION) or ()), None)
    return [
        {
            "event_name": event.name,
            "occurred_at": moment(context.now_ms),
            "properties": dict(event.properties),
            "duration_ms": event.duration_ms,
            "consent_record_id": consent.id,
            "app_version": context.facts.get(APP_VERSION, "unknown"),
            "coaching_session_id": session,
            "txn_id": context.operation_id,
        }
        for event in wanted[: max(0, room)]
    ]
