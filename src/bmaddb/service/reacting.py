"""What a database does by itself after a sync: with the coaching modules in its catalog, it reconciles."""

from __future__ import annotations

from bmaddb.coaching.concerned import CONCERNED, FOLLOWERS
from bmaddb.device.store import Store
from bmaddb.device.sync.arrivals import Arrived, Reaction
from bmaddb.schema import Catalog


class Reconciling:
    """The reaction of the coaching domain; its rules are loaded when it first reacts."""

    tables = CONCERNED
    followers = FOLLOWERS

    def __call__(self, store: Store, arrived: Arrived, *, partly: bool) -> int:
        from bmaddb.coaching.reconciling import reconcile

        return reconcile(store, arrived, partly=partly)


def reactions_of(catalog: Catalog) -> tuple[Reaction, ...]:
    """What a database with this catalog reacts with."""
    return (Reconciling(),) if catalog.tables.keys() >= CONCERNED else ()
