"""Inflections: which words of the index are the same word, in Dutch or in English (Snowball's stemmers).

Rules of this room: the index holds words as they are written, so that any SQLite can open it; a word is
widened to its inflections when it is looked for.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, Final

import Stemmer  # type: ignore[import-not-found]  # compiled, without types

LANGUAGES: Final = ("dutch", "english")
STEMS_CACHED_MAX: Final = 50_000
_SHORT_STEM: Final = 4
_PARTICIPLE: Final = "ge"
"""Dutch puts it before the stem: lopen, gelopen."""


class _Here(threading.local):
    """A stemmer is not made for two threads."""

    stemmers: tuple[Any, ...] = ()


_here: Final = _Here()


@lru_cache(maxsize=STEMS_CACHED_MAX)
def stems(word: str) -> tuple[str, ...]:
    """The stem of `word` in each language; nothing for what holds a digit."""
    if not word.isalpha():
        return ()
    if not _here.stemmers:
        _here.stemmers = tuple(Stemmer.Stemmer(language) for language in LANGUAGES)
    return tuple(stemmer.stemWord(word) for stemmer in _here.stemmers)


@lru_cache(maxsize=STEMS_CACHED_MAX)
def beginnings(word: str) -> tuple[str, ...]:
    """How an inflection of `word` can begin. Long stems keep three letters, short ones two (loop, lopen)."""
    first = {stem[: 2 if len(stem) <= _SHORT_STEM else 3] for stem in stems(word)}
    return tuple(sorted(first | {_PARTICIPLE + letters for letters in first} | {word}))


def same_word(word: str, other: str) -> bool:
    """Is `other` an inflection of `word`, or the word itself?"""
    if word == other:
        return True
    pairs = zip(stems(word), stems(other), strict=False)
    return any(one == two for one, two in pairs) and other.startswith(beginnings(word))
