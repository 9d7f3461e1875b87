"""What an integrity check says: findings, each with a reason, a remedy, and perhaps a repair that is safe."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import apsw

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store


class Status(enum.StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    """Nothing is lost, and something is not as it should be."""
    FAIL = "fail"
    """Data is damaged, missing, or will not reach the server by itself."""


Repair: TypeAlias = Callable[[], None]
"""Makes it good without taking anything from the user; run outside of any transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check found."""

    check: str
    status: Status
    reason: str = ""
    remedy: str = ""
    count: int = 0
    repaired: bool = False
    repair: Repair | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What a check looks at: one state of the file."""

    store: Store
    outbox: Outbox
    connection: apsw.Connection
    full: bool


Check: TypeAlias = Callable[[Sight], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrityReport:
    """Every check by name; a check that found nothing has one finding that says ok."""

    findings: tuple[Finding, ...]
    full: bool
    duration_ms: float

    @property
    def ok(self) -> bool:
        """Did nothing fail, or was it repaired?"""
        return not any(finding.status is Status.FAIL for finding in self.findings)

    def of(self, check: str) -> tuple[Finding, ...]:
        """The findings of one check."""
        return tuple(finding for finding in self.findings if finding.check == check)
