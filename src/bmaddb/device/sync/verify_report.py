"""What a verify found, and what it did about it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from bmaddb.protocol.steps import Failure


class Verified(enum.StrEnum):
    """How a verify ended."""

    EQUAL = "equal"
    """Every row that was looked at is the same on both sides."""
    REPAIRED = "repaired"
    """Rows differed, and are the same now."""
    DIFFERS = "differs"
    """Rows differ still."""
    UNKNOWN = "unknown"
    """Nothing can be said: no network, no token, or the server changes faster than one can look."""


@dataclass(slots=True, kw_only=True)
class TableCheck:
    """One table: rows compared, and the ids of those that were not the same before any repair."""

    table: str
    rows: int = 0
    missing: set[str] = field(default_factory=set)
    """The server has them, the device had not."""
    changed: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)
    """The device had them, the server shows none of them."""
    returned: set[str] = field(default_factory=set)
    """Of `extra`, those the server lost and nobody deleted: they are pushed again."""
    unlike: bool = False
    """Not compared: the server has other columns in this table than the device."""

    @property
    def differing(self) -> int:
        return len(self.missing) + len(self.changed) + len(self.extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The end of one verify. `waiting` rows were not compared: something of this device has yet to leave."""

    result: Verified
    failure: Failure | None = None
    tables: tuple[TableCheck, ...] = ()
    file_faults: tuple[str, ...] = ()
    """What SQLite's integrity_check says; empty when the file is whole."""
    broken_references: int = 0
    waiting: int = 0
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    duration_ms: float = 0.0

    @property
    def ok(self) -> bool:
        """Is the file whole, and does it hold what the server shows?"""
        return self.result in (Verified.EQUAL, Verified.REPAIRED) and not self.file_faults

    @property
    def rows(self) -> int:
        return sum(check.rows for check in self.tables)

    @property
    def differing(self) -> int:
        return sum(check.differing for check in self.tables)
