"""Two frameworks of domains: met-2.4 (names only, the default) and life24 (ours, secular).

A framework has as many domains as it has rows here; no code knows a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Rows = tuple[Mapping[str, Any], ...]
MET: Final = "met-2.4@1.0"
LIFE: Final = "life24@1.0"

DOMAIN_FRAMEWORKS: Final[Rows] = (
    {
        "id": MET,
        "code": "met-2.4",
        "version": "1.0",
        "title_i18n": {"nl": "Meta-Emanatietheorie 2.4", "en": "Meta Emanation Theory 2.4"},
        "author": None,
        "licence": "names only; the theory belongs to its author",
        "score_min": 0.0,
        "score_max": 100.0,
        "is_default": True,
    },
    {
        "id": LIFE,
        "code": "life24",
        "version": "1.0",
        "title_i18n": {"nl": "Levensdomeinen", "en": "Domains of life"},
        "author": "bmaddb",
        "licence": "Apache-2.0",
        "score_min": 0.0,
        "score_max": 100.0,
        "is_default": False,
    },
)

# code, nl, en, level
_MET_DOMAINS: Final = (
    ("source", "De Bron", "The Source", "transcendent"),
    ("universal_cosmic", "Universeel-kosmisch", "Universal-cosmic", "fundamental"),
    ("local_cosmic", "Lokaal-kosmisch", "Local-cosmic", "fundamental"),
    ("soul", "Ziel", "Soul", "advanced"),
    ("psychological", "Psychologisch", "Psychological", "applied"),
    ("biological", "Biologisch", "Biological", "applied"),
    ("outer_environment", "Omgeving", "Outer environment", "applied"),
)

# cluster, then per domain: code, name (nl, en), a question to start with (nl, en)
_LIFE_CLUSTERS: Final = (
    (
        ("body", "Lichaam", "Body"),
        (
            ("sleep", "Slaap", "Sleep", "Hoe slaap je deze week?", "How do you sleep this week?"),
            ("movement", "Beweging", "Movement", "Wat bewoog je vandaag?", "What moved you today?"),
            ("nutrition", "Voeding", "Nutrition", "Wat voedt je?", "What feeds you?"),
            ("body_care", "Lijfelijke zorg", "Body care", "Wat vraagt je lijf?", "What does your body ask?"),
        ),
    ),
    (
        ("mind", "Geest", "Mind"),
        (
            ("emotions", "Gevoelens", "Emotions", "Wat voel je nu?", "What do you feel now?"),
            ("resilience", "Veerkracht", "Resilience", "Wat hield je overeind?", "What kept you standing?"),
            ("attention", "Aandacht", "Attention", "Waar ging je aandacht heen?", "Where did your mind go?"),
            ("learning", "Leren", "Learning", "Wat leerde je?", "What did you learn?"),
        ),
    ),
    (
        ("connection", "Verbinding", "Connection"),
        (
            ("love", "Liefde", "Love", "Bij wie voel je je thuis?", "With whom do you feel at home?"),
            ("family", "Gezin", "Family", "Wie thuis heeft je nodig?", "Who at home needs you?"),
            (
                "friendship",
                "Vriendschap",
                "Friendship",
                "Wie wil je spreken?",
                "Whom do you want to talk to?",
            ),
            ("community", "Gemeenschap", "Community", "Waar hoor je bij?", "Where do you belong?"),
        ),
    ),
    (
        ("means", "Werk en middelen", "Work and means"),
        (
            ("career", "Loopbaan", "Career", "Waar werk je naartoe?", "What are you working towards?"),
            ("craft", "Vakmanschap", "Craft", "Waarin word je beter?", "What are you getting better at?"),
            ("money", "Geld", "Money", "Wat geeft je financieel rust?", "What gives you peace about money?"),
            ("time", "Tijd", "Time", "Waar ging je tijd heen?", "Where did your time go?"),
        ),
    ),
    (
        ("surroundings", "Omgeving", "Surroundings"),
        (
            ("home", "Thuis", "Home", "Wat maakt je huis een thuis?", "What makes your house a home?"),
            ("nature", "Natuur", "Nature", "Wanneer was je buiten?", "When were you outside?"),
            (
                "digital_life",
                "Digitaal leven",
                "Digital life",
                "Wat geven schermen je?",
                "What do screens give you?",
            ),
            ("safety", "Veiligheid", "Safety", "Waar voel je je veilig?", "Where do you feel safe?"),
        ),
    ),
    (
        ("meaning", "Zin", "Meaning"),
        (
            ("values", "Waarden", "Values", "Waar sta je voor?", "What do you stand for?"),
            ("direction", "Richting", "Direction", "Waar wil je heen?", "Where do you want to go?"),
            ("creativity", "Creativiteit", "Creativity", "Wat wil je maken?", "What do you want to make?"),
            ("worldview", "Levensbeschouwing", "Worldview", "Waar vertrouw je op?", "What do you trust in?"),
        ),
    ),
)
_HEALTH: Final = frozenset({"sleep", "movement", "nutrition", "body_care", "emotions", "resilience"})
_BELIEF: Final = frozenset({"values", "worldview"})

# from, relation, to, strength; a balance counts in both directions
_LIFE_RELATIONS: Final = (
    ("career", "balances", "sleep", 0.5),
    ("community", "balances", "values", 0.5),
    ("time", "balances", "creativity", 0.5),
    ("digital_life", "balances", "nature", 0.5),
    ("sleep", "influences", "resilience", 0.8),
    ("movement", "influences", "emotions", 0.7),
    ("money", "influences", "safety", 0.7),
)


def _domain(framework: str, number: int, code: str, nl: str, en: str) -> dict[str, Any]:
    return {
        "id": f"{framework}/{code}",
        "framework_id": framework,
        "domain_number": number,
        "code": code,
        "name_i18n": {"nl": nl, "en": en},
    }


_MET_ROWS: Final[Rows] = tuple(
    _domain(MET, number, code, nl, en) | {"level_code": level, "belief_related": True}
    for number, (code, nl, en, level) in enumerate(_MET_DOMAINS, start=1)
)
_LIFE_ROWS: Final[Rows] = tuple(
    _domain(LIFE, number, code, nl, en)
    | {
        "cluster_code": cluster,
        "prompts_i18n": {"nl": [ask_nl], "en": [ask_en]},
        "belief_related": code in _BELIEF,
        "health_related": code in _HEALTH,
    }
    for number, (cluster, (code, nl, en, ask_nl, ask_en)) in enumerate(
        ((cluster[0], domain) for cluster, domains in _LIFE_CLUSTERS for domain in domains), start=1
    )
)

DOMAINS: Final[Rows] = _MET_ROWS + _LIFE_ROWS
DOMAIN_RELATIONS: Final[Rows] = tuple(
    {
        "id": f"{LIFE}/{source}>{relation}>{LIFE}/{target}",
        "from_domain_id": f"{LIFE}/{source}",
        "to_domain_id": f"{LIFE}/{target}",
        "relation": relation,
        "strength": strength,
    }
    for source, relation, target, strength in _LIFE_RELATIONS
)
DOMAIN_CLUSTERS: Final[Rows] = tuple(
    {"framework_id": LIFE, "code": code, "name_i18n": {"nl": nl, "en": en}} for (code, nl, en), _ in _LIFE_CLUSTERS
)
