"""A1 to A8: an event of use. Only with consent, only from the registry, never with text of the user."""

from __future__ import annotations

import re
from typing import Any, Final

from bmaddb.account.consents import grant
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, moment, ms
from bmaddb.coaching.registries import EVENT
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.analytics_tracking import InteractionAnalytics
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.user_management import UserPreferences
from bmaddb.schema.natural_keys import natural_id

DAY_MS: Final = 86_400_000
PAST_MS_MAX: Final = 30 * DAY_MS
AHEAD_MS_MAX: Final = 5 * 60_000
DURATION_MS_MAX: Final = 14_400_000
EVENTS_A_DAY_MAX: Final = 500
PROPERTIES_MAX: Final = 12
WORD_LENGTH_MAX: Final = 64
_NAME: Final = re.compile(r"[a-z]+(\.[a-z_]+){1,3}")
_TYPES: Final[dict[str, Any]] = {"boolean": bool, "integer": int, "number": float, "string": str}
_PERSONAL: Final = (
    re.compile(r"\S+@\S+\.\S+"),
    re.compile(r"https?://|www\."),
    re.compile(r"\+?\d[\d ()-]{7,}\d"),
    re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b"),
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
)


def a1_event_is_known(c: Candidate) -> Flaws:
    """Refuses an event that is not in the registry."""
    name = c.row["event_name"] or ""
    if name not in EVENT or not _NAME.fullmatch(name):
        yield error("event_name", "there is no such event", sorted(EVENT))


def a2_analytics_is_consented(c: Candidate) -> Flaws:
    """Refuses an event that does not name the consent to analytics in force; a stored one keeps the consent it had."""
    if c.stored:
        return  # a consent that was withdrawn since does not make the old event wrong
    consent = grant(c.context.reader, "analytics")
    if consent is None:
        yield error("consent_record_id", "consent analytics is not in force")
    elif c.row["consent_record_id"] != consent.id:
        yield error("consent_record_id", "it is not the consent in force", consent.id)


def a3_properties_are_listed(c: Candidate) -> Flaws:
    """Refuses more than 12 properties, one the event does not have, and a value that is not on its list."""
    properties = c.row["properties"] if isinstance(c.row["properties"], dict) else {}
    schema = EVENT.get(c.row["event_name"] or "", {}).get("properties", {}).get("properties", {})
    if len(properties) > PROPERTIES_MAX:
        yield error("properties", f"at most {PROPERTIES_MAX} of them", PROPERTIES_MAX)
    for name, value in properties.items():
        flaw = "the event has no such property" if name not in schema else _value_flaw(schema[name], value)
        if flaw is not None:
            yield error("properties", f"{name}: {flaw}", schema.get(name))


def a4_moment_is_near(c: Candidate) -> Flaws:
    """Accepts 30 days back to 5 minutes ahead, and with a session its span and 5 minutes around."""
    at_ms = ms(c.row["occurred_at"])
    if at_ms is None or c.stored:
        return
    if not c.now_ms - PAST_MS_MAX <= at_ms <= c.now_ms + AHEAD_MS_MAX:
        yield error("occurred_at", "it lies more than 30 days back, or in the future")
    session = c.get(CoachingSession, c.row["coaching_session_id"])
    if session is None:
        return
    started = ms(session.started_at) or ms(session.created_at) or 0
    started = min(started, c.now_ms)  # a clock that ran ahead began it later than now
    ended = ms(session.ended_at) or c.now_ms
    if not started - AHEAD_MS_MAX <= at_ms <= ended + AHEAD_MS_MAX:
        yield error("occurred_at", "it lies outside its session")


def a5_duration_in_range(c: Candidate) -> Flaws:
    """Accepts null, or 0 to 4 hours in milliseconds."""
    duration = c.row["duration_ms"]
    if duration is not None and not 0 <= duration <= DURATION_MS_MAX:
        yield error("duration_ms", "it lies from 0 to 4 hours", [0, DURATION_MS_MAX])


def a6_not_too_many_a_day(c: Candidate) -> Flaws:
    """Refuses the 501st event of a day; operations count those they drop."""
    if c.is_new and events_since(c, c.now_ms - DAY_MS) >= EVENTS_A_DAY_MAX:
        yield error(None, f"{EVENTS_A_DAY_MAX} events a day are kept", EVENTS_A_DAY_MAX)


def a7_events_are_only_added(c: Candidate) -> Flaws:
    """Refuses any change of an event."""
    if c.before is not None and any(c.changed(name) for name in c.given if name in c.row):
        yield error(None, "an event is never changed")


def a8_essential_is_essential(c: Candidate) -> Flaws:
    """Refuses what the user's level does not keep: none nothing, essential what is marked so, full all."""
    settings = c.get(UserPreferences, natural_id(UserPreferences.__table__, {"user_id": c.context.user}))
    level = "none" if settings is None else settings.analytics_level
    essential = EVENT.get(c.row["event_name"] or "", {}).get("essential", False)
    if not c.stored and not is_wanted(level, essential):
        yield error("event_name", f"the user's level is {level}", level)


RULES: Final[tuple[Rule, ...]] = (
    a1_event_is_known,
    a2_analytics_is_consented,
    a3_properties_are_listed,
    a4_moment_is_near,
    a5_duration_in_range,
    a6_not_too_many_a_day,
    a7_events_are_only_added,
    a8_essential_is_essential,
)
AnalyticsValidator: Final = RuleSet(InteractionAnalytics, (*GENERAL, *RULES))


def is_wanted(level: str, essential: bool) -> bool:
    """Does a user with this `analytics_level` let such an event be kept?"""
    return level == "full" or (level == "essential" and essential)


def events_since(c: Candidate, since_ms: int) -> int:
    """How many events are stored from `since_ms` on."""
    mine = c.query(InteractionAnalytics).where(InteractionAnalytics.user_id == c.context.user)
    return mine.where(InteractionAnalytics.occurred_at >= moment(since_ms)).count()


def _value_flaw(schema: Any, value: Any) -> str | None:
    wanted = _TYPES[schema["type"]]
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        return f"it is a {schema['type']}"
    if "enum" in schema and (value not in schema["enum"] or len(str(value)) > WORD_LENGTH_MAX):
        return "it is not on the list"
    if isinstance(value, str) and any(pattern.search(value) for pattern in _PERSONAL):
        return "it says something of a person"
    if wanted is int and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return "it is out of range"
    return "text is not kept" if wanted is str and "enum" not in schema else None
