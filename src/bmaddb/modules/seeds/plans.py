"""The features that can be metered, and the one plan that needs no payment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

Rows = tuple[Mapping[str, Any], ...]

# `metered` features count in usage_counters; the others are on or off.
FEATURES: Final[Rows] = tuple(
    {"code": code, "metered": metered, "title_i18n": {"nl": nl, "en": en}}
    for code, metered, nl, en in (
        ("coaching.session", True, "Coachgesprekken", "Coaching sessions"),
        ("ai.reply", True, "Antwoorden van de AI-coach", "Answers of the AI coach"),
        ("journal.entries", False, "Dagboek zonder grens", "Journal without a limit"),
        ("wheel.full_check", False, "De volledige wielmeting", "The full wheel check"),
        ("sync.devices", False, "Al je apparaten gelijk", "All your devices in step"),
        ("export.data", False, "Je gegevens meenemen", "Take your data with you"),
    )
)

PLANS: Final[Rows] = (
    {
        "id": "free@1",
        "plan_code": "free",
        "version": 1,
        "tier": "free",
        "title_i18n": {"nl": "Gratis", "en": "Free"},
        "billing_interval": "none",
        "currency": "EUR",
        "amount_minor": 0,
        "tax_behaviour": "inclusive",
        "trial_days": 0,
        "entitlements": [
            {"feature": "coaching.session", "limit": 8, "period": "month"},
            {"feature": "ai.reply", "limit": 60, "period": "month"},
            {"feature": "journal.entries", "limit": None, "period": "none"},
            {"feature": "wheel.full_check", "limit": None, "period": "none"},
            {"feature": "sync.devices", "limit": None, "period": "none"},
            {"feature": "export.data", "limit": None, "period": "none"},
        ],
        "active_from": datetime(2026, 1, 1, tzinfo=UTC),
    },
)
