"""The first steps of a new user: flows as data, and where each user stands in them."""

from __future__ import annotations

from bmaddb.modules.seeds.onboarding_steps import ONBOARDING_STEPS
from bmaddb.schema import (
    CatalogRecord,
    DeleteRule,
    MergeRule,
    Module,
    Sensitivity,
    UserRecord,
    archive,
    boolean,
    integer,
    json,
    text,
    timestamp,
)


class OnboardingStep(
    CatalogRecord,
    table="onboarding_steps",
    sensitivity=Sensitivity.PUBLIC,
    indexes=(("flow_code", "flow_version", "position"),),
    uniques=(("flow_code", "flow_version", "step_code"),),
):
    """Data-driven steps of each onboarding flow."""

    flow_code = text()
    flow_version = integer()
    step_code = text()
    position = integer()
    kind = text(enum=("info", "form", "choice", "quiz", "consent", "permission", "summary"))
    title_i18n = json()
    body_i18n = json(default={})
    answer_schema = json(default={}, note="JSON Schema of the answer")
    required = boolean(default=False)
    show_if = json(default={}, note="condition on earlier answers")
    maps_to = text(null=True, note="e.g. users.display_name")
    est_seconds = integer(null=True)


class OnboardingProgress(
    UserRecord,
    table="onboarding_progress",
    retention=archive(months=24),
    sensitivity=Sensitivity.SPECIAL,
    delete=DeleteRule.EDIT_WINS,
    natural_key=("user_id", "flow_code"),
    uniques=(("user_id", "flow_code"),),
):
    """Where one user stands in one flow, resumable on another device."""

    flow_code = text(merge=MergeRule.IMM, sensitivity=Sensitivity.PERSONAL)
    flow_version = integer(merge=MergeRule.MAX, sensitivity=Sensitivity.PERSONAL)
    status = text(
        default="not_started",
        enum=("not_started", "in_progress", "skipped", "completed"),
        merge=MergeRule.STM,
        sensitivity=Sensitivity.PERSONAL,
    )
    current_step = text(null=True, sensitivity=Sensitivity.PERSONAL)
    completed_steps = json(default=[], merge=MergeRule.SET, sensitivity=Sensitivity.PERSONAL)
    skipped_steps = json(default=[], merge=MergeRule.SET, sensitivity=Sensitivity.PERSONAL)
    answers = json(
        default={},
        merge=MergeRule.MAP,
        sealable=True,
        note="step_code -> answer; a later answer to the same step wins",
    )
    device_seconds = json(
        default={},
        merge=MergeRule.CNT,
        sensitivity=Sensitivity.PERSONAL,
        note="per-device counter; time spent = sum",
    )
    started_at = timestamp(null=True, merge=MergeRule.MIN, sensitivity=Sensitivity.PERSONAL)
    completed_at = timestamp(null=True, merge=MergeRule.MIN, sensitivity=Sensitivity.PERSONAL)


MODULE = Module(
    name="onboarding",
    purpose="The first steps of a new user: flows as data, and where each user stands in them.",
    records=(
        OnboardingStep,
        OnboardingProgress,
    ),
    seeds={"onboarding_steps": ONBOARDING_STEPS},
)
