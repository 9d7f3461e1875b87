"""What every peer is asked to do, and how it is asked."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

Level: TypeAlias = Literal["FULL", "NORMAL"]
Given: TypeAlias = dict[str, Any]
Totals: TypeAlias = list[int]
"""Rows, and of them the sums of `estimate_min` and `priority`, and how many were changed: equal for every peer."""
PARTS = 6
"""Single transactions are done in parts, each peer in turn: a disk is not as fast now as it was a second ago."""
LIMIT = 50
WATCHED = 20
"""Rows at the head of the live list that are written to in turn."""
SINCE = "2026-03-01"


class Work(enum.StrEnum):
    """One kind of work; the value is the name of a peer's method, in Python and in JavaScript."""

    INSERT_MANY = "insert_many"
    INSERT_SINGLY = "insert_singly"
    READ = "read"
    LISTING = "listing"
    UPDATE = "update"
    OBSERVE = "observe"
    PULL = "pull"


READS = (Work.READ, Work.LISTING)
"""Counted in processor time: nothing in them waits for a disk. The rest is counted by the clock."""
WRITES = (Work.INSERT_MANY, Work.INSERT_SINGLY, Work.UPDATE)
IN_PARTS = (Work.INSERT_SINGLY, Work.UPDATE)
ON_FILLED = (Work.INSERT_MANY, Work.INSERT_SINGLY, Work.READ, Work.LISTING, Work.UPDATE, Work.OBSERVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much of each."""

    many: int = 10_000
    singly: int = 300
    reads: int = 400
    updates: int = 300
    observed: int = 100
    pulled: int = 100_000
    page: int = 5_000

    def given(self, work: Work, pages: Pulled | None, part: int = 0) -> Given:
        """What a peer is told about `work`, or about one of its PARTS."""
        singly = self.singly // PARTS
        told: dict[Work, Given] = {
            Work.INSERT_MANY: {"first": 0, "count": self.many},
            Work.INSERT_SINGLY: {"first": self.many + part * singly, "count": singly},
            Work.READ: {"indexes": _spread(self.reads, self.many, 7)},
            Work.LISTING: {"since": _days(), "limit": LIMIT},
            Work.UPDATE: {"indexes": _spread(self.updates, self.many, 0)[part::PARTS]},
            Work.OBSERVE: {"since": SINCE, "limit": LIMIT, "days": [_day_of(turn) for turn in range(self.observed)]},
            Work.PULL: {"path": str(pages.objects), "wire": str(pages.wire)} if pages else {},
        }
        return told[work]


@dataclass(frozen=True, slots=True)
class Pulled:
    """Files with the pages of a pull, one a line: for others as arrays of objects, for us as they come by the wire."""

    objects: Path
    wire: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some operations took together."""

    wall_s: float
    cpu_s: float
    count: int

    def us(self, work: Work) -> float:
        """Microseconds an operation (or a row), by the clock that fits the work."""
        return (self.cpu_s if work in READS else self.wall_s) / self.count * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A peer in words."""

    name: str
    version: str
    in_file: bool
    """Does it keep its rows in a file? If not, it loses them with its process, and has no part in FULL."""
    unequal: str
    """What is not equal about its work."""
    lacks: frozenset[Work] = field(default=frozenset())


class Peer(Protocol):
    """One of those that are compared."""

    @property
    def about(self) -> About: ...
    def open(self, path: Path, level: Level) -> None:
        """An empty database in a new file."""

    def reopen(self) -> None:
        """Forget what is held in memory, where the rows stand in a file."""

    def measure(self, work: Work, given: Given) -> Cost: ...
    def totals(self) -> Totals: ...
    def close(self) -> None: ...
    def end(self) -> None:
        """No more is asked of it."""


def _spread(count: int, of: int, first: int) -> list[int]:
    step = max(1, of // count)
    return [(first + turn * step) % of for turn in range(count)]


def _days() -> list[str]:
    """Twenty different beginnings, so that nobody answers with a list it has given before."""
    return [f"2026-{month:02}-{day:02}" for month in range(1, 6) for day in (1, 8, 15, 22)]


def _day_of(turn: int) -> str:
    """Each write moves its row to another place within the head of the list."""
    return f"2026-03-{5 + turn // WATCHED % 2:02}"
