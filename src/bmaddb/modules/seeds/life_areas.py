"""The life areas to choose from, and the wheels (presets) that combine them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# code, name (nl, en), what it covers (nl, en), presets, (icon, colour)
_AREAS: Final = (
    (
        "physical_health",
        ("Lichamelijke gezondheid", "Physical health"),
        (
            "Slaap, beweging, eten en hoe je lijf zich voelt.",
            "Sleep, movement, food and how your body feels.",
        ),
        ("8", "9", "10", "12"),
        ("heart-pulse", "#c2554d"),
    ),
    (
        "mental_health",
        ("Mentale gezondheid", "Mental wellbeing"),
        ("Stemming, rust en veerkracht.", "Mood, calm and resilience."),
        ("9", "10", "12"),
        ("brain", "#7a6fb0"),
    ),
    (
        "work",
        ("Werk en loopbaan", "Work and career"),
        ("Wat je doet, met wie, en waar het heen gaat.", "What you do, with whom, and where it leads."),
        ("8", "9", "10", "12"),
        ("briefcase", "#4f6d8f"),
    ),
    (
        "money",
        ("Geld en zekerheid", "Money and security"),
        ("Inkomen, overzicht en een buffer.", "Income, overview and something to fall back on."),
        ("8", "9", "10", "12"),
        ("wallet", "#5b8a5a"),
    ),
    (
        "partner",
        ("Partner en liefde", "Partner and love"),
        ("Je relatie, of hoe je zonder relatie leeft.", "Your relationship, or your life without one."),
        ("8", "9", "10", "12"),
        ("heart", "#c0617d"),
    ),
    (
        "family",
        ("Gezin en familie", "Family"),
        ("Kinderen, ouders, broers en zussen.", "Children, parents, brothers and sisters."),
        ("8", "10", "12"),
        ("home-heart", "#b5793f"),
    ),
    (
        "social",
        ("Vrienden en sociaal leven", "Friends and social life"),
        ("Mensen om mee te lachen en op te rekenen.", "People to laugh with and to count on."),
        ("8", "9", "10", "12"),
        ("users", "#d09a3a"),
    ),
    (
        "growth",
        ("Persoonlijke groei en leren", "Personal growth and learning"),
        ("Nieuwe kennis, vaardigheden en inzichten.", "New knowledge, skills and insights."),
        ("8", "9", "10", "12"),
        ("sprout", "#6b9a3f"),
    ),
    (
        "leisure",
        ("Ontspanning en hobby's", "Leisure and hobbies"),
        ("Wat je doet omdat je het leuk vindt.", "What you do because you like it."),
        ("8", "9", "10", "12"),
        ("guitar", "#3f9a94"),
    ),
    (
        "home",
        ("Wonen en leefomgeving", "Home and surroundings"),
        ("Je huis, je buurt, je plek.", "Your house, your neighbourhood, your place."),
        ("9", "10", "12"),
        ("house", "#8a6f57"),
    ),
    (
        "meaning",
        ("Zingeving en spiritualiteit", "Meaning and spirituality"),
        ("Waar het je in de grond om gaat.", "What it is all about for you."),
        ("12",),
        ("compass", "#5f5fa8"),
    ),
    (
        "contribution",
        ("Maatschappij en bijdrage", "Society and contribution"),
        ("Wat je voor anderen en voor later doet.", "What you do for others and for later."),
        ("12",),
        ("hand-helping", "#3f7f6a"),
    ),
    (
        "imagination",
        ("Verbeelding en innerlijk werk", "Imagination and inner work"),
        ("Dromen, beelden, stilte en spel.", "Dreams, images, silence and play."),
        ("9",),
        ("moon", "#4b4f7f"),
    ),
)
_BELIEF: Final = frozenset({"meaning", "imagination"})
_HEALTH: Final = frozenset({"physical_health", "mental_health"})

LIFE_AREAS: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": code,
        "code": code,
        "name_i18n": {"nl": name[0], "en": name[1]},
        "description_i18n": {"nl": about[0], "en": about[1]},
        "preset_codes": list(presets),
        "position": position,
        "icon": look[0],
        "color": look[1],
        "belief_related": code in _BELIEF,
        "health_related": code in _HEALTH,
    }
    for position, (code, name, about, presets, look) in enumerate(_AREAS, start=1)
)

# `merged` lists areas that such a wheel shows as one sector.
LIFE_AREA_PRESETS: Final[tuple[Mapping[str, Any], ...]] = (
    {"code": "8", "title_i18n": {"nl": "Het gewone wiel", "en": "The common wheel"}, "merged": []},
    {
        "code": "9",
        "title_i18n": {"nl": "Met verbeelding", "en": "With imagination"},
        "merged": [["partner", "social"]],
    },
    {"code": "10", "title_i18n": {"nl": "Het ruime wiel", "en": "The wide wheel"}, "merged": []},
    {"code": "12", "title_i18n": {"nl": "Het volle wiel", "en": "The full wheel"}, "merged": []},
)
