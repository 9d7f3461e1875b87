"""The questionnaires that may be used. The items on type preference are ours and validated by nobody.

They give a preference to talk about, not a measurement; an application must say so where it shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# axis, sign of agreement on that axis (+ is E, N, T, J), nl, en
_PREFERENCE_ITEMS: Final = (
    ("ei", 1, "Van veel mensen om me heen word ik wakker.", "Many people around me wake me up."),
    ("ei", 1, "Ik denk het best al pratend.", "I think best while talking."),
    ("ei", -1, "Na een feest moet ik alleen bijkomen.", "After a party I need to recover alone."),
    ("ei", -1, "Ik hou mijn gedachten eerst voor mezelf.", "I keep my thoughts to myself at first."),
    ("sn", 1, "Ik zie sneller wat het kan worden dan wat het is.", "I see what it may be before what it is."),
    ("sn", 1, "Ik hou van ideeën zonder direct nut.", "I like ideas without immediate use."),
    ("sn", -1, "Ik onthoud vooral hoe het precies was.", "I mostly remember exactly how it was."),
    ("sn", -1, "Ik vertrouw op wat zich bewezen heeft.", "I trust what has proved itself."),
    ("tf", 1, "Bij een keuze weeg ik argumenten eerst.", "With a choice I weigh arguments first."),
    ("tf", 1, "Kritiek hoor ik liever recht op de man af.", "I prefer criticism straight out."),
    (
        "tf",
        -1,
        "Bij een keuze denk ik eerst aan wie het raakt.",
        "With a choice I first think of whom it touches.",
    ),
    ("tf", -1, "Harmonie is me meer waard dan gelijk.", "Harmony is worth more to me than being right."),
    ("jp", 1, "Ik begin de dag graag met een plan.", "I like to start the day with a plan."),
    ("jp", 1, "Iets openlaten maakt me onrustig.", "Leaving things open makes me restless."),
    ("jp", -1, "Op het laatste moment werk ik het best.", "I work best at the last moment."),
    ("jp", -1, "Ik verander met gemak van plan.", "I change plans with ease."),
)

INSTRUMENTS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "code": "preference-sketch",
        "version": "1",
        "measures": "type preference",
        "licence": "Apache-2.0",
        "validated": False,
        "scale": "likert5",
        "title_i18n": {"nl": "Schets van voorkeuren", "en": "Sketch of preferences"},
        "items": [
            {"axis": axis, "sign": sign, "text_i18n": {"nl": nl, "en": en}} for axis, sign, nl, en in _PREFERENCE_ITEMS
        ],
    },
    {
        "code": "wheel-full",
        "version": "1",
        "measures": "life areas",
        "licence": "Apache-2.0",
        "validated": False,
        "scale": "likert5",
        "title_i18n": {"nl": "De volledige wielmeting", "en": "The full wheel check"},
        "items_table": "life_area_questions",
    },
)
