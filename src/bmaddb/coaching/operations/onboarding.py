"""A new user: profile, type, settings and a first session, together or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from bmaddb.account.settings import filled
from bmaddb.coaching.candidate import Candidate, Flaws, RuleSet, candidate_of, error, moment
from bmaddb.coaching.checks import ONBOARDING_CHECKS
from bmaddb.coaching.checks.findings import NOTES
from bmaddb.coaching.checks.onboarding import CREATE_SESSION
from bmaddb.coaching.consents import PLANNED_CONSENTS, decided_at
from bmaddb.coaching.derived import derived_values
from bmaddb.coaching.rules.coaching_session import CoachingSessionValidator, type_in_use
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.coaching.rules.mbti_profile import MBTIProfileValidator
from bmaddb.coaching.rules.preferences import PreferencesValidator
from bmaddb.coaching.rules.user_profile import POLICIES, SIXTEEN_OR_OLDER, UserProfileValidator
from bmaddb.device.atomic import Action, Operation, RuleContext, Step
from bmaddb.modules.chat_journal import CoachingSession
from bmaddb.modules.onboarding import OnboardingProgress
from bmaddb.modules.seeds.onboarding_steps import FLOW, VERSION
from bmaddb.modules.user_management import ConsentRecord, MbtiProfile, User, UserDevice
from bmaddb.protocol.merge.counters import counted
from bmaddb.schema.moments import after_newest

CONSENTS: Final = "record_consents"
FIRST_SESSION_DELAY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Consent:
    """One decision of the user, about the text that was shown."""

    purpose: str
    policy_version: str
    policy_sha256: str
    action: str = "granted"
    shown_locale: str = "nl-NL"
    method: str = "onboarding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarding:
    """What a new user said.

    `profile`: columns of users; display_name, terms_version and privacy_version are needed. `personality`: columns of
    mbti_profiles, None declines. `device`: columns of user_devices. `session`: what the intake has beside its kind.
    `policies`: the published versions. `answers`: of the flow, by step code.
    """

    profile: Mapping[str, Any]
    consents: tuple[Consent, ...]
    device: Mapping[str, Any]
    personality: Mapping[str, Any] | None = None
    preferences: Mapping[str, Any] = field(default_factory=dict)
    session: Mapping[str, Any] = field(default_factory=dict)
    policies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sixteen_or_older: bool = False
    answers: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def user_onboarding(data: Onboarding) -> Operation:
    """Four steps (behind the consents they rest on, before what notes the flow as done) and four checks.

    ONBOARDING when the user is there already, on this device or by sync.
    """
    granted = {consent.purpose: consent.policy_version for consent in data.consents if consent.action == "granted"}
    first = RuleSet(UserDevice, (*GENERAL, onboarding_is_the_first))
    steps = (
        consents_step(data.consents),
        Step("register_device", "user_devices", Action.UPSERT, _device(data), (first,)),
        Step("create_user_profile", "users", Action.INSERT, _profile(data), (UserProfileValidator,)),
        Step("create_mbti_profile", "mbti_profiles", Action.INSERT, _type(data), (MBTIProfileValidator,)),
        Step(
            "initialize_preferences",
            "user_preferences",
            Action.INSERT,
            lambda context: filled(dict(data.preferences)),
            (PreferencesValidator,),
        ),
        Step(CREATE_SESSION, "coaching_sessions", Action.INSERT, _session(data), (CoachingSessionValidator,)),
        Step("note_flow", "onboarding_progress", Action.UPSERT, _flow(data), (RuleSet(OnboardingProgress, GENERAL),)),
    )
    facts = {POLICIES: data.policies, SIXTEEN_OR_OLDER: data.sixteen_or_older, PLANNED_CONSENTS: granted, NOTES: {}}
    return Operation(type="user_onboarding", steps=steps, checks=ONBOARDING_CHECKS, facts={**data.facts, **facts})


def onboarding_is_the_first(c: Candidate) -> Flaws:
    """ONBOARDING: a user is made once; what she says later has operations of its own."""
    if c.get(User, c.context.user) is not None:
        others = ["register_device", "change_settings", "switch_type", "record_consent"]
        yield error(None, "the user is there already: her onboarding is over", others)


def consents_step(consents: tuple[Consent, ...]) -> Step:
    """Keep each decision as it was made."""

    def rows(context: RuleContext) -> list[dict[str, Any]]:
        return [
            {
                "purpose": consent.purpose,
                "action": consent.action,
                "policy_version": consent.policy_version,
                "policy_sha256": consent.policy_sha256,
                "shown_locale": consent.shown_locale,
                "method": consent.method,
                "acted_at": decided_at(context, consent.purpose),
            }
            for consent in consents
        ]

    return Step(CONSENTS, "consent_records", Action.INSERT, rows, (RuleSet(ConsentRecord, GENERAL),))


def type_row(context: RuleContext, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """A determination of type with all that follows from it, its code in capitals; None declines."""
    row: dict[str, Any] = {"assessed_at": _after_the_newest(context)}
    row |= {"source": "declined", "influence": 0.0} if given is None else given
    if isinstance(row.get("type_code"), str):
        row["type_code"] = row["type_code"].upper()
    return {**row, **derived_values(candidate_of(MbtiProfile, row, None, context))}


def _after_the_newest(context: RuleContext) -> datetime:
    newest = context.reader.query(MbtiProfile).order_by(MbtiProfile.assessed_at.desc()).first()
    return after_newest(moment(context.now_ms), None if newest is None else newest.assessed_at)


def _device(data: Onboarding) -> Any:
    return lambda context: {**data.device, "id": context.device_id}


def _profile(data: Onboarding) -> Any:
    return lambda context: {"onboarding_status": "completed", **data.profile, "id": context.user}


def _type(data: Onboarding) -> Any:
    return lambda context: type_row(context, data.personality)


def _session(data: Onboarding) -> Any:
    def row(context: RuleContext) -> dict[str, Any]:
        made: dict[str, Any] = {"coach_kind": "self", "status": "scheduled", **data.session}
        if made["status"] == "scheduled":
            made.setdefault("scheduled_at", moment(context.now_ms) + FIRST_SESSION_DELAY)
        else:
            made.setdefault("started_at", moment(context.now_ms))
            made["device_seconds"] = counted({}, context.device_id, 0, context.now_ms)
        made.setdefault("type_at_session", type_in_use(candidate_of(CoachingSession, {}, None, context)))
        return {**made, "kind": "intake", "txn_id": context.operation_id}

    return row


def _flow(data: Onboarding) -> Any:
    def row(context: RuleContext) -> dict[str, Any]:
        answers = {"age": "yes"} if data.sixteen_or_older else {}
        return {
            "flow_code": FLOW,
            "flow_version": VERSION,
            "status": "completed",
            "answers": {**answers, **data.answers},
            "completed_steps": sorted({*answers, *data.answers}),
            "completed_at": moment(context.now_ms),
        }

    return row
