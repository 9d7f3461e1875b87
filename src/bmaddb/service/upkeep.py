"""`db.upkeep`: the file within its budget, and archived rows back on demand.

Rules of this room: it joins rooms and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from bmaddb import errors as e
from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.sync import SyncEngine, fetch_packed
from bmaddb.device.upkeep import CleanUp, Keeper, UpkeepPolicy, UpkeepReport, Usage, measure, rebuild, stubs
from bmaddb.schema import Record
from bmaddb.service.user_limits import as_user_set

R = TypeVar("R", bound=Record)
IDS_MAX = 1_000
TRIES_MAX = 20
"""So often a row may be archived again between its coming back and its being read."""


class Upkeep:
    """What keeps one database small. Usable from any thread."""

    def __init__(self, store: Store, outbox: Outbox, engine: SyncEngine | None, policy: UpkeepPolicy | None) -> None:
        self._policy = policy
        self._store = store
        self._outbox = outbox
        self._engine = engine
        self._keeper: Keeper | None = None

    @property
    def policy(self) -> UpkeepPolicy:
        """What holds now: the application's policy, narrowed by the user's settings (`storage_limit_mb`, overrides)."""
        return as_user_set(self._store, self._policy)

    def usage(self) -> Usage:
        """What the file and its attachments take, in bytes, and the part of the budget that is."""
        return measure(self._store, self.policy)

    def run(self, budget_bytes: int | None = None, *, always: bool = False) -> UpkeepReport:
        """Clean up if the file takes more than 80 % of its budget, until it takes 70 %; see UpkeepPolicy.

        What the user wants kept for less long goes first, whatever the file takes.
        `always`: also when it takes less than 80 %, but more than 70. Nothing unsynced goes, whatever the budget.
        Raises StoreError for the file; what was done until then stands.
        """
        policy = self.policy if budget_bytes is None else replace(self.policy, budget_bytes=budget_bytes)
        return CleanUp(self._store, self._outbox, policy).run(always=always)

    def start(self) -> None:
        """Clean up in the background from now on, whenever the file was written to and is quiet again."""
        if self._keeper is None:
            self._keeper = Keeper(self._store, self._outbox, lambda: self.policy)
            self._keeper.start()

    def stop(self) -> None:
        """No more clean-ups by itself; again is fine."""
        if self._keeper is not None:
            self._keeper.stop()
            self._keeper = None

    def archived(self) -> dict[str, tuple[int, int]]:
        """By table: how many rows are archived, and how many of them the file still holds, packed."""
        with self._store.read() as connection:
            return stubs.counts(connection)

    def archived_ids(self, record: type[R], *, after: str = "", limit: int = IDS_MAX) -> list[str]:
        """The next ids of archived rows of the record's table, in order."""
        with self._store.read() as connection:
            return stubs.ids_after(connection, record.__table__.name, after, limit)

    def fetch(self, record: type[R], ids: Sequence[str]) -> list[R]:
        """The rows with these ids; those that are archived take their place in the table again, with their parents.

        Ids of no row are left out, and of rows that went with one deleted here. From the file where it holds them
        packed, else from the server: RowArchived when that cannot be reached, and inside a write or a snapshot, which
        could not see what came.
        """
        wanted = list(dict.fromkeys(ids))
        found: dict[str, R] = {}
        for start in range(0, len(wanted), IDS_MAX):
            found |= self._fetch(record, wanted[start : start + IDS_MAX])
        return [found[row_id] for row_id in wanted if row_id in found]

    def _fetch(self, record: type[R], ids: list[str]) -> dict[str, R]:
        """By id. A clean-up may archive a row again before it was read here: then it is brought back once more."""
        found: dict[str, R] = {}
        lost: frozenset[str] = frozenset()
        for _ in range(TRIES_MAX):
            with self._store.read():
                found |= {
                    row_id: row
                    for row_id in ids
                    if row_id not in found and (row := self._store.get(record, row_id)) is not None
                }
                missing = [row_id for row_id in ids if row_id not in found and row_id not in lost]
                archived = self.is_archived(record, missing)
            if not archived:
                return found
            lost |= self._bring_back(record, missing)
        raise e.RowArchived(f"rows of {record.__table__.name} are archived again and again", hint="try again")

    def is_archived(self, record: type[R], ids: Sequence[str]) -> bool:
        """Is any of these rows archived?"""
        if not ids:
            return False
        with self._store.read() as connection:
            return bool(stubs.among(connection, record.__table__.name, ids))

    def rebuild(self) -> None:
        """Write the whole file anew, without free pages; for files that `Usage.vacuums` is false of.

        Nobody else can write meanwhile, and as much space again is needed. A crash leaves the file as it was.
        """
        rebuild(self._store)

    def _bring_back(self, record: type[R], ids: Sequence[str]) -> frozenset[str]:
        """The answer is which cannot come."""
        if self._store.holds_still:
            raise e.RowArchived(
                f"rows of {record.__table__.name} are archived, and cannot be fetched inside a write or a snapshot",
                hint="fetch them before it",
            )
        if self._engine is None:
            return fetch_packed(self._store, self._outbox, record.__table__, ids)
        return self._engine.fetch_blocking(record.__table__, ids)
