"""`db.observe`: which view what is asked for needs, and a subscription to it.

Rules of this room: it joins rooms and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from bmaddb import errors as e
from bmaddb.device.observe import Observers, Subscription, number_of, one_of, view_of
from bmaddb.device.observe.views import View
from bmaddb.device.query import Query
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.ends import Ends
from bmaddb.device.store import Store
from bmaddb.schema import Record


def observers_of(store: Store) -> Observers:
    """What follows the commits of a store; one for each."""
    return Observers(store)


def subscribe(
    observers: Observers,
    what: Any,
    which: Any,
    callback: Callable[[Any], object] | None,
    executor: Executor | None,
) -> Subscription[Any]:
    """A subscription to a query, a record by its id, or an aggregate of a query."""
    return Subscription(observers, _view(observers.store, what, which), callback, executor)


def _view(store: Store, what: Any, which: Any) -> View:
    if isinstance(what, type) and issubclass(what, Record):
        if not isinstance(which, str):
            raise e.QueryError("name the row: observe(Task, id)", hint="or observe(db.query(Task)) for all of them")
        store.query(what)  # refuses what this store does not have
        return one_of(store, what, which)
    if not isinstance(what, Ends) or what.runner is not store.query(what.plan.record).runner:
        raise e.QueryError(f"not a query of this database: {what!r}", hint="observe(db.query(Task).where(...))")
    if which is None:
        return view_of(what)
    if not isinstance(what, Query) or not isinstance(which, Aggregate):
        raise e.QueryError("beside a query stands an aggregate", hint="observe(query, count_of())")
    return number_of(what, which)
