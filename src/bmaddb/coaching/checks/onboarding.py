"""After an onboarding: the profile, the type, the settings and the first session are there, and whole."""

from __future__ import annotations

from collections import Counter
from typing import Final

from bmaddb.account.consents import grant
from bmaddb.account.settings import PREFERENCES_VERSION
from bmaddb.coaching.checks.findings import Findings, written
from bmaddb.coaching.rules import mbti_profile, preferences, user_profile
from bmaddb.coaching.rules.general import g2_shape
from bmaddb.device.atomic import Check, CheckOutcome, RuleContext
from bmaddb.modules.chat_journal import CoachingSession, Conversation
from bmaddb.modules.user_management import MbtiProfile, User, UserDevice, UserKeyring, UserPreferences

CREATE_SESSION: Final = "create_initial_coaching_session"
NEEDED_CONSENTS: Final = ("terms", "privacy", "special_category")
_NON_EMPTY: Final = ("display_name", "locale", "timezone", "terms_version", "privacy_version")
_PROFILE_RULES: Final = mbti_profile.RULES[:7]
_PREFERENCE_RULES: Final = (preferences.p1_id_follows, *preferences.RULES[2:7])


def verify_user_profile_complete(context: RuleContext) -> CheckOutcome:
    """The one users row is whole, this device is registered, and what must be agreed to is."""
    found = Findings()
    users = context.reader.query(User).all()
    if [user.id for user in users] != [context.user]:
        found.wrong(f"users/{context.user}", f"there are {len(users)} users rows, not the one of the user")
    for user in users:
        found.judge(user, (g2_shape, *user_profile.RULES), context)
        for name in _NON_EMPTY:
            if not getattr(user, name):
                found.wrong(user, f"{name} is empty")
        if user.e2ee_state != "off" and not _has_account_key(context):
            found.wrong(user, "end-to-end encryption is on, and there is no active key of the account")
    device = context.reader.get(UserDevice, context.device_id)
    if device is None or device.revoked_at is not None:
        found.wrong(f"user_devices/{context.device_id}", "this device is not registered")
    for purpose in NEEDED_CONSENTS:
        if grant(context.reader, purpose) is None:
            found.wrong("consent_records", f"{purpose} is not granted")
    return found.outcome(verify_user_profile_complete)


def verify_mbti_profile_valid(context: RuleContext) -> CheckOutcome:
    """One profile is current, it is the newest, and it says what follows from its type."""
    found = Findings()
    profiles = context.reader.query(MbtiProfile).order_by(MbtiProfile.assessed_at, MbtiProfile.id).all()
    current = [profile for profile in profiles if profile.is_current]
    if len(current) != 1:
        found.wrong("mbti_profiles", f"{len(current)} profiles are current")
    for profile in current:
        if profile.id != profiles[-1].id:
            found.wrong(profile, "a newer profile is not the current one")
        found.judge(profile, (g2_shape, *_PROFILE_RULES), context)
        if profile.source == "declined":
            for settings in context.reader.query(UserPreferences).all():
                if settings.mbti_optimisation != "off":
                    found.wrong(settings, "the type is declined, and mbti_optimisation is not off")
    return found.outcome(verify_mbti_profile_valid)


def verify_preferences_initialized(context: RuleContext) -> CheckOutcome:
    """The one row of settings has its id, nothing is missing, and what needs a consent has it."""
    found = Findings()
    rows = context.reader.query(UserPreferences).all()
    if len(rows) != 1:
        found.wrong("user_preferences", f"there are {len(rows)} rows of settings")
    for row in rows:
        if row.prefs_version != PREFERENCES_VERSION:
            found.wrong(row, f"prefs_version is not {PREFERENCES_VERSION}")
        for name in preferences.missing_channels(row.notification_channels):
            found.wrong(row, f"notification_channels says nothing of {name}")
        found.judge(row, (g2_shape, *_PREFERENCE_RULES), context)
    return found.outcome(verify_preferences_initialized)


def verify_coaching_session_created(context: RuleContext) -> CheckOutcome:
    """One session names the operation and is a planned or running intake; of a file, each names one of its own."""
    found = Findings()
    sessions = context.reader.query(CoachingSession).all()
    if written(context, CREATE_SESSION) is not None:
        ours = [session for session in sessions if session.txn_id == context.operation_id]
        if len(ours) != 1:
            found.wrong("coaching_sessions", f"{len(ours)} sessions name the operation")
        for session in ours:
            if session.kind != "intake" or session.status not in ("scheduled", "in_progress"):
                found.wrong(session, "it is no intake that is scheduled or in progress")
    else:
        counts = Counter(session.txn_id for session in sessions)
        for session in sessions:
            if not session.txn_id or counts[session.txn_id] > 1:
                found.wrong(session, "it does not name an operation of its own")
        intakes = [session for session in sessions if session.kind == "intake" and session.status != "cancelled"]
        for session in intakes[1:]:
            found.wrong(session, "there is another intake")
    for session in sessions:
        if session.conversation_id is not None and not _is_own(context, session.conversation_id):
            found.wrong(session, "its conversation is not there")
    return found.outcome(verify_coaching_session_created)


ONBOARDING_CHECKS: Final[tuple[Check, ...]] = (
    verify_user_profile_complete,
    verify_mbti_profile_valid,
    verify_preferences_initialized,
    verify_coaching_session_created,
)


def _has_account_key(context: RuleContext) -> bool:
    keys = context.reader.query(UserKeyring)
    return keys.where(UserKeyring.key_scope == "account", UserKeyring.state == "active").exists()


def _is_own(context: RuleContext, conversation_id: str) -> bool:
    conversation = context.reader.get(Conversation, conversation_id)
    return conversation is not None and conversation.user_id == context.user
