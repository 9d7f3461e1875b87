"""Operations as the tests run them: what a new user says, a plan of a session, and one place that executes."""

from __future__ import annotations

from typing import Any

from bmaddb.coaching import operations as ops
from bmaddb.coaching.checks import verify_file
from bmaddb.device.atomic import Operation, OperationResult, Operations
from bmaddb.device.store import Store
from bmaddb.testing import ManualClock
from tests.coaching.ground import POLICIES, POLICY, PURPOSES

DEVICE = {"device_label": "laptop", "platform": "desktop", "app_version": "1", "schema_version": 14, "public_key": "a"}


def onboarding(**changes: Any) -> ops.Onboarding:
    given: dict[str, Any] = {
        "profile": {"display_name": "Ada", "terms_version": POLICY, "privacy_version": POLICY},
        "consents": tuple(ops.Consent(purpose, POLICY, "0" * 64) for purpose in PURPOSES),
        "device": DEVICE,
        "personality": {"type_code": "INFJ", "source": "self_declared"},
        "preferences": {"mbti_optimisation": "prior", "analytics_level": "full"},
        "policies": POLICIES,
        "sixteen_or_older": True,
    }
    return ops.Onboarding(**{**given, **changes})


def run(store: Store, operation: Operation) -> OperationResult:
    clock = store.clock
    assert isinstance(clock, ManualClock)
    clock.advance(1_000)
    return Operations(store).execute(operation)


def done(store: Store, operation: Operation) -> OperationResult:
    result = run(store, operation)
    assert result.failure is None, (result.failure.error, result.failure.violations, result.failure.checks)
    return result


def rules(result: OperationResult) -> set[str]:
    assert result.failure is not None
    return {violation.rule for violation in result.failure.violations}


def all_hold(store: Store) -> None:
    assert [outcome for outcome in verify_file(store) if not outcome.ok] == []


def plan(**changes: Any) -> ops.SessionPlan:
    given: dict[str, Any] = {
        "session": {"kind": "regular", "coach_kind": "self"},
        "progress": {"active_days": 1},
        "events": (ops.Event("session.started", {"coach": "self"}),),
        "insights": (ops.Insight(kind="pattern", title="Mornings", body="You begin sessions in the morning."),),
    }
    return ops.SessionPlan(**{**given, **changes})
