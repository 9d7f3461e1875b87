"""What an import did, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """What could not be taken: the number of its line (or entry, or file) from 1 on, and why."""

    source: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAside:
    """What is not brought in though nothing is wrong with it: a kind of thing, how many, and the first names."""

    what: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Rows by what became of them. `bad` holds the first of `bad_lines`.

    `resumed`: an earlier run had begun, and what became of its rows is counted here too. Where one of those is gone
    by now, all is looked at again, and what is here counts as `same`.
    """

    added: int
    updated: int
    same: int
    kept: int
    """Newer in the file of the device than in what was imported, or archived there: left alone."""
    bad_lines: int
    bad: tuple[BadLine, ...]
    resumed: bool
    left_aside: tuple[LeftAside, ...] = ()
    """Photos, files that are no notes, fields without a column: each kind once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """So far: lines read, and the place in the source of `total` (bytes; files of a folder)."""

    source: str
    lines: int
    done: int
    total: int


TellProgress: TypeAlias = Callable[[Progress], None]
