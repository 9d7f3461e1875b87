"""S1 to S9: may this user start this session, here and now? Looks at a planned session, writes nothing."""

from __future__ import annotations

from typing import Final

from bmaddb.coaching.candidate import Candidate, Flaws, Rule, RuleSet, error, ms, warn
from bmaddb.coaching.consents import in_force, zone_of
from bmaddb.coaching.local_days import local_day, period_key
from bmaddb.coaching.rules.coaching_session import MODEL_ON_DEVICE, c6_coach_is_allowed
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.subscription_payment import Entitlement, UsageCounter
from bmaddb.modules.user_management import User
from bmaddb.schema.counters import total
from bmaddb.schema.natural_keys import natural_id

FEATURE: Final = "coaching.session"
STORAGE_FREE_BYTES, STORAGE_SHARE = "storage_free_bytes", "storage_share"
STAMP_AHEAD_MS, IS_ONLINE = "stamp_ahead_ms", "is_online"
SIGNED, MODEL_REACHABLE = "signed_entitlements", "model_reachable"
"""Facts of the device: free bytes, share (0 to 1) of the storage limit in use, how far its stamps run ahead of the wall
clock, is the server reachable, the ids of entitlements whose signature is good, is a model reachable."""
STORAGE_FREE_BYTES_MIN: Final = 2 * 1024 * 1024
STORAGE_SHARE_MAX: Final = 0.95
STAMP_AHEAD_MS_MAX: Final = 5 * 60_000


def s1_account_is_active(c: Candidate) -> Flaws:
    """Refuses a session of an account that is not active."""
    user = c.get(User, c.context.user)
    if user is None or user.account_status != "active":
        yield error(None, "the account is not active", "active")


def s2_onboarding_is_over(c: Candidate) -> Flaws:
    """Refuses all but the intake until the onboarding is completed or skipped."""
    user = c.get(User, c.context.user)
    over = user is not None and user.onboarding_status in ("completed", "skipped")
    if not over and c.row["kind"] != "intake":
        yield error("kind", "before the onboarding is over there is only the intake", ["intake"])


def s3_consents_are_in_force(c: Candidate) -> Flaws:
    """Refuses without special_category, and without the consent the kind of coach needs."""
    if not in_force(c.context, "special_category"):
        yield error(None, "consent special_category is not in force")
    for flaw in c6_coach_is_allowed(c):
        if flaw.column == "coach_kind":
            yield flaw


def s4_no_safety_hold(c: Candidate) -> Flaws:
    """Refuses all but an exercise on your own while a hold lasts."""
    user = c.get(User, c.context.user)
    held_ms = None if user is None else ms(user.safety_hold_until)
    guided = c.row["kind"] == "exercise" and c.row["coach_kind"] == "self"
    if held_ms is not None and held_ms > c.now_ms and not guided:
        yield error("kind", "now only exercises on your own; the help page is offered", ["exercise"])


def s5_there_is_room_in_the_plan(c: Candidate) -> Flaws:
    """Refuses when no entitlement is valid now, or when every one that is has been used up."""
    valid = valid_entitlements(c)
    if not valid:
        yield error(None, f"nothing gives the right to {FEATURE} now")
    elif all(is_used_up(c, entitlement) for entitlement in valid):
        yield error(None, f"the {FEATURE} of this period are used up", max(x.limit_value or 0 for x in valid))


def s6_no_other_session_runs(c: Candidate) -> Flaws:
    """Refuses beside a session that runs on this device; warns of one that runs elsewhere."""
    for other in c.others(CoachingSession, CoachingSession.status == "in_progress"):
        if is_of_device(other, c.context.device_id):
            yield error("status", "another session is in progress on this device", other.id)
        else:
            yield warn("status", "a session is in progress on another device: continue it?", other.id)


def s7_there_is_room_on_the_device(c: Candidate) -> Flaws:
    """Refuses below 2 MB of free disk, and from 95 % of the storage limit on; of what no fact tells it says nothing."""
    free_bytes, share = c.fact(STORAGE_FREE_BYTES), c.fact(STORAGE_SHARE)
    if free_bytes is not None and free_bytes < STORAGE_FREE_BYTES_MIN:
        yield error(None, "less than 2 MB is free on the device", STORAGE_FREE_BYTES_MIN)
    if share is not None and share >= STORAGE_SHARE_MAX:
        yield error(None, "95 % of the storage limit is in use", STORAGE_SHARE_MAX)


def s8_the_clock_is_right(c: Candidate) -> Flaws:
    """Warns when stamps and clock are 5 minutes or more apart (fact `stamp_ahead_ms`)."""
    if abs(c.fact(STAMP_AHEAD_MS, 0)) >= STAMP_AHEAD_MS_MAX:
        yield warn(None, "the clock of this device is wrong", STAMP_AHEAD_MS_MAX)


def s9_a_model_answers(c: Candidate) -> Flaws:
    """Warns when the coach is a model and none can be reached."""
    if c.row["coach_kind"] == "ai" and not (c.fact(MODEL_ON_DEVICE) or c.fact(MODEL_REACHABLE, True)):
        yield warn("coach_kind", "no model can be reached: the session is offered as self-guided", "self")


RULES: Final[tuple[Rule, ...]] = (
    s1_account_is_active,
    s2_onboarding_is_over,
    s3_consents_are_in_force,
    s4_no_safety_hold,
    s5_there_is_room_in_the_plan,
    s6_no_other_session_runs,
    s7_there_is_room_on_the_device,
    s8_the_clock_is_right,
    s9_a_model_answers,
)
SessionPrerequisitesValidator: Final = RuleSet(CoachingSession, RULES)
GoingOnValidator: Final = RuleSet(
    CoachingSession, tuple(rule for rule in RULES if rule is not s5_there_is_room_in_the_plan)
)
"""For a session that goes on here: it was counted when it was begun or planned."""


def is_of_device(session: CoachingSession, device_id: str) -> bool:
    """Does it run here? The device that was the last to start, continue or count it has the newest stamp."""
    seconds = session.device_seconds if isinstance(session.device_seconds, dict) else {}
    stamps = {device: str(entry[1]) for device, entry in seconds.items() if isinstance(entry, list) and len(entry) > 1}
    return max(stamps, key=lambda device: stamps[device], default=None) == device_id


def valid_entitlements(c: Candidate) -> list[Entitlement]:
    """What gives the right to a session now; offline, up to the grace of a row with a good signature."""
    rows = c.query(Entitlement).where(Entitlement.feature_code == FEATURE).all()
    return [row for row in rows if _is_valid(c, row)]


def is_used_up(c: Candidate, entitlement: Entitlement) -> bool:
    """Has the period no session left?"""
    if entitlement.limit_value is None:
        return False
    counter = c.get(UsageCounter, usage_id(c, entitlement.period))
    return total(None if counter is None else counter.device_counts) >= entitlement.limit_value


def usage_id(c: Candidate, period: str) -> str:
    """The id of the counter of this `period`."""
    key = period_key(period, local_day(c.now_ms, zone_of(c)))
    values = {"user_id": c.context.user, "feature_code": FEATURE, "period_key": key}
    return natural_id(UsageCounter.__table__, values)


def _is_valid(c: Candidate, row: Entitlement) -> bool:
    if (ms(row.valid_from) or 0) > c.now_ms:
        return False
    until, grace = ms(row.valid_until), ms(row.offline_grace_until)
    if until is None or c.now_ms < until:
        return True
    in_grace = grace is not None and c.now_ms <= grace and not c.fact(IS_ONLINE, False)
    return in_grace and row.id in c.fact(SIGNED, ())  # who has not the server's key can call no signature good
