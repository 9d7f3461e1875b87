"""Rows and results that are held in memory, and fetched ahead; never one that the file no longer holds.

Rules of this room: what is answered is what the file would answer at that moment, in the same order. Who writes, or
holds a snapshot, always reads the file.
"""

from __future__ import annotations

import enum
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeAlias, TypeVar, cast

from bmaddb.device.query import Query
from bmaddb.device.query.dependencies import dependencies_of
from bmaddb.device.store import Store
from bmaddb.personality.adaptive import AdaptiveCache, Wish
from bmaddb.personality.caches import Key
from bmaddb.personality.freshness import Freshness
from bmaddb.personality.tables import VIEW_NUMBERS, VIEWS
from bmaddb.personality.views import SHOWN, Views
from bmaddb.schema import Record
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import And, Between, Compare, In, Known, Like, Not, Or, Order

R = TypeVar("R", bound=Record)
RowKey: TypeAlias = tuple[str, str]
"""Table and id."""
RESULTS_MAX: Final = 32
RESULT_ROWS_MAX: Final = 100
_PLAIN_NODES: Final = (And, Or, Not, Known, Compare, In, Between, Like, Order)
_NO_VIEW: Final = VIEW_NUMBERS["account"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was fetched ahead: rows by view, and for how much of all use the model expects them, a share of 1."""

    rows: int
    by_view: dict[str, int]
    worth: float


class Memory:
    """What one database holds ready. Usable from any thread."""

    def __init__(self, store: Store, cache: AdaptiveCache, views: Views) -> None:
        self.cache = cache
        self.views = views
        self._store = store
        self._lock = threading.RLock()
        self._values: dict[RowKey, Record] = {}
        self._places: dict[Key, tuple[int, int]] = {}
        self._listed: dict[int, list[Key]] = {}
        self._results: OrderedDict[tuple[str, tuple[Any, ...]], tuple[frozenset[str], list[Any]]] = OrderedDict()
        self._view_of = {table: VIEW_NUMBERS[view] for view, (table, _, _) in reversed(list(SHOWN.items()))}
        self.freshness = Freshness(store, self._forget_rows, self._forget_all)
        self.hits = 0
        self.misses = 0

    def stop(self) -> None:
        """Hold nothing any more."""
        self.freshness.stop()
        self._forget_all()

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id as `store.get` gives it."""
        table = record.__table__.name
        key = (table, row_id)
        fresh = self.freshness.fresh()
        with self._lock:
            view, rank = self._places.get(key, (self._view_of.get(table, _NO_VIEW), None))
            value = self._values.get(key)
            hit = self.cache.access(view, rank, key) and fresh and value is not None
            commits = self.freshness.commits
        if hit:
            self.hits += 1
            return value  # type: ignore[return-value]
        self.misses += 1
        row = self._store.get(record, row_id)
        self._keep(key, row, commits, fresh)
        return row

    def read(self, query: Query[R]) -> list[R]:
        """The rows of the query as `query.all()` gives them."""
        key = query.statement(None)
        fresh = self.freshness.fresh()
        with self._lock:
            known = self._results.get(key)
            commits = self.freshness.commits
            if known is not None and fresh:
                self._results.move_to_end(key)
                self.hits += 1
                return list(known[1])
        self.misses += 1
        rows = query.fetch(*key)
        if fresh and len(rows) <= RESULT_ROWS_MAX and _holdable(query):
            with self._lock:
                if commits == self.freshness.commits:
                    self._results[key] = (dependencies_of(query.plan), list(rows))
                    if len(self._results) > RESULTS_MAX:
                        self._results.popitem(last=False)
        return rows

    def open(self, view: str) -> list[Any]:
        """The first rows of a view, which somebody looks at now; its rows are known by their places then."""
        rows = self._list(view)
        with self._lock:
            self.cache.model.note(VIEW_NUMBERS[view], None)
        return rows

    def begin_session(self) -> Fetched:
        """Somebody begins: fetch ahead what they are likely to open."""
        self._list_likely()
        with self._lock:
            wishes = self.cache.begin_session(self._resolve)
        return self._fetch(wishes)

    def idle(self) -> Fetched:
        """Nothing is opened just now: fetch what may follow."""
        self._list_likely()
        with self._lock:
            wishes = self.cache.idle(self._resolve)
        return self._fetch(wishes)

    # -- inside --------------------------------------------------------------------------------------------

    def _list(self, view: str) -> list[Any]:
        query = self.views.query(view)
        rows = self.read(query)
        number, table = VIEW_NUMBERS[view], query.plan.record.__table__.name
        with self._lock:
            for key in self._listed.get(number, ()):
                self._places.pop(key, None)
            keys: list[Key] = [(table, row.id) for row in rows]
            self._listed[number] = keys
            self._places.update((key, (number, rank)) for rank, key in enumerate(keys))
        return rows

    def _list_likely(self) -> None:
        """Know the order of the views that matter, for a place is fetched only where it is known what stands there."""
        shares = self.cache.model.shares_next(self.cache.real.prior)
        likely = sorted(range(len(VIEWS)), key=lambda view: -shares[view])[: self.cache.budget // 4]
        for number in likely:
            if VIEWS[number] in self.views and number not in self._listed:
                self._list(VIEWS[number])

    def _resolve(self, view: int, rank: int) -> Key | None:
        keys = self._listed.get(view, ())
        return keys[rank] if rank < len(keys) else None

    def _fetch(self, wishes: list[Wish]) -> Fetched:
        by_view: dict[str, int] = {}
        fetched, worth = 0, 0.0
        for wish in wishes:
            table, row_id = cast("RowKey", wish.key)
            fresh = self.freshness.fresh()
            commits = self.freshness.commits
            row = self._store.get(self._store.catalog.records[table], row_id)
            self._keep((table, row_id), row, commits, fresh)
            if row is not None:
                fetched, worth = fetched + 1, worth + wish.worth
                view = VIEWS[wish.view] if wish.view >= 0 else table
                by_view[view] = by_view.get(view, 0) + 1
        return Fetched(rows=fetched, by_view=by_view, worth=worth)

    def _keep(self, key: RowKey, row: Record | None, commits: int, fresh: bool) -> None:
        with self._lock:
            if row is None:
                self.cache.forget((key,))
                return
            # A commit that was told since drops what it changed; one that is not told yet will, when it is.
            if not fresh or commits != self.freshness.commits:
                return
            self._values[key] = row
            if len(self._values) > 2 * self.cache.real.cache.size:
                held = self.cache.real.cache
                self._values = {kept: value for kept, value in self._values.items() if kept in held}

    def _forget_rows(self, table: str, ids: set[str] | None) -> None:
        with self._lock:
            gone: list[RowKey] = [(table, one) for one in ids or ()]
            if ids is None:
                gone = [key for key in self._values if key[0] == table]
            for row in gone:
                self._values.pop(row, None)
            self.cache.forget(gone)
            for statement in [one for one, (tables, _) in self._results.items() if table in tables]:
                del self._results[statement]
            for number in [view for view in self._listed if self._shows(view, table)]:
                for key in self._listed.pop(number):
                    self._places.pop(key, None)

    def _shows(self, view: int, table: str) -> bool:
        return self.views.query(VIEWS[view]).plan.record.__table__.name == table

    def _forget_all(self) -> None:
        with self._lock:
            self.cache.forget(list(self._values))
            self._values.clear()
            self._results.clear()
            self._places.clear()
            self._listed.clear()


def _holdable(query: Query[Any]) -> bool:
    """Only what names columns and values: of raw SQL and the text index nobody says which commits change the answer."""
    plan = query.plan
    return not plan.groups and all(_plain(node) for node in (*plan.conditions, *plan.orders))


def _plain(node: Any) -> bool:
    if isinstance(node, tuple | list | frozenset):
        return all(_plain(one) for one in node)
    if isinstance(node, _PLAIN_NODES):
        return all(_plain(getattr(node, name)) for name in node.__struct_fields__)
    return node is None or isinstance(node, Column | enum.Enum | str | int | float | bytes | datetime | date)
