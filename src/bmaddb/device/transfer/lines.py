"""What a source gives: lines, each with the rows it stands for, and the place after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from bmaddb.schema.records import Record

LINE_BYTES_MAX: Final = 15 * 1024 * 1024
"""What one line holds must fit into one push."""
Name: TypeAlias = tuple[str, str]
"""Of a row: its table and its id."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row to be: column -> Python value, or with `whole` what SQLite holds, every column of the table."""

    record: type[Record]
    values: Mapping[str, Any]
    whole: bool = False
    once: bool = False
    """One that is there is left as it is."""
    follows: frozenset[str] | None = None
    """Of a row that is there only these columns are brought up; None: all."""
    beside: tuple[type[Record], str] | None = None
    """Only for a row that is new: when this one is there, this row is not needed."""
    source_hash: str | None = None
    """Of the bytes it was made of, where their time says little."""


class Aside(NamedTuple):
    """What is not brought in, of a kind of thing, by name."""

    what: str
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """`number` from 1 on; it begins at `at`, the next at `after`. Either rows or a `problem`."""

    number: int
    at: int
    after: int
    rows: tuple[Row, ...] = ()
    problem: str | None = None
    aside: tuple[Aside, ...] = ()
    """What the rows leave out, or all of it where there are none."""


class Source(Protocol):
    """Something to import from. A place is a number that grows; bytes, or files of a folder."""

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> str:
        """Another for other content: a place of one source means nothing in another."""
        ...

    @property
    def total(self) -> int: ...
    def lines(self, at: int, number: int) -> Iterator[Line]:
        """The lines from place `at` on, which is line `number`."""
        ...
