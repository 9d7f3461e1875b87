"""What a user decides about the account: consents, type, settings, devices, and what is asked of the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, cast

from bmaddb.account.consents import PROFILING
from bmaddb.account.profiling import declined_instead, misplaced_marks, typed_insights, typed_profiles
from bmaddb.account.settings import changed
from bmaddb.coaching.candidate import Candidate, Flaws, RuleSet, candidate_of, error, moment, ms
from bmaddb.coaching.checks import verify_mbti_profile_valid, verify_preferences_initialized
from bmaddb.coaching.checks.findings import NOTES, written
from bmaddb.coaching.derived import derived_values
from bmaddb.coaching.operations.asking import ask_step
from bmaddb.coaching.operations.onboarding import CONSENTS, Consent, consents_step, type_row
from bmaddb.coaching.registries import METERED
from bmaddb.coaching.rules.general import GENERAL
from bmaddb.coaching.rules.mbti_profile import MBTIProfileValidator
from bmaddb.coaching.rules.preferences import PreferencesValidator
from bmaddb.device.atomic import Action, Operation, RuleContext, Step
from bmaddb.device.atomic.operation import Rows
from bmaddb.device.store import WriteTransaction
from bmaddb.modules.subscription_payment import Plan, Subscription
from bmaddb.modules.user_management import MbtiProfile, UserDevice, UserPreferences
from bmaddb.schema.natural_keys import natural_id
from bmaddb.schema.records import Record

SUBSCRIBE, CANCEL, RESERVE = "subscribe", "cancel_subscription", "reserve_quota"
"""The kinds of requests; the server has a handler for each (server/sql/billing.sql)."""
AMOUNT_MAX: Final = 1_000_000
FORGET_INSIGHTS, FORGET_TYPES = "forget_mbti_insights", "forget_mbti_profiles"
_OVER: Final = frozenset({"canceled", "incomplete_expired"})


def record_consent(consent: Consent) -> Operation:
    """Keep a decision. What rested on a consent that is refused or withdrawn ends with it.

    Without personality_profiling every determination of type and every insight that rests on one is deleted, one row
    that declines is left, and optimising is off: as `db.personality.withdraw` does. Without analytics no event is kept.
    """
    lost = consent.purpose if consent.action != "granted" else ""
    steps = [consents_step((consent,))]
    if lost == PROFILING:
        steps += [_settings_step({"mbti_optimisation": "off"}), *_ending_steps()]
    elif lost == "analytics":
        steps.append(_settings_step({"analytics_level": "none"}))
    return Operation(type="record_consent", steps=tuple(steps), facts={NOTES: {}})


def switch_type(personality: Mapping[str, Any] | None) -> Operation:
    """A new determination of type (columns of mbti_profiles; None declines) becomes the current one."""
    settings = (_settings_step({"mbti_optimisation": "off"}),) if personality is None else ()
    steps = (*_type_steps(personality), *settings)
    return Operation(type="switch_type", steps=steps, checks=(verify_mbti_profile_valid,), facts={NOTES: {}})


def change_settings(changes: Mapping[str, Any], facts: Mapping[str, Any] | None = None) -> Operation:
    """Change columns of the one row of settings; a user without one gets it."""
    return Operation(
        type="change_settings",
        steps=(_settings_step(changes),),
        checks=(verify_preferences_initialized,),
        facts={**(facts or {}), NOTES: {}},
    )


def register_device(columns: Mapping[str, Any]) -> Operation:
    """This file is a device of the user: label, platform, app_version, schema_version and public_key are needed."""
    step = Step(
        "register_device",
        "user_devices",
        Action.UPSERT,
        lambda context: {**columns, "id": context.device_id},
        (RuleSet(UserDevice, GENERAL),),
    )
    return Operation(type="register_device", steps=(step,))


def request_subscription(plan_id: str) -> Operation:
    """Ask for this plan, at once or when there is a network. The server decides; a subscription comes by sync.

    PLAN when the catalogue of this device has no such plan on offer. What the server refuses is a dead letter
    (`db.requests.dead()`); its answer is {"subscription", "status", "plan"}, under the operation's id as the key.
    """
    return _asking("request_subscription", ask_step(SUBSCRIBE, {"plan_id": plan_id}, plan_is_on_offer))


def cancel_subscription(subscription_id: str) -> Operation:
    """Ask to end this subscription. The server decides; what is paid for runs to the end of its period.

    SUBSCRIPTION when this device knows of none that runs under this id.
    """
    return _asking("cancel_subscription", ask_step(CANCEL, {"subscription_id": subscription_id}, subscription_runs))


def reserve_quota(feature: str, amount: int = 1) -> Operation:
    """Ask to use so much of a metered feature, which only the server may count; it comes by sync as usage_counters.

    QUOTA for a feature that is not metered, and an amount that is not a whole number from 1 to a million. A session
    counts its own use, offline too, and needs no reservation.
    """
    return _asking("reserve_quota", ask_step(RESERVE, {"feature": feature, "amount": amount}, quota_is_metered))


# -- rules of their own ----------------------------------------------------------------------------------------


def plan_is_on_offer(c: Candidate) -> Flaws:
    """PLAN: a plan the catalogue has, from its first day to its last."""
    plan = c.get(Plan, c.row["payload"].get("plan_id"))
    until = None if plan is None else ms(plan.active_until)
    if plan is None or (ms(plan.active_from) or 0) > c.now_ms or (until is not None and until <= c.now_ms):
        yield error("payload", "there is no such plan now", [row.id for row in c.query(Plan).all()])


def subscription_runs(c: Candidate) -> Flaws:
    """SUBSCRIPTION: one of this user's that is not over."""
    subscription = c.get(Subscription, c.row["payload"].get("subscription_id"))
    if subscription is None or subscription.status in _OVER:
        running = [row.id for row in c.query(Subscription).all() if row.status not in _OVER]
        yield error("payload", "there is no such subscription that runs", running)


def quota_is_metered(c: Candidate) -> Flaws:
    """QUOTA: a feature that is counted, and how many of it."""
    feature, amount = c.row["payload"].get("feature"), c.row["payload"].get("amount")
    if feature not in METERED:
        yield error("payload", f"{feature!r} is no metered feature", sorted(METERED))
    if type(amount) is not int or not 1 <= amount <= AMOUNT_MAX:
        yield error("payload", f"{amount!r} is no amount", [1, AMOUNT_MAX])


# -- inside ----------------------------------------------------------------------------------------------------


def _asking(kind: str, step: Step) -> Operation:
    return Operation(type=kind, steps=(step,))


def _settings_step(changes: Mapping[str, Any]) -> Step:
    def row(context: RuleContext) -> dict[str, Any]:
        before = context.reader.get(UserPreferences, _settings_id(context))
        return {**changed(before, changes), "user_id": context.user}

    return Step("change_settings", "user_preferences", Action.UPSERT, row, (PreferencesValidator,))


def _settings_id(context: RuleContext) -> str:
    return natural_id(UserPreferences.__table__, {"user_id": context.user})


def _type_steps(personality: Mapping[str, Any] | None) -> tuple[Step, Step]:
    """The new profile, then the ones before it, which are not the current one any more."""
    return _new_profile(lambda context: type_row(context, personality)), _MARK


def _ending_steps() -> tuple[Step, ...]:
    """What rests on a type goes, and one row that declines is left, the current one."""

    def declined(context: RuleContext) -> list[dict[str, Any]]:
        [decision_id] = written(context, CONSENTS) or ()
        row = declined_instead(
            _writer(context),
            decision_id,
            assessed_at=moment(context.now_ms),
            was_typed=bool(written(context, FORGET_TYPES)),
        )
        return [] if row is None else [{**row, **derived_values(candidate_of(MbtiProfile, row, None, context))}]

    return (
        Step(FORGET_INSIGHTS, "mbti_insights", Action.DELETE, lambda context: _ids(typed_insights(_writer(context)))),
        Step(FORGET_TYPES, "mbti_profiles", Action.DELETE, lambda context: _ids(typed_profiles(_writer(context)))),
        _new_profile(declined),
        _MARK,
    )


def _new_profile(rows: Callable[[RuleContext], Rows]) -> Step:
    return Step("create_mbti_profile", "mbti_profiles", Action.INSERT, rows, (MBTIProfileValidator,))


def _ids(rows: Sequence[Record]) -> list[dict[str, Any]]:
    return [{"id": row.id} for row in rows]


def _writer(context: RuleContext) -> WriteTransaction:
    return cast(WriteTransaction, context.reader)  # a step reads through the transaction it writes in


_MARK: Final = Step(
    "retire_mbti_profiles",
    "mbti_profiles",
    Action.UPDATE,
    lambda context: misplaced_marks(_writer(context)),
    (RuleSet(MbtiProfile, GENERAL),),
)
