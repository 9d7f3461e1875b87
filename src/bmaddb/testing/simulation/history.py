"""What was done, by whom, on top of what: the memory of the oracle.

Rules of this room: it knows nothing of how sync works. A deed is certain when its commit returned, a maybe when
nobody can know (a crash at the commit, an entry that was refused), void when it did not happen.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

RowKey = tuple[str, str, str]
"""User, table, id."""


class Certainty(enum.StrEnum):
    """Did it happen?"""

    CERTAIN = "certain"
    MAYBE = "maybe"
    VOID = "void"


class Deed(enum.StrEnum):
    """What was done to a row."""

    INSERT = "insert"
    SET = "set"
    ADD = "add"
    """To a counter (`new` is by how much), a set (`new` is the member), or a text (`new` is the word)."""
    REMOVE = "remove"
    DELETE = "delete"


@dataclass(slots=True, kw_only=True, eq=False)
class Act:
    """One deed on one column (or the row, `column` None). `prev`: what stood there before the eyes of `by`."""

    by: str
    key: RowKey
    deed: Deed
    column: str | None = None
    prev: Any = None
    new: Any = None
    certainty: Certainty = Certainty.CERTAIN
    entry: str | None = None
    at_ms: int | None = None
    """When it was done, by the one true clock; None for what an operator does."""


@dataclass(slots=True)
class RowStory:
    """Everything done to one row, in the order it was done."""

    acts: list[Act] = field(default_factory=list)

    def of(self, *deeds: Deed, column: str | None = None) -> Iterator[Act]:
        """The acts of these kinds, on `column` when it is named."""
        for act in self.acts:
            if act.deed in deeds and (column is None or act.column == column):
                yield act

    @property
    def inserted(self) -> bool:
        """Was it certainly made?"""
        return any(act.certainty is Certainty.CERTAIN for act in self.of(Deed.INSERT))

    @property
    def deleted(self) -> bool:
        """Did anybody delete it, as far as one can know?"""
        return any(True for _ in self.of(Deed.DELETE))

    @property
    def came_back(self) -> bool:
        """Was it made again after a delete (moved away and back by an operator)?"""
        deeds = [act.deed for act in self.of(Deed.INSERT, Deed.DELETE)]
        return Deed.DELETE in deeds and Deed.INSERT in deeds[deeds.index(Deed.DELETE) :]

    @property
    def editors(self) -> set[str]:
        """Who did anything but delete it."""
        return {act.by for act in self.acts if act.deed is not Deed.DELETE}


class History:
    """All deeds of a run, by row."""

    def __init__(self) -> None:
        self.rows: dict[RowKey, RowStory] = {}
        self.clocks_are_true = True
        """Did every device have the right time during the whole run?"""
        self.restored = False
        """Was a backup restored? What devices give back carries no stamps, so which of two is newer is a guess."""
        self._by_entry: dict[str, list[Act]] = {}

    def tell(self, acts: Iterable[Act], *, entry: str | None = None) -> None:
        """These happened (or maybe happened), in one transaction that became `entry`."""
        for act in acts:
            act.entry = entry
            self.rows.setdefault(act.key, RowStory()).acts.append(act)
            if entry is not None:
                self._by_entry.setdefault(entry, []).append(act)

    def undo(self, acts: Iterable[Act]) -> None:
        """These did not happen after all: their commit went with the power, and nobody else had seen it."""
        for act in acts:
            story = self.rows[act.key]
            story.acts.remove(act)
            if not story.acts:
                del self.rows[act.key]
            if act.entry is not None:
                self._by_entry[act.entry].remove(act)

    def of_entry(self, entry: str) -> list[Act]:
        """What one entry did."""
        return self._by_entry.get(entry, [])

    def give_up(self, entry: str) -> None:
        """A person discarded the entry: what it did may have been undone, or may have lived on in a merge."""
        for act in self.of_entry(entry):
            act.certainty = Certainty.MAYBE

    def give_up_rows(self, entries: Iterable[str], ids: Collection[str]) -> None:
        """What these entries did to rows with these ids went along with one that was discarded, or may have."""
        for entry in entries:
            for act in self.of_entry(entry):
                if act.key[2] in ids:
                    act.certainty = Certainty.MAYBE
