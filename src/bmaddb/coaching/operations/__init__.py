"""The named operations: what an application does, as steps with their rules and checks."""

from __future__ import annotations

from bmaddb.coaching.operations.account import (
    cancel_subscription,
    change_settings,
    record_consent,
    register_device,
    request_subscription,
    reserve_quota,
    switch_type,
)
from bmaddb.coaching.operations.events import Event
from bmaddb.coaching.operations.everyday import check_in, complete_task, fill_wheel, log_habit, reopen_task
from bmaddb.coaching.operations.insighting import Insight
from bmaddb.coaching.operations.onboarding import Consent, Onboarding, user_onboarding
from bmaddb.coaching.operations.session import SessionPlan, change_session, coaching_session, resumable

__all__ = [
    "Consent",
    "Event",
    "Insight",
    "Onboarding",
    "SessionPlan",
    "cancel_subscription",
    "change_session",
    "change_settings",
    "check_in",
    "coaching_session",
    "complete_task",
    "fill_wheel",
    "log_habit",
    "record_consent",
    "register_device",
    "reopen_task",
    "resumable",
    "request_subscription",
    "reserve_quota",
    "switch_type",
    "user_onboarding",
]
