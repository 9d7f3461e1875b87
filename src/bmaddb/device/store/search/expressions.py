"""The FTS5 expression of a wish, with the inflections that stand in the index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import apsw

from bmaddb import statements
from bmaddb.device.store.search.stems import beginnings, same_word, spelt_otherwise
from bmaddb.device.store.search.words import Part, wish

INFLECTIONS_MAX: Final = 500
"""Of one word; no word has that many."""
_LAST: Final = chr(0x10FFFF)
_SQL: Final = statements.load("bmaddb.device.store.search", "search.sql")


def expression_of(text: str, connection: apsw.Connection) -> str:
    """What FTS5 is asked for a person's words."""
    return " AND ".join(_written(part, connection) for part in wish(text))


def _written(part: Part, connection: apsw.Connection) -> str:
    """Every word in quotes: to FTS5 it is a word then, whatever it spells."""
    if part.inflected:
        return f"({' OR '.join(_quoted(word) for word in _inflections(part.words[0], connection))})"
    return _quoted(" ".join(part.words)) + (" *" if part.open else "")


def _quoted(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _inflections(word: str, connection: apsw.Connection) -> list[str]:
    found = {word, *spelt_otherwise(word)}
    for term in _terms(word, connection):
        if len(found) < INFLECTIONS_MAX and same_word(word, term):
            found.add(term)
    return sorted(found)


def _terms(word: str, connection: apsw.Connection) -> Iterator[str]:
    for letters in beginnings(word):
        for (term,) in connection.execute(_SQL["terms_between"], (letters, letters + _LAST)):
            yield term
