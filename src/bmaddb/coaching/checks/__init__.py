"""The eight consistency checks, on stored rows.

Run by an operation, a check looks at what the operation did (`facts["rows"]` and its notes); without an operation it
looks at the whole file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bmaddb.coaching.checks.onboarding import (
    ONBOARDING_CHECKS,
    verify_coaching_session_created,
    verify_mbti_profile_valid,
    verify_preferences_initialized,
    verify_user_profile_complete,
)
from bmaddb.coaching.checks.session import (
    SESSION_CHECKS,
    verify_analytics_logged,
    verify_insights_updated,
    verify_progress_updated,
    verify_session_integrity,
)
from bmaddb.device.atomic import Check, CheckOutcome, RuleContext
from bmaddb.device.store import Store

CHECKS: Final[tuple[Check, ...]] = (*ONBOARDING_CHECKS, *SESSION_CHECKS)


def verify_file(store: Store, facts: Mapping[str, Any] | None = None) -> tuple[CheckOutcome, ...]:
    """How each of the eight checks ends, over the whole file of a user whose onboarding is over; one snapshot."""
    context = RuleContext(
        user=store.user or "",
        device_id=store.device_id,
        now_ms=store.clock.now_ms(),
        operation_id="",
        reader=store,
        facts=facts or {},
    )
    with store.read():
        return tuple(check(context) for check in CHECKS)


__all__ = [
    "CHECKS",
    "ONBOARDING_CHECKS",
    "SESSION_CHECKS",
    "verify_analytics_logged",
    "verify_coaching_session_created",
    "verify_file",
    "verify_insights_updated",
    "verify_mbti_profile_valid",
    "verify_preferences_initialized",
    "verify_progress_updated",
    "verify_session_integrity",
    "verify_user_profile_complete",
]
