"""The parts of a database, each loaded and made with its first use: once, however many threads ask at that moment.

Rules of this room: a part may ask for another, never in a circle; what was never made need not be stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from bmaddb.device.store import Store
from bmaddb.service.joining import LateParts

if TYPE_CHECKING:
    from bmaddb.device.observe import Observers
    from bmaddb.device.outbox import Outbox
    from bmaddb.device.requests import RequestQueue
    from bmaddb.device.sync import SyncEngine
    from bmaddb.device.upkeep import UpkeepPolicy
    from bmaddb.monitor import Monitor
    from bmaddb.monitor.health import HealthRegistry
    from bmaddb.personality.desk import Personality
    from bmaddb.service.health_checks import StandardChecks
    from bmaddb.service.joining import Connect
    from bmaddb.service.operations import OperationDesk
    from bmaddb.service.upkeep import Upkeep

T = TypeVar("T")


class Once(Generic[T]):
    """`once()` is the part; `once.made` is it too, or None while nobody has asked."""

    __slots__ = ("_lock", "_make", "made")

    def __init__(self, make: Callable[[], T]) -> None:
        self.made: T | None = None
        self._make = make
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """The part. Raises what making it raises, and the next one who asks tries again."""
        if self.made is None:
            with self._lock:
                if self.made is None:
                    self.made = self._make()
        return self.made


class Parts:
    """What one database is made of, beside its store."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox | None,
        engine: SyncEngine | None,
        connect: Connect | None,
        policy: UpkeepPolicy | None,
    ) -> None:
        self._store = store
        self._policy = policy
        self.requests = Once(self._make_requests)
        self.upkeep = Once(self._make_upkeep)
        self.personality = Once(self._make_personality)
        self.operations = Once(self._make_operations)
        self.monitor = Once(self._make_monitor)
        self.health = Once(self._make_health)
        self.observers = Once(self._make_observers)
        self._late = LateParts(store, self.requests, outbox, engine, connect)

    @property
    def outbox(self) -> Outbox:
        """The one outbox of the store."""
        return self._late.outbox

    @property
    def engine(self) -> SyncEngine | None:
        """What syncs with the server; None when there is none."""
        return self._late.engine

    @property
    def has_server(self) -> bool:
        """Is there one to sync with? Asking loads nothing of the network."""
        return self._late.has_server

    def stop(self) -> None:
        """End what runs in the background; again is fine."""
        for part in (self.upkeep.made, self.personality.made, self.monitor.made, self.operations.made):
            if part is not None:
                part.stop()
        self._late.close()
        if self.observers.made is not None:
            self.observers.made.close()

    # -- how each is made ----------------------------------------------------------------------------------

    def _make_requests(self) -> RequestQueue:
        from bmaddb.device.requests import RequestQueue

        engine = self.engine
        return RequestQueue(self._store, self.outbox) if engine is None else engine.requests

    def _make_upkeep(self) -> Upkeep:
        from bmaddb.service.upkeep import Upkeep

        return Upkeep(self._store, self.outbox, self.engine, self._policy)

    def _make_personality(self) -> Personality:
        from bmaddb.personality.desk import Personality

        engine = self.engine
        return Personality(self._store, None if engine is None else engine.wish_tables)

    def _make_operations(self) -> OperationDesk:
        from bmaddb.service.device_facts import DeviceFacts
        from bmaddb.service.operations import OperationDesk

        facts = DeviceFacts(self._store, self.outbox, lambda: self.upkeep().usage(), has_server=self.has_server)
        return OperationDesk(self._store, facts, monitor=lambda: self.monitor.made)

    def _make_monitor(self) -> Monitor:
        from bmaddb.monitor import Monitor
        from bmaddb.service.status import keep

        store = self._store
        return Monitor(store, store.signals, store.clock, keep=lambda report: keep(store, report))

    def _make_health(self) -> tuple[StandardChecks, HealthRegistry]:
        from bmaddb.service.health_checks import checks_of

        return checks_of(
            self._store,
            self.outbox,
            has_server=self.has_server,
            usage=lambda: self.upkeep().usage().share,
            monitor=lambda: self.monitor.made,
        )

    def _make_observers(self) -> Observers:
        from bmaddb.service.observing import observers_of

        return observers_of(self._store)
