"""Three-way merge of texts: by line, and where both changed the same lines, by word.

What each side did to the base is a list of edits. Edits that do not touch are all made. Whole lines that both
added at one place are all kept, the older side's first. Where both changed the same words the newer side's
stand, and the caller is told, so that the other version can be kept beside.

Rules of this room: swapping the sides gives the same text; the cost is bounded. A stretch of lines (or words)
between two that occur once on both sides is compared with difflib when it has at most UNITS_MAX of them, and
COMPARED_MAX of them in all; a longer one counts as changed as a whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TypeAlias

UNITS_MAX = 200
COMPARED_MAX = 20_000
_WORD = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class MergedText:
    """`overlap`: both sides changed the same words, and only the newer side's are in the text."""

    text: str
    overlap: bool


@dataclass(frozen=True, slots=True)
class _Edit:
    """Base units `start` to `end` became `units`."""

    start: int
    end: int
    units: Sequence[str]


@dataclass(slots=True)
class _Region:
    """A stretch of the base that at least one side changed."""

    start: int
    end: int
    older: list[_Edit]
    newer: list[_Edit]

    def touches(self, edit: _Edit) -> bool:
        """Do the two change the same units, or add at the same place?"""
        if edit.start == edit.end and self.start == self.end:
            return edit.start == self.start
        return edit.start < self.end


_Settled: TypeAlias = tuple[list[str], bool]
_Resolve: TypeAlias = Callable[[Sequence[str], list[str], list[str]], _Settled]


def merge_text(base: str, older: str, newer: str) -> MergedText:
    """What both sides made of `base`, in one text; `newer` is the side with the newer stamp."""
    lines, overlap = _Merge().lines(_lines(base), _lines(older), _lines(newer))
    return MergedText("\n".join(lines), overlap)


class _Merge:
    """The merge of one text: what it may still spend on comparing."""

    def __init__(self) -> None:
        self._left = COMPARED_MAX

    def lines(self, base: Sequence[str], older: Sequence[str], newer: Sequence[str]) -> _Settled:
        return self._merged(base, older, newer, self._resolve_lines)

    def _merged(self, base: Sequence[str], older: Sequence[str], newer: Sequence[str], resolve: _Resolve) -> _Settled:
        units: list[str] = []
        overlap = False
        done = 0
        for region in _regions(self._edits(base, older), self._edits(base, newer)):
            units += base[done : region.start]
            done = region.end
            before = _applied(base, region, region.older)
            after = _applied(base, region, region.newer)
            if not region.newer or before == after:
                units += before
            elif not region.older:
                units += after
            else:
                both, clash = resolve(base[region.start : region.end], before, after)
                units += both
                overlap = overlap or clash
        units += base[done:]
        return units, overlap

    def _resolve_lines(self, base: Sequence[str], older: list[str], newer: list[str]) -> _Settled:
        if not "".join(base).strip():  # whole lines were added, or written where a blank one was
            same = _common_start(older, newer)
            return [*older, *newer[same:]], False
        if not older or not newer:
            return newer, True
        words, clash = self._merged(_words(base), _words(older), _words(newer), _resolve_words)
        return [_sentence(words)], clash

    def _edits(self, base: Sequence[str], side: Sequence[str]) -> list[_Edit]:
        """What turns `base` into `side`, in order, no two adjacent."""
        start = _common_start(base, side)
        room = min(len(base), len(side)) - start
        end = next((n for n in range(room) if base[-1 - n] != side[-1 - n]), room)
        found: list[_Edit] = []
        i = j = start
        for anchor_i, anchor_j in [*_anchors(base, side, start, end), (len(base) - end, len(side) - end)]:
            found += self._differences(base[i:anchor_i], side[j:anchor_j], i)
            i, j = anchor_i + 1, anchor_j + 1
        return _joined(found)

    def _differences(self, base: Sequence[str], side: Sequence[str], offset: int) -> Iterator[_Edit]:
        if not base and not side:
            return
        longest = max(len(base), len(side))
        if longest > min(UNITS_MAX, self._left) or not base or not side:
            yield _Edit(offset, offset + len(base), side)
            return
        self._left -= longest
        for word, i1, i2, j1, j2 in SequenceMatcher(None, base, side, autojunk=False).get_opcodes():
            if word != "equal":
                yield _Edit(offset + i1, offset + i2, side[j1:j2])


def _resolve_words(_base: Sequence[str], _older: list[str], newer: list[str]) -> _Settled:
    return newer, True


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _sentence(words: Sequence[str]) -> str:
    """The words joined; two that met only in the merge get a space between."""
    spaced = [word if word[-1].isspace() else f"{word} " for word in words[:-1]]
    return "".join([*spaced, *words[-1:]])


def _words(lines: Sequence[str]) -> list[str]:
    return _WORD.findall("\n".join(lines))


def _regions(older: list[_Edit], newer: list[_Edit]) -> Iterator[_Region]:
    """The edits of both sides in the order of the base; those that touch are one region."""
    waiting = sorted(
        [(edit.start, edit.end, 0, edit) for edit in older] + [(edit.start, edit.end, 1, edit) for edit in newer],
        key=lambda item: item[:3],
    )
    region: _Region | None = None
    for start, end, side, edit in waiting:
        if region is None or not region.touches(edit):
            if region is not None:
                yield region
            region = _Region(start, end, [], [])
        region.end = max(region.end, end)
        (region.newer if side else region.older).append(edit)
    if region is not None:
        yield region


def _applied(base: Sequence[str], region: _Region, edits: Sequence[_Edit]) -> list[str]:
    """The region as one side has it."""
    units: list[str] = []
    done = region.start
    for edit in edits:
        units += [*base[done : edit.start], *edit.units]
        done = edit.end
    return [*units, *base[done : region.end]]


def _joined(edits: Sequence[_Edit]) -> list[_Edit]:
    joined: list[_Edit] = []
    for edit in edits:
        if joined and joined[-1].end == edit.start:
            edit = _Edit(joined[-1].start, edit.end, [*joined.pop().units, *edit.units])
        joined.append(edit)
    return joined


def _anchors(base: Sequence[str], side: Sequence[str], start: int, end: int) -> list[tuple[int, int]]:
    """Units that occur once on both sides, in the longest row that rises on both (patience)."""
    mine, other = Counter(base[start : len(base) - end]), Counter(side[start : len(side) - end])
    places = {side[j]: j for j in range(start, len(side) - end) if other[side[j]] == 1}
    pairs = [(i, places[base[i]]) for i in range(start, len(base) - end) if mine[base[i]] == 1 and base[i] in places]
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        tops[pile : pile + 1] = [j]
        before.append(piles[pile - 1] if pile else -1)
        piles[pile : pile + 1] = [number]
    row: list[tuple[int, int]] = []
    at = piles[-1] if piles else -1
    while at >= 0:
        row.append(pairs[at])
        at = before[at]
    return row[::-1]


def _common_start(one: Sequence[str], other: Sequence[str]) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
