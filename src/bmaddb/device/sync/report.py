"""What one sync did, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from bmaddb.protocol.steps import Failure, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """The end of one sync. `failure` says why, unless everything went well.

    Rows are counted as they arrive or leave; `conflicts` are verdicts written to sync_conflicts; `parked` are
    the entries that wait for a person when the sync ends. `expected_rows` is what a first sync was announced.
    `carried` are requests to the server that ended; `requests` are calls of any kind.
    """

    result: Result
    failure: Failure | None
    started_at_ms: int
    duration_ms: float
    pulled_rows: int = 0
    pulled_deletes: int = 0
    pushed_entries: int = 0
    pushed_rows: int = 0
    conflicts: int = 0
    parked: int = 0
    carried: int = 0
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    expected_rows: int = 0
    resynced: bool = False

    @property
    def ok(self) -> bool:
        """Do both sides hold the same now?"""
        return self.result is Result.OK

    @property
    def error_code(self) -> str | None:
        """Why not, as it is written down and told."""
        return None if self.failure is None else self.failure.error_code


@dataclass(slots=True)
class Tally:
    """The counters of a sync while it runs."""

    pulled_rows: int = 0
    pulled_deletes: int = 0
    pushed_entries: int = 0
    pushed_rows: int = 0
    conflicts: int = 0
    carried: int = 0
    requests: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    expected_rows: int = 0
    resynced: bool = False

    def as_fields(self) -> dict[str, Any]:
        """The counters by the names that a report gives them."""
        return {item.name: getattr(self, item.name) for item in fields(self)}
