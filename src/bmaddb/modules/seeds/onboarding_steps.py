"""The first flow a new user walks through: nothing is asked that the first session does not need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FLOW: Final = "welcome"
VERSION: Final = 1
_AGREED: Final = {"type": "boolean", "const": True}


def _one_of(*codes: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(codes)}


def _step(
    code: str, kind: str, title: tuple[str, str], body: tuple[str, str], **more: Any
) -> tuple[str, dict[str, Any]]:
    return code, {
        "kind": kind,
        "title_i18n": {"nl": title[0], "en": title[1]},
        "body_i18n": {"nl": body[0], "en": body[1]},
        **more,
    }


_STEPS: Final = (
    _step(
        "welcome",
        "info",
        ("Welkom", "Welcome"),
        ("Alles wat je schrijft staat eerst op dit apparaat.", "All you write is on this device first."),
        est_seconds=10,
    ),
    _step(
        "locale",
        "choice",
        ("Welke taal?", "Which language?"),
        ("Je kunt dit later veranderen.", "You can change this later."),
        answer_schema=_one_of("nl-NL", "en-GB"),
        required=True,
        maps_to="users.locale",
        est_seconds=5,
    ),
    _step(
        "name",
        "form",
        ("Hoe noemen we je?", "What shall we call you?"),
        ("Een voornaam of bijnaam is genoeg.", "A first name or nickname will do."),
        answer_schema={"type": "string", "minLength": 1, "maxLength": 80},
        required=True,
        maps_to="users.display_name",
        est_seconds=10,
    ),
    _step(
        "age",
        "choice",
        ("Ben je zestien of ouder?", "Are you sixteen or older?"),
        ("Jonger mag alleen met een ouder erbij.", "Younger is only allowed with a parent."),
        answer_schema=_one_of("yes", "no"),
        required=True,
        est_seconds=5,
    ),
    _step(
        "age_stop",
        "info",
        ("Nu nog niet", "Not yet"),
        ("Vraag een ouder om samen te beginnen.", "Ask a parent to start together with you."),
        show_if={"step": "age", "equals": "no"},
        est_seconds=10,
    ),
    _step(
        "terms",
        "consent",
        ("Voorwaarden en privacy", "Terms and privacy"),
        ("Lees wat we met je gegevens doen, en wat niet.", "Read what we do with your data, and do not."),
        answer_schema={
            "type": "object",
            "properties": {"terms": _AGREED, "privacy": _AGREED},
            "required": ["terms", "privacy"],
            "additionalProperties": False,
        },
        required=True,
        est_seconds=60,
    ),
    _step(
        "sensitive",
        "consent",
        ("Gevoelige onderwerpen", "Sensitive subjects"),
        (
            "Over gezondheid, liefde en geloof schrijf je alleen als je wilt. Je kunt dit altijd intrekken.",
            "Write about health, love and belief only if you want to. You can withdraw this at any time.",
        ),
        answer_schema={
            "type": "object",
            "properties": {"special_category": {"type": "boolean"}},
            "required": ["special_category"],
            "additionalProperties": False,
        },
        required=True,
        est_seconds=20,
    ),
    _step(
        "areas",
        "choice",
        ("Welke levensgebieden tellen nu?", "Which life areas matter now?"),
        ("Kies er een tot drie om mee te beginnen.", "Choose one to three to start with."),
        answer_schema={
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": 3,
            "uniqueItems": True,
        },
        est_seconds=30,
    ),
    _step(
        "tone",
        "choice",
        ("Hoe praat een goede coach?", "How does a good coach talk?"),
        ("We beginnen zo; je past het altijd aan.", "We start this way; change it whenever you like."),
        answer_schema=_one_of("neutral", "direct", "warm", "socratic", "playful"),
        maps_to="user_preferences.coach_tone",
        est_seconds=10,
    ),
    _step(
        "minutes",
        "choice",
        ("Hoeveel minuten per dag?", "How many minutes a day?"),
        ("Weinig en vaak werkt beter dan veel en zelden.", "Little and often beats much and seldom."),
        answer_schema={"type": "integer", "enum": [5, 10, 20]},
        maps_to="user_preferences.daily_focus_minutes",
        est_seconds=5,
    ),
    _step(
        "notifications",
        "permission",
        ("Mogen we je herinneren?", "May we remind you?"),
        ("Alleen aan wat je zelf hebt ingesteld.", "Only of what you have set yourself."),
        answer_schema={"type": "boolean"},
        maps_to="user_preferences.notifications_enabled",
        est_seconds=5,
    ),
    _step(
        "summary",
        "summary",
        ("Klaar om te beginnen", "Ready to start"),
        ("Dit heb je gekozen. Klopt het?", "This is what you chose. Is it right?"),
        est_seconds=15,
    ),
)

ONBOARDING_STEPS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": f"{FLOW}.{code}@{VERSION}",
        "flow_code": FLOW,
        "flow_version": VERSION,
        "step_code": code,
        "position": position,
        **step,
    }
    for position, (code, step) in enumerate(_STEPS, start=1)
)
