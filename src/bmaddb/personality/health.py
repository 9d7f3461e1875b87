"""How personalisation stands, as a health check sees it: agreed to, gone when it is off, and what the guard does.

Rules of this room: a look reads the file and begins nothing; that it is off, or not agreed to, is no illness.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from bmaddb.device.store import Store
from bmaddb.modules.user_management import UserPreferences
from bmaddb.monitor.health import WELL, Check, Finding, State
from bmaddb.personality import consent, state
from bmaddb.personality.guard import Guard
from bmaddb.personality.indexes import Indexes
from bmaddb.personality.model import UseModel
from bmaddb.personality.tables import VIEWS


class PersonalityChecks:
    """The checks of one file; none in an application without the tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __iter__(self) -> Iterator[tuple[str, Check]]:
        if all(table in self._store.catalog.records for table in consent.TABLES):
            for check in (self.agreed, self.gone, self.guard):
                yield check.__name__, check

    def agreed(self) -> Finding:
        """What is in force, and is it what was asked for?"""
        standing = consent.standing(self._store)
        wanted = self._store.query(UserPreferences).first()
        if standing.mode == "off" and wanted is not None and wanted.mbti_optimisation != "off":
            return Finding(
                reason=f"off: {wanted.mbti_optimisation} is asked for, and no consent is in force",
                remedy="db.personality.consent(...) with the text that was shown",
            )
        return Finding(reason=standing.mode)

    def gone(self) -> Finding:
        """Is nothing left of it on the disk when it is off?"""
        if consent.standing(self._store).mode != "off":
            return WELL
        if not state.is_there(self._store) and not Indexes(self._store).built():
            return WELL
        return Finding(
            state=State.DEGRADED,
            reason="it is off, and what was derived from use is still in the file",
            remedy="db.personality takes it away when it is first asked for; a snapshot that is open must end",
        )

    def guard(self) -> Finding:
        """Is the type held back, because it cost more than it brought?"""
        guard = Guard()
        state.recall(self._store, UseModel(len(VIEWS)), guard)
        if not guard.stopped(self._store.clock.now_ms()):
            return WELL
        until = datetime.fromtimestamp(guard.stopped_until_ms / 1000, UTC)
        return Finding(reason=f"the type is held back until {until:%Y-%m-%d}: it cost more hits than it brought")
