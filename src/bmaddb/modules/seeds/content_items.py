"""A first shelf of exercises and prompts, written for this project."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from bmaddb.schema.json_text import canonical_json

_VERSION: Final = 1


def _item(
    slug: str, kind: str, minutes: int, title: tuple[str, str], body: tuple[str, str], **more: Any
) -> dict[str, Any]:
    texts = {"nl": body[0], "en": body[1]}
    raw = canonical_json(texts).encode()
    return {
        "id": slug,
        "slug": slug,
        "kind": kind,
        "version": _VERSION,
        "title_i18n": {"nl": title[0], "en": title[1]},
        "body_i18n": texts,
        "duration_min": minutes,
        "byte_size": len(raw),
        "checksum": hashlib.sha256(raw).hexdigest(),
        "licence": "Apache-2.0",
        **more,
    }


CONTENT_ITEMS: Final[tuple[Mapping[str, Any], ...]] = (
    _item(
        "three-good-things",
        "exercise",
        5,
        ("Drie goede dingen", "Three good things"),
        (
            "Schrijf drie dingen op die vandaag goed gingen, hoe klein ook. Zet bij elk: wat deed ik zelf?",
            "Write down three things that went well today, however small. Add to each: what was my part?",
        ),
        life_area_codes=["mental_health"],
        met24_domain_codes=["emotions", "attention"],
        function_affinity={"Fi": 0.6, "Fe": 0.6, "Si": 0.5},
    ),
    _item(
        "empty-the-head",
        "exercise",
        10,
        ("Hoofd leegmaken", "Empty the head"),
        (
            "Zet een wekker op acht minuten. Schrijf alles op wat aandacht vraagt. Kies er daarna één.",
            "Set a timer to eight minutes. Write down all that asks for attention. Then choose one.",
        ),
        life_area_codes=["mental_health", "work"],
        met24_domain_codes=["attention", "time"],
        function_affinity={"Te": 0.7, "Ti": 0.5},
    ),
    _item(
        "wish-obstacle-plan",
        "exercise",
        15,
        ("Wens, hindernis, plan", "Wish, obstacle, plan"),
        (
            "Noem een wens voor deze week. Stel je voor dat het lukt. Wat in jezelf zit in de weg? Maak een "
            "afspraak: als dat gebeurt, dan doe ik dit.",
            "Name a wish for this week. Imagine it works out. What in yourself stands in the way? Make a "
            "pact: when that happens, I do this.",
        ),
        difficulty=2,
        life_area_codes=["growth"],
        met24_domain_codes=["direction", "resilience"],
        function_affinity={"Ni": 0.6, "Te": 0.6},
    ),
    _item(
        "breathe-slowly",
        "practice",
        3,
        ("Langzaam ademen", "Breathe slowly"),
        (
            "Adem vier tellen in en zes tellen uit. Doe dat tien keer. Duizelig? Stop en adem gewoon.",
            "Breathe in for four counts and out for six. Do it ten times. Dizzy? Stop and breathe as usual.",
        ),
        life_area_codes=["physical_health", "mental_health"],
        met24_domain_codes=["body_care", "resilience"],
        function_affinity={"Se": 0.5, "Si": 0.5},
    ),
    _item(
        "walk-without-phone",
        "practice",
        20,
        ("Wandelen zonder telefoon", "Walk without a phone"),
        (
            "Loop twintig minuten zonder telefoon. Noem onderweg vijf dingen die je nog niet had gezien.",
            "Walk for twenty minutes without a phone. Name five things on the way that you had not seen yet.",
        ),
        life_area_codes=["physical_health", "leisure"],
        met24_domain_codes=["movement", "nature", "digital_life"],
        function_affinity={"Se": 0.8, "Ne": 0.4},
    ),
    _item(
        "message-an-old-friend",
        "prompt",
        5,
        ("Een oude vriend", "An old friend"),
        (
            "Wie heb je te lang niet gesproken? Schrijf wat je zou willen zeggen. Sturen mag.",
            "Whom have you not spoken to for too long? Write what you would like to say. You may send it.",
        ),
        life_area_codes=["social"],
        met24_domain_codes=["friendship"],
        function_affinity={"Fe": 0.7},
    ),
    _item(
        "what-i-stand-for",
        "prompt",
        10,
        ("Waar sta ik voor?", "What do I stand for?"),
        (
            "Beschrijf een moment waarop je trots was. Welke waarde zat daarin?",
            "Describe a moment you were proud of. Which value was in it?",
        ),
        difficulty=2,
        life_area_codes=["meaning", "growth"],
        met24_domain_codes=["values", "direction"],
        function_affinity={"Fi": 0.8, "Ni": 0.4},
    ),
    _item(
        "first-week",
        "path",
        58,
        ("De eerste week", "The first week"),
        (
            "Zes kleine stappen voor zes dagen; de zevende dag is vrij.",
            "Six small steps for six days; the last day is free.",
        ),
        member_slugs=[
            "three-good-things",
            "empty-the-head",
            "breathe-slowly",
            "walk-without-phone",
            "message-an-old-friend",
            "wish-obstacle-plan",
        ],
    ),
)
