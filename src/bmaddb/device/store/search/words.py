"""What a person looks for: words, "phrases", beginnings* . Any text means something; nothing is an error.

The grammar: all parts must be found, each within one column. A word finds its inflections, Dutch and English;
what stands in quotes is found as it is written, in that order; a `*` at the end of a word or phrase leaves
its last word open. Everything else separates words.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from bmaddb.device.store.search.stems import same_word, stems
from bmaddb.schema.sqlite_ddl_search import TOKENIZER

PARTS_MAX: Final = 32
"""Further ones are not looked for."""
TEXT_CHARS_MAX: Final = 4000
WISHES_CACHED_MAX: Final = 64
_PART: Final = re.compile(r'"([^"]*)(?:"(\*)?|$)|([^\s"]+)')


class Token(NamedTuple):
    """A word of a text as the index knows it, and where it stands: offsets in the UTF-8 bytes."""

    start: int
    end: int
    word: str


class Part(msgspec.Struct, frozen=True):
    """Neighbouring words; the last one may be open, a single one may be inflected."""

    words: tuple[str, ...]
    open: bool
    inflected: bool

    def at(self, words: Sequence[str]) -> Iterator[int]:
        """The places in `words` where the part begins."""
        size = len(self.words)
        for place in range(len(words) - size + 1):
            if self._fits(words[place : place + size]):
                yield place

    def _fits(self, words: Sequence[str]) -> bool:
        if self.inflected:
            return same_word(self.words[0], words[0])
        *first, last = self.words
        return list(words[:-1]) == first and (words[-1].startswith(last) if self.open else words[-1] == last)


class _Here(threading.local):
    """SQLite's own tokenizer, one for each thread, on a connection to nothing."""

    tokenizer: apsw.FTS5Tokenizer | None = None


_here: Final = _Here()


def tokens(text: str) -> list[Token]:
    """The words of `text`, as FTS5 would index them."""
    tokenizer = _here.tokenizer
    if tokenizer is None:
        name, *options = TOKENIZER
        tokenizer = _here.tokenizer = apsw.Connection(":memory:").fts5_tokenizer(name, options)
    found: Any = tokenizer(encodable(text).encode(), apsw.FTS5_TOKENIZE_DOCUMENT, None)
    return [Token(start, end, word) for start, end, word in found]


def encodable(text: str) -> str:
    """`text` with a question mark for what is no character (half a surrogate pair)."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=WISHES_CACHED_MAX)
def wish(text: str) -> tuple[Part, ...]:
    """The parts a person asks for; none when `text` holds no word."""
    parts: list[Part] = []
    for match in _PART.finditer(text[:TEXT_CHARS_MAX]):
        phrase, star, word = match.groups()
        if word is not None:
            part = _part(word, is_open=word.endswith("*"), quoted=False)
        else:
            part = _part(phrase, is_open=bool(star), quoted=True)
        if part and part not in parts:
            parts.append(part)
    return tuple(parts[:PARTS_MAX])


def found_in(parts: Sequence[Part], texts: Sequence[str | None]) -> bool:
    """Is every part in one of the texts?"""
    columns = [[token.word for token in tokens(text)] for text in texts if text]
    return all(any(next(part.at(words), None) is not None for words in columns) for part in parts)


def _part(text: str, *, is_open: bool, quoted: bool) -> Part | None:
    words = tuple(token.word for token in tokens(text))
    if not words:
        return None
    return Part(words, is_open, inflected=not quoted and not is_open and len(words) == 1 and bool(stems(words[0])))
