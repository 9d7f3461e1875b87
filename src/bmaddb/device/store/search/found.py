"""A found row: how well it fits, and the words around the place where it does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec

from bmaddb.device.store.search.words import Part, Token, tokens
from bmaddb.schema.records import Record
from bmaddb.schema.tables import Table

R = TypeVar("R", bound=Record)
HITS_LOOKED_AT_MAX: Final = 200
"""Of one text; the best place is looked for among the first."""
_GAP: Final = "…"


class Found(msgspec.Struct, Generic[R], frozen=True):
    """A row, its score (the greater the better; comparable within one answer) and the text around the words."""

    record: R
    score: float
    snippet: str

    def __repr__(self) -> str:
        """Without the text, which does not end up in logs."""
        return f"Found(record={self.record!r}, score={self.score!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("record", self.record), ("score", self.score)]


def snippet(table: Table, row: Record, parts: Sequence[Part], marks: tuple[str, str], words: int) -> str:
    """At most `words` words of the column with the most different parts, each found one between `marks`."""
    best, best_kinds, best_text = (0, 0), -1, ""
    best_hits: dict[int, int] = {}
    best_tokens: list[Token] = []
    for name in table.options.searchable:
        text = getattr(row, name) or ""
        listed = tokens(text)
        hits = _hits(parts, [token.word for token in listed])
        window, kinds = _densest(hits, len(listed), words)
        if kinds > best_kinds:
            best, best_kinds, best_text, best_hits, best_tokens = window, kinds, text, hits, listed
    return _cut(best_text, best_tokens, best, best_hits, marks)


def _hits(parts: Sequence[Part], words: list[str]) -> dict[int, int]:
    """Place of a found word -> which part it belongs to."""
    return {
        place + offset: number
        for number, part in enumerate(parts)
        for place in part.at(words)
        for offset in range(len(part.words))
    }


def _densest(hits: dict[int, int], size: int, words: int) -> tuple[tuple[int, int], int]:
    """The window with the most different parts, the earliest of equals, and how many they are."""
    best, most = (0, min(size, words)), 0
    looked_at = sorted(hits)[:HITS_LOOKED_AT_MAX]
    for place in looked_at:
        inside = {hits[at] for at in looked_at if place <= at < place + words}
        if len(inside) > most:
            most = len(inside)
            start = max(0, min(place - 2, size - words))
            best = (start, min(size, start + words))
    return best, most


def _cut(text: str, listed: list[Token], window: tuple[int, int], hits: dict[int, int], marks: tuple[str, str]) -> str:
    first, last = window
    if not listed:
        return text[:0]
    raw = text.encode("utf-8")
    at = 0 if first == 0 else listed[first].start
    end = len(raw) if last == len(listed) else listed[last - 1].end
    pieces = [_GAP] if first else []
    for place in range(first, last):
        token = listed[place]
        word = raw[token.start : token.end].decode()
        pieces += [raw[at : token.start].decode(), f"{marks[0]}{word}{marks[1]}" if place in hits else word]
        at = token.end
    pieces += [raw[at:end].decode(), _GAP if last < len(listed) else ""]
    return "".join(pieces)
