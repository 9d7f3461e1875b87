"""Inflections: which words of the index are the same word, in Dutch or in English.

By Snowball's stemmers; by the spelling of Dutch, which they do not always follow (oog, ogen); by a list.

Rules of this room: the index holds words as they are written, so that any SQLite can open it; a word is
widened to its inflections when it is looked for.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Any, Final

import Stemmer  # type: ignore[import-not-found]  # compiled, without types

from bmaddb.device.store.search.dutch import inflected, uninflected
from bmaddb.device.store.search.irregular import KEEP_S, irregular

LANGUAGES: Final = ("dutch", "english")
STEMS_CACHED_MAX: Final = 50_000
_SHORT_STEM: Final = 4
_PARTICIPLE: Final = "ge"
"""Dutch puts it before the stem: lopen, gelopen."""
_ENGLISH: Final = (
    (re.compile(r"(.+u)s"), r"\1ses"),
    (re.compile(r"(.+u)ses"), r"\1s"),
    (re.compile(r"(.+s)is"), r"\1es"),
    (re.compile(r"(.+s)es"), r"\1is"),
    (re.compile(r"(..+[^aeiou])y"), r"\1ier \1iest"),
    (re.compile(r"(..+[^aeiou])ie(?:r|st)"), r"\1y"),
)
"""Endings its stemmer leaves as they are: bus, buses; crisis, crises; happy, happier."""


class _Here(threading.local):
    """A stemmer is not made for two threads."""

    stemmers: tuple[Any, ...] = ()


_here: Final = _Here()


@lru_cache(maxsize=STEMS_CACHED_MAX)
def stems(word: str) -> tuple[str, ...]:
    """The stem of `word` in each language; nothing for what holds a digit."""
    if not word.isalpha():
        return ()
    if word in KEEP_S:
        return (word,) * len(LANGUAGES)
    if not _here.stemmers:
        _here.stemmers = tuple(Stemmer.Stemmer(language) for language in LANGUAGES)
    return tuple(stemmer.stemWord(word) for stemmer in _here.stemmers)


@lru_cache(maxsize=STEMS_CACHED_MAX)
def beginnings(word: str) -> tuple[str, ...]:
    """How an inflection of `word` can begin. Long stems keep three letters, short ones two (loop, lopen)."""
    first = {stem[: 2 if len(stem) <= _SHORT_STEM else 3] for stem in stems(word)}
    return tuple(sorted(first | {_PARTICIPLE + letters for letters in first} | {word}))


@lru_cache(maxsize=STEMS_CACHED_MAX)
def spelt_otherwise(word: str) -> frozenset[str]:
    """Inflections of `word` that are known by their spelling, or by heart, whether or not anybody wrote them."""
    found = inflected(word) | uninflected(word) | irregular(word)
    for ending, instead in _ENGLISH:
        match = ending.fullmatch(word)
        if match is not None:
            found |= set(match.expand(instead).split())
    return found


def same_word(word: str, other: str) -> bool:
    """Is `other` an inflection of `word`, or the word itself?"""
    if word == other or other in spelt_otherwise(word):
        return True
    pairs = zip(stems(word), stems(other), strict=False)
    return any(one == two for one, two in pairs) and other.startswith(beginnings(word))
