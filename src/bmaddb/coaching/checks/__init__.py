"""The eight consistency checks, on stored rows.

Run by an operation, a check looks at what the operation did (`facts["rows"]` and its notes); without an operation it
looks at the whole file.
"""

from __future__ import annotations

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

CHECKS = (*ONBOARDING_CHECKS, *SESSION_CHECKS)

__all__ = [
    "CHECKS",
    "ONBOARDING_CHECKS",
    "SESSION_CHECKS",
    "verify_analytics_logged",
    "verify_coaching_session_created",
    "verify_insights_updated",
    "verify_mbti_profile_valid",
    "verify_preferences_initialized",
    "verify_progress_updated",
    "verify_session_integrity",
    "verify_user_profile_complete",
]
