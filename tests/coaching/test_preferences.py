"""P1 to P11, one row that is accepted and one that is rejected each."""

from __future__ import annotations

from typing import Any

import pytest

from bmaddb.coaching.rules.preferences import PreferencesValidator
from bmaddb.device.atomic import Severity
from bmaddb.device.store import Store, WriteTransaction
from tests.coaching.cases import Case, Look, check_accepts, check_rejects, named
from tests.coaching.ground import at, consent, preferences_row

SILENT = {"local": False, "push": False, "email": False}
OFF = {"mbti_optimisation": "off", "analytics_level": "none"}


def without(purpose: str) -> Any:
    return lambda tx: consent(tx, purpose, "withdrawn", acted_at=at(minutes=1))


CASES = (
    Case(rule="P1", column="id", good=Look(), bad=Look(change={"id": "mine"})),
    Case(
        rule="P2",
        column="font_scale",
        good=Look(change={"font_scale": 2.0, "theme": "dark"}),
        bad=Look(change={"font_scale": 2.1, "theme": "pink"}),
    ),
    Case(
        rule="P3",
        column="quiet_hours_start",
        good=Look(change={"quiet_hours_start": "22:00", "quiet_hours_end": "07:00"}),
        bad=Look(change={"quiet_hours_start": "22:00"}),
    ),
    Case(
        rule="P4",
        column="notification_channels",
        good=Look(
            change={
                "notifications_enabled": True,
                "notification_channels": {"local": True, "push": False, "email": False},
            }
        ),
        bad=Look(change={"notification_channels": {**SILENT, "pigeon": True}}),
    ),
    Case(
        rule="P5",
        column="mbti_optimisation",
        good=Look(change=OFF, prepare=without("personality_profiling")),
        bad=Look(prepare=without("personality_profiling")),
    ),
    Case(
        rule="P6",
        column="analytics_level",
        good=Look(change=OFF, prepare=without("analytics")),
        bad=Look(prepare=without("analytics")),
    ),
    Case(
        rule="P7",
        column="retention_overrides",
        good=Look(change={"retention_overrides": {"tasks": 360, "interaction_analytics": 7}}),
        bad=Look(change={"retention_overrides": {"interaction_analytics": 91}}),
    ),
    Case(
        rule="P8",
        column="feature_toggles",
        severity=Severity.WARN,
        good=Look(change={"feature_toggles": {"tasks.hide_done": True}}),
        bad=Look(change={"feature_toggles": {"tasks.hide_all": True}}),
    ),
    Case(
        rule="P9",
        column="custom",
        good=Look(change={"custom": {"x-colour": "blue"}}),
        bad=Look(change={"custom": {"colour": "blue"}}),
    ),
    Case(
        rule="P10",
        column="storage_limit_mb",
        good=Look(change={"storage_limit_mb": 20}, facts={"storage_used_bytes": 1}),
        bad=Look(change={"storage_limit_mb": 2001}),
    ),
    Case(
        rule="P11",
        column="notification_channels",
        severity=Severity.WARN,
        good=Look(),
        bad=Look(change={"notification_channels": {"local": False}}),
    ),
)


def make(store: Store, tx: WriteTransaction) -> dict[str, Any]:
    return preferences_row()


@pytest.mark.parametrize("case", named(CASES))
def test_accepts(shared_store: Store, case: Case) -> None:
    check_accepts(shared_store, PreferencesValidator, make, case)


@pytest.mark.parametrize("case", named(CASES))
def test_rejects(shared_store: Store, case: Case) -> None:
    check_rejects(shared_store, PreferencesValidator, make, case)


@pytest.mark.parametrize(
    ("rule", "column", "change"),
    [
        ("P3", "quiet_hours_end", {"quiet_hours_start": "22:00", "quiet_hours_end": "22:00"}),
        ("P3", "quiet_hours_end", {"quiet_hours_start": "22:00", "quiet_hours_end": "25:00"}),
        ("P7", "retention_overrides", {"retention_overrides": {"payments": 30}}),
        ("P7", "retention_overrides", {"retention_overrides": {"tasks": 6}}),
        ("P7", "retention_overrides", {"retention_overrides": {"entitlements": 30}}),
        ("P7", "retention_overrides", {"retention_overrides": {"usage_counters": 30}}),
        ("P7", "retention_overrides", {"retention_overrides": {"extension_records": 30}}),
        ("P9", "custom", {"custom": {"x-much": "x" * 17_000}}),
    ],
)
def test_more_that_is_rejected(shared_store: Store, rule: str, column: str, change: dict[str, Any]) -> None:
    check_rejects(
        shared_store, PreferencesValidator, make, Case(rule=rule, column=column, good=Look(), bad=Look(change=change))
    )
