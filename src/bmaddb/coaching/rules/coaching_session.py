"""C1 to C11: a coaching session, from planned to done."""

from __future__ import annotations

from typing import Any, Final

from bmaddb.account.profiling import newest_type
from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, ms, warn
from bmaddb.coaching.consents import in_force
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.modules.chat_journal import CoachingSession, Contact, Conversation
from bmaddb.modules.levensgebieden import UserLifeArea
from bmaddb.modules.met24_domains import Met24Domain
from bmaddb.modules.tasks_productivity import Goal
from bmaddb.modules.user_management import UserPreferences
from bmaddb.schema.counters import total
from bmaddb.schema.natural_keys import natural_id

MODEL_ON_DEVICE: Final = "model_on_device"
DAY_MS: Final = 86_400_000
REOPEN_MS_MAX: Final = DAY_MS
AHEAD_MS_MAX: Final = 365 * DAY_MS
BACK_MS_MAX: Final = DAY_MS
WALL_MS_MAX: Final = 8 * 3_600_000
WALL_MS_LONG: Final = 3 * 3_600_000
SLACK_S: Final = 60
INTENTION_LENGTH_MAX, SUMMARY_LENGTH_MAX, TAKEAWAY_LENGTH_MAX = 2_000, 10_000, 500
TAKEAWAYS_MAX: Final = 20
STARTED: Final = frozenset({"in_progress", "paused", "completed", "abandoned"})
ENDED: Final = frozenset({"completed", "abandoned"})
_NEXT: Final = CoachingSession.status.spec.transitions or {}


def c1_starts_well(c: Candidate) -> Flaws:
    """Accepts scheduled or in_progress for a new session, and one intake that is not cancelled."""
    if c.is_new and c.row["status"] not in ("scheduled", "in_progress"):
        yield error("status", "a new session is scheduled or in progress", ["scheduled", "in_progress"])
    if c.row["kind"] == "intake" and c.row["status"] != "cancelled":
        standing = c.others(CoachingSession, CoachingSession.kind == "intake", CoachingSession.status != "cancelled")
        if standing:
            yield error("kind", "there is an intake already", standing[0].id)


def c2_states_follow(c: Candidate) -> Flaws:
    """Refuses a state that may not follow the one before, and to reopen a session after 24 hours."""
    before, after = c.old("status"), c.row["status"]
    if c.before is None or before == after:
        return
    allowed = _NEXT.get(before, ())
    if after not in allowed:
        yield error("status", f"it cannot go from {before} to {after}", list(allowed))
    elif before in ENDED and c.now_ms - (ms(c.old("ended_at")) or 0) > REOPEN_MS_MAX:
        yield error("status", "a session is reopened within 24 hours, not later", REOPEN_MS_MAX)


def c3_moments_fit_the_state(c: Candidate) -> Flaws:
    """Refuses a state without its moments, a plan beyond a year, and more than 8 hours; warns from 3 hours on."""
    status = c.row["status"]
    planned, started, ended = (ms(c.row[name]) for name in ("scheduled_at", "started_at", "ended_at"))
    if status == "scheduled":
        yield from _planned_flaws(c, planned)
    if status in STARTED and started is None:
        yield error("started_at", f"a session that is {status} has started")
    if status in ENDED and (ended is None or ended < (started or 0)):
        yield error("ended_at", f"a session that is {status} has ended, after it started")
    lasted_ms = wall_ms(c)
    if lasted_ms is not None and lasted_ms > WALL_MS_MAX and status in ENDED:
        yield error("ended_at", "a session lasts at most 8 hours", WALL_MS_MAX)
    elif lasted_ms is not None and lasted_ms > WALL_MS_LONG:
        yield warn("ended_at", "the session lasts longer than 3 hours", WALL_MS_LONG)


def c4_active_time_fits(c: Candidate) -> Flaws:
    """Refuses more active seconds, over all devices, than passed from start to end and a minute."""
    lasted_ms = wall_ms(c)
    if lasted_ms is not None and total(c.row["device_seconds"]) > lasted_ms // 1000 + SLACK_S:
        yield error("device_seconds", "more seconds were active than have passed", lasted_ms // 1000 + SLACK_S)


def c5_marks_in_range(c: Candidate) -> Flaws:
    """Accepts moods and a rating of 1 to 5, and a mood afterwards only of a session that started."""
    for name in ("mood_before", "mood_after", "rating"):
        if c.row[name] is not None and not 1 <= c.row[name] <= 5:
            yield error(name, "it lies from 1 to 5", [1, 5])
    if c.row["mood_after"] is not None and c.row["started_at"] is None:
        yield error("mood_after", "only a session that started has a mood after it")


def c6_coach_is_allowed(c: Candidate) -> Flaws:
    """Refuses a human coach who is no such contact, and one the consents do not allow; a model on the device may."""
    if c.row["coach_kind"] == "human":
        contact = c.get(Contact, c.row["coach_contact_id"])
        if contact is None or not contact.is_coach:
            yield error("coach_contact_id", "it names a contact who is a coach")
        if not in_force(c.context, "share_with_coach"):
            yield error("coach_kind", "consent share_with_coach is not in force", ["self", "ai"])
    elif c.row["coach_kind"] == "ai" and not c.fact(MODEL_ON_DEVICE) and not in_force(c.context, "ai_processing"):
        yield error("coach_kind", "consent ai_processing is not in force", ["self"])


def c7_conversation_is_free(c: Candidate) -> Flaws:
    """Refuses a conversation that is not the user's, or that another session has."""
    wanted = c.row["conversation_id"]
    if wanted is None:
        return
    conversation = c.get(Conversation, wanted)
    if conversation is None or conversation.user_id != c.context.user:
        yield error("conversation_id", "there is no such conversation of this user")
    elif c.others(CoachingSession, CoachingSession.conversation_id == wanted):
        yield error("conversation_id", "it belongs to another session")


def c8_subjects_are_live(c: Candidate) -> Flaws:
    """Refuses an area or goal that is not the user's, and a domain that is gone."""
    for name, record in (("user_life_area_id", UserLifeArea), ("goal_id", Goal)):
        subject: Any = c.get(record, c.row[name])
        if c.row[name] is not None and (subject is None or subject.user_id != c.context.user):
            yield error(name, "there is no such row of this user")
    if c.row["met24_domain_id"] is not None:
        domain = c.get(Met24Domain, c.row["met24_domain_id"])
        if domain is None or (c.changed("met24_domain_id") and domain.retired_at is not None):
            yield error("met24_domain_id", "there is no such domain")


def c9_texts_are_short(c: Candidate) -> Flaws:
    """Accepts 2,000 characters of intention, 10,000 of summary, and 20 takeaways of 500."""
    for name, most in (("intention", INTENTION_LENGTH_MAX), ("summary", SUMMARY_LENGTH_MAX)):
        if len(c.row[name] or "") > most:
            yield error(name, f"at most {most} characters", most)
    takeaways = c.row["takeaways"] if isinstance(c.row["takeaways"], list) else []
    if len(takeaways) > TAKEAWAYS_MAX:
        yield error("takeaways", f"at most {TAKEAWAYS_MAX} of them", TAKEAWAYS_MAX)
    if any(len(str(text)) > TAKEAWAY_LENGTH_MAX for text in takeaways):
        yield error("takeaways", f"each at most {TAKEAWAY_LENGTH_MAX} characters", TAKEAWAY_LENGTH_MAX)


def c10_names_its_operation(c: Candidate) -> Flaws:
    """Accepts as txn_id of a new session the id of the operation that makes it."""
    if c.is_new and c.row["txn_id"] != c.context.operation_id:
        yield error("txn_id", "it is the id of the operation", c.context.operation_id)


def c11_type_is_the_current(c: Candidate) -> Flaws:
    """Accepts for a new session the type in use, and null when there is none or profiling is off."""
    if c.is_new:
        wanted = type_in_use(c)
        if c.row["type_at_session"] not in (wanted, None) or (wanted and c.row["type_at_session"] is None):
            yield error("type_at_session", "it is the current type, and null when profiling is off", wanted)


RULES: Final[tuple[Rule, ...]] = (
    c1_starts_well,
    c2_states_follow,
    c3_moments_fit_the_state,
    c4_active_time_fits,
    c5_marks_in_range,
    c6_coach_is_allowed,
    c7_conversation_is_free,
    c8_subjects_are_live,
    c9_texts_are_short,
    c10_names_its_operation,
    c11_type_is_the_current,
)
CoachingSessionValidator: Final = RuleSet(CoachingSession, (*GENERAL, *RULES))


def type_in_use(c: Candidate) -> str | None:
    """The current type; None when there is none, or profiling is off."""
    settings = c.get(UserPreferences, natural_id(UserPreferences.__table__, {"user_id": c.context.user}))
    if settings is None or settings.mbti_optimisation == "off" or not in_force(c.context, "personality_profiling"):
        return None
    newest = newest_type(c.context.reader)
    return None if newest is None else newest.type_code


def _planned_flaws(c: Candidate, planned_ms: int | None) -> Flaws:
    if planned_ms is None:
        yield error("scheduled_at", "a planned session has a moment")
    elif not c.changed("scheduled_at"):
        return  # it stands since it was planned
    elif not c.now_ms - BACK_MS_MAX <= planned_ms <= c.now_ms + AHEAD_MS_MAX:
        yield error("scheduled_at", "it lies from a day ago to a year ahead")


def wall_ms(c: Candidate) -> int | None:
    """How long the session lasts, until now when it has not ended; None before it starts.

    One that a clock which ran ahead has start later than now, and that goes on, cannot say how long.
    """
    started, ended = ms(c.row["started_at"]), ms(c.row["ended_at"])
    if started is None or (ended is None and started > c.now_ms):
        return None
    return (c.now_ms if ended is None else ended) - started
