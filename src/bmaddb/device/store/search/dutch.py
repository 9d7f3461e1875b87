"""How Dutch spells a word before -en and -e (maan, manen; les, lessen; grens, grenzen; groot, grote); verbs in -eren.

Rules of this room: forwards and exactly. From plat follows platten and from plaat platen, so the two never meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from bmaddb.device.store.search.irregular import ADJECTIVES

LETTERS_MIN: Final = 3
_PLAIN: Final = re.compile(r"(?:[^aeiouy]|[eio]e|[aeou]i)$")
"""What takes the ending as it is: a consonant, zee, knie, ooi."""
_VOWELS: Final = "aeiouy"
_SOFT: Final = {"f": "v", "s": "z"}
_LONG: Final = re.compile(r"(.*)(aa|ee|oo|uu)([bcdfgklmnprst])")
_SHORT: Final = re.compile(r"(?:.*[^aeiouy])?[aeiou]([bcdfgklmnprst])")
_VERB: Final = re.compile(r"[a-z]*[aeiouy][a-z]*[bcdfgklmnprstvz]eren")
_VERB_FORM: Final = re.compile(r"([a-z]+)eer(?:t|d|de|den)?")
_ADJECTIVE_ENDS: Final = ("loos", "zaam", "baar", "aal", "eel", "ief", "ieus")
_ADJECTIVE_LETTERS_MIN: Final = 6


def inflected(word: str) -> frozenset[str]:
    """What `word` becomes with an ending before which its spelling may change."""
    if len(word) < LETTERS_MIN or not word.isascii():
        return frozenset()
    found = {f"{spelt}en" for spelt in _opened(word)}
    if word in ADJECTIVES or (len(word) >= _ADJECTIVE_LETTERS_MIN and word.endswith(_ADJECTIVE_ENDS)):
        found |= {spelt + end for spelt in _opened(word) for end in ("e", "er", "ere")} | {f"{word}st", f"{word}ste"}
    if _VERB.fullmatch(word) is not None:
        found |= {f"{word[:-4]}eer{end}" for end in ("", "t", "de", "den")} | {f"ge{word[:-4]}eerd"}
    return frozenset(found)


def uninflected(word: str) -> frozenset[str]:
    """The words that become `word`."""
    bases = {word.removesuffix(end) for end in ("en", "e", "er", "ere", "st", "ste") if word.endswith(end)}
    found = {one for base in bases for one in _closed(base)}
    if (verb := _VERB_FORM.fullmatch(word)) is not None:
        found |= {f"{verb[1]}eren", f"{verb[1].removeprefix('ge')}eren"}
    return frozenset(one for one in found if word in inflected(one))


def _opened(word: str) -> Iterator[str]:
    """Before a vowel; f and s become v and z after what is long, and mostly, but not always (paragrafen)."""
    long, last = _LONG.fullmatch(word), word[-1]
    if long is not None:
        start = long[1] + long[2][0]
        yield start + last
        if last in _SOFT:
            yield start + _SOFT[last]
        return
    if _SHORT.fullmatch(word) is not None:
        yield word + last
        return
    if _PLAIN.search(word) is not None:
        yield word
    if last in _SOFT:
        yield word[:-1] + _SOFT[last]


def _closed(base: str) -> Iterator[str]:
    """How what is `base` before a vowel may end without one."""
    if not base:
        return
    hard = [base[:-1] + voiceless for voiceless, voiced in _SOFT.items() if base[-1] == voiced]
    for spelt in (base, *hard):
        yield spelt
        yield spelt[:-1]
        if len(spelt) > 1 and spelt[-2] in _VOWELS:
            yield spelt[:-1] + spelt[-2] + spelt[-1]
