"""How much a device's file may take, and what goes first when it takes too much. Data, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

MEGABYTE: Final = 1_000_000
EVERYTHING_MS: Final = (1 << 62) - 1
"""Later than any moment: a limit of age that every row is past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Rows of a local table whose `column` is older than `keep_days`; only those of the SQL `condition`."""

    name: str
    table: str
    column: str
    keep_days: int
    condition: str = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Synced rows unchanged for `keep_days`: they leave the device, and stay on the server."""

    name: str
    table: str
    keep_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetComputed:
    """Rows of a local table that were computed from rows (`source_table`, `source_id`) unchanged for `keep_days`."""

    name: str
    table: str
    keep_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinOut:
    """Synced rows beyond the `keep` newest (by `order`) of their `group`: they leave the device."""

    name: str
    table: str
    group: str
    order: str
    keep: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PackCold:
    """Every table with retention `archive(months=...)`: rows older than that leave it, and are kept packed."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictAttachments:
    """Bytes of attachments that are uploaded: their files are removed, the rows stay."""

    name: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictPacked:
    """Packed rows, the first packed first: the server's copy stays, and the stub."""

    name: str


Step: TypeAlias = Prune | LetGo | ForgetComputed | ThinOut | PackCold | EvictAttachments | EvictPacked
ORDER: Final[tuple[Step, ...]] = (
    Prune(name="query metrics", table="query_metrics", column="sampled_at", keep_days=1),
    Prune(name="sync runs", table="sync_runs", column="started_at", keep_days=1),
    Prune(
        name="performance alerts",
        table="performance_alerts",
        column="opened_at",
        keep_days=1,
        condition="state <> 'open'",
    ),
    Prune(
        name="closed verdicts",
        table="sync_conflicts",
        column="detected_at",
        keep_days=90,
        condition="needs_attention = 0",
    ),
    Prune(
        name="operations that have ended",
        table="operation_journal",
        column="started_at",
        keep_days=30,
        condition="status in ('committed', 'rolled_back', 'compensated') or rollback_strategy = 'none'",
    ),
    Prune(name="access statistics", table="access_statistics", column="last_access_at", keep_days=365),
    Prune(
        name="requests that are over",
        table="server_requests",
        column="ended_at",
        keep_days=30,
        condition="status in ('done', 'cancelled')",
    ),
    LetGo(name="analytics", table="interaction_analytics"),
    ForgetComputed(name="embeddings", table="embeddings", keep_days=90),
    ThinOut(name="revisions", table="journal_revisions", group="entry_id", order="captured_at", keep=5),
    PackCold(name="pack cold rows"),
    EvictAttachments(name="attachments", table="attachments"),
    EvictPacked(name="evict packed rows"),
)
"""What goes first. A step whose table the catalog does not have is passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepPolicy:
    """The budget of a file with its attachments, the share above which it is cleaned, and the share that ends it.

    One transaction of a clean-up takes at most `batch_rows_max` rows, and fewer when the last took longer than
    `batch_ms_aim`: readers are never held up, writers no longer than one batch.
    `keep_days`: table -> days. Its synced rows that nobody changed for longer leave the device, whatever the budget; of
    a local table, what its `Prune` in `order` takes. The server keeps what it has.
    """

    budget_bytes: int = 100 * MEGABYTE
    begin_share: float = 0.80
    end_share: float = 0.70
    order: tuple[Step, ...] = ORDER
    batch_rows_max: int = 200
    batch_ms_aim: int = 20
    keep_days: Mapping[str, int] = field(default_factory=dict)

    @property
    def begin_bytes(self) -> int:
        """Above so many bytes a clean-up begins."""
        return int(self.budget_bytes * self.begin_share)

    @property
    def end_bytes(self) -> int:
        """At so many bytes it ends."""
        return int(self.budget_bytes * self.end_share)
