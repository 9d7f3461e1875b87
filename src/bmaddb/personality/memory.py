"""What one user opens, counted; and what they will open next, read before they ask.

Rules of this room: what is answered is what the store answers, always. The store holds what was read, and knows when
it is no longer true; here is only decided what is read ahead. A row's access costs a note and no look at the file;
planning, saving and looking for others' commits wait for the moments when nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar, cast

from bmaddb.device.store import Store
from bmaddb.personality import state
from bmaddb.personality.adaptive import AdaptiveCache, Wish
from bmaddb.personality.caches import Key
from bmaddb.personality.changes import Changes
from bmaddb.personality.tables import VIEW_NUMBERS, VIEWS
from bmaddb.personality.views import SHOWN, Views
from bmaddb.schema import Record

R = TypeVar("R", bound=Record)
RowKey: TypeAlias = tuple[str, str]
"""Table and id."""
LISTS_MAX: Final = 8
"""Lists read ahead in a session, each of at most 48 rows, to know what stands in the places worth fetching."""
SAVE_ACCESSES: Final = 128
"""What is known of use is written down after so many accesses, at the next moment when nobody waits."""
SAVE_ACCESSES_MAX: Final = 1024
"""After so many it is written down at once: an application may never say that it is idle."""
_NO_VIEW: Final = VIEW_NUMBERS["account"]
_NOWHERE: Final = (_NO_VIEW, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What was fetched ahead: rows by view, and for how much of all use the model expects them, a share of 1.

    `lists`: views whose first rows were listed besides, to know what stands where.
    """

    rows: int
    by_view: dict[str, int]
    worth: float
    lists: int = 0


class Memory:
    """What is known of one user's use, and what is read ahead for them. Usable from any thread.

    `save` writes down what is known; it is called at most once in `SAVE_ACCESSES` accesses, with no lock held.
    """

    def __init__(self, store: Store, cache: AdaptiveCache, views: Views, save: Callable[[], object]) -> None:
        self.cache = cache
        self.views = views
        self._store = store
        self._save = save
        self._accesses = self._saved_at = 0
        self._lock = threading.RLock()
        self._places: dict[Key, tuple[int, int | None]] = {}
        self._listed: dict[int, list[Key]] = {}
        self._lists_left = LISTS_MAX
        self._elsewhere = {table: (VIEW_NUMBERS[view], None) for view, (table, _, _) in reversed(list(SHOWN.items()))}
        self._changes = Changes(store, self._forget_rows, self._forget_all)
        self.hits = 0
        """Rows that were expected to be in memory when they were asked for."""
        self.misses = 0

    def stop(self) -> None:
        """Expect nothing any more."""
        self._changes.stop()
        self._forget_all()

    def get(self, record: type[R], row_id: str) -> R | None:
        """The row with this id as `store.get` gives it."""
        table = record.__table__.name
        key = (table, row_id)
        with self._lock:
            place = self._places.get(key)
            if place is None:
                place = self._elsewhere.get(table, _NOWHERE)
            if self.cache.access(place[0], place[1], key):
                self.hits += 1
            else:
                self.misses += 1
            self._accesses += 1
        row = self._store.get(record, row_id)
        if row is None:
            with self._lock:
                self.cache.forget((key,))
        if self._accesses - self._saved_at >= SAVE_ACCESSES_MAX:
            self._save_now()
        return row

    def rows_to_keep(self, prior: Sequence[float]) -> list[state.Row]:
        """What is known of use just now, as it is written down."""
        with self._lock:
            return list(state.rows_of(self.cache.model, self.cache.guard, prior, self._store.clock.now_ms()))

    def open(self, view: str) -> list[Any]:
        """The first rows of a view, which somebody looks at now; its rows are known by their places then."""
        rows = self._list(view)
        with self._lock:
            self.cache.model.note(VIEW_NUMBERS[view], None)
            self._accesses += 1
        return rows

    def begin_session(self) -> Fetched:
        """Somebody begins: fetch ahead what they are likely to open."""
        self._changes.look_for_others()
        with self._lock:
            self._lists_left = LISTS_MAX
        return self._ahead(self.cache.begin_session)

    def idle(self) -> Fetched:
        """Nothing is opened just now: fetch what may follow."""
        return self._ahead(self.cache.idle)

    # -- inside --------------------------------------------------------------------------------------------

    def _ahead(self, plan: Callable[[Callable[[int, int], Key | None]], list[Wish]]) -> Fetched:
        lists = self._list_likely()
        with self._lock:
            wishes = plan(self._resolve)
        fetched = self._fetch(wishes, lists)
        if self._accesses - self._saved_at >= SAVE_ACCESSES:
            self._save_now()
        return fetched

    def _save_now(self) -> None:
        """Not from within a write or a snapshot, nor while somebody writes: then at the next opportunity."""
        if not self._store.holds_still and not self._store.writer_busy:
            self._saved_at = self._accesses
            self._save()

    def _list(self, view: str) -> list[Any]:
        query = self.views.query(view)
        rows = query.all()
        number, table = VIEW_NUMBERS[view], query.plan.record.__table__.name
        with self._lock:
            for key in self._listed.get(number, ()):
                self._places.pop(key, None)
            keys: list[Key] = [(table, row.id) for row in rows]
            self._listed[number] = keys
            self._places.update((key, (number, rank)) for rank, key in enumerate(keys))
        return rows

    def _list_likely(self) -> int:
        """Know the order of the views that matter, for a place is fetched only where it is known what stands there."""
        with self._lock:
            shares = self.cache.model.shares_next(self.cache.real.prior)
            likely = sorted(range(len(VIEWS)), key=lambda view: -shares[view])[:LISTS_MAX]
            unknown = [view for view in likely if VIEWS[view] in self.views and view not in self._listed]
            wanted = unknown[: self._lists_left]
            self._lists_left -= len(wanted)
        self._store.expect([self.views.query(VIEWS[view]) for view in wanted])
        for view in wanted:
            self._list(VIEWS[view])
        return len(wanted)

    def _resolve(self, view: int, rank: int) -> Key | None:
        keys = self._listed.get(view, ())
        return keys[rank] if rank < len(keys) else None

    def _fetch(self, wishes: list[Wish], lists: int) -> Fetched:
        by_view: dict[str, int] = {}
        fetched, worth = 0, 0.0
        for wish in wishes:
            table, row_id = cast("RowKey", wish.key)
            if self._store.get(self._store.catalog.records[table], row_id) is None:
                with self._lock:
                    self.cache.forget((wish.key,))
                continue
            fetched, worth = fetched + 1, worth + wish.worth
            view = VIEWS[wish.view] if wish.view >= 0 else table
            by_view[view] = by_view.get(view, 0) + 1
        return Fetched(rows=fetched, by_view=by_view, worth=worth, lists=lists)

    def _forget_rows(self, table: str, ids: set[str] | None) -> None:
        with self._lock:
            if ids is None:
                self.cache.forget([key for key in self.cache.held() if cast("RowKey", key)[0] == table])
            else:
                self.cache.forget([(table, one) for one in ids])
            for number in [view for view in self._listed if self._shows(view, table)]:
                self._forget_list(number)

    def _forget_list(self, number: int) -> None:
        for key in self._listed.pop(number):
            self._places.pop(key, None)

    def _shows(self, view: int, table: str) -> bool:
        return self.views.query(VIEWS[view]).plan.record.__table__.name == table

    def _forget_all(self) -> None:
        with self._lock:
            self.cache.forget(self.cache.held())
            self._places.clear()
            self._listed.clear()
