"""The instructions a model gets, versioned, one row per language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_VERSION: Final = 1
# code, purpose, variables, nl, en, most tokens of an answer, temperature
_PROMPTS: Final = (
    (
        "coach-reply",
        "coach_reply",
        ("name", "tone", "intention", "recent"),
        "Je bent een coach voor {name}. Toon: {tone}. Doel van dit gesprek: {intention}. Stel één open vraag "
        "tegelijk, geef geen diagnose en geen medisch advies. Wat er gezegd is:\n{recent}",
        "You are a coach for {name}. Tone: {tone}. Purpose of this talk: {intention}. Ask one open question "
        "at a time; give no diagnosis and no medical advice. What was said:\n{recent}",
        400,
        0.7,
    ),
    (
        "journal-prompt",
        "journal_prompt",
        ("area", "mood"),
        "Geef één schrijfvraag van hoogstens twintig woorden over {area}, passend bij een stemming van {mood} op vijf.",
        "Give one writing prompt of at most twenty words about {area}, fit for a mood of {mood} out of five.",
        80,
        0.9,
    ),
    (
        "session-summary",
        "summary",
        ("transcript",),
        "Vat dit gesprek samen in hoogstens vijf zinnen: wat speelt er, wat is ontdekt, wat is afgesproken. "
        "Voeg niets toe.\n{transcript}",
        "Sum up this talk in at most five sentences: what is going on, what was found, what was agreed. Add "
        "nothing.\n{transcript}",
        300,
        0.2,
    ),
    (
        "safety-check",
        "safety_check",
        ("message",),
        "Antwoord met één woord: none, distress of crisis. Kies bij twijfel het ernstigste. Bericht:\n{message}",
        "Answer with one word: none, distress or crisis. When in doubt choose the gravest. Message:\n{message}",
        5,
        0.0,
    ),
)

PROMPT_TEMPLATES: Final[tuple[Mapping[str, Any], ...]] = tuple(
    {
        "id": f"{code}.{locale}@{_VERSION}",
        "code": code,
        "version": _VERSION,
        "purpose": purpose,
        "locale": locale,
        "template": template,
        "variables": list(variables),
        "max_tokens": max_tokens,
        "temperature": temperature,
        "active": True,
    }
    for code, purpose, variables, nl, en, max_tokens, temperature in _PROMPTS
    for locale, template in (("nl", nl), ("en", en))
)
