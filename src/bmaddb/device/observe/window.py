"""A sorted window: the rows of a query over one table in a total order, kept in step row by row.

It holds the first rows of the order, some more than the query asks for. A row that leaves makes room for the next; a
row that comes after the last one held is not taken, unless all rows there are are held. When the window runs short
it is read again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.observe.index import Interest
from bmaddb.device.observe.views import Pair
from bmaddb.device.query import Matcher, OrderKey, Plan, Query, totally_ordered
from bmaddb.schema.kinds import INT_MAX

SPARE_ROWS_MIN: Final = 10
"""So many rows more than are asked for are held, or half as many as are asked for."""
Take = Callable[[Any], Any]
"""(record) -> what is held of it."""
Make = Callable[[list[Any]], list[Any]]
"""(what is held of each row) -> what is delivered."""


class Window:
    """The rows of `query` from `offset`, at most `limit`; of each what `take` takes of its record."""

    def __init__(
        self, query: Query[Any], matcher: Matcher, order_key: OrderKey, interest: Interest, take: Take, make: Make
    ) -> None:
        self.interest = interest
        self.short = False
        self._matcher, self._order_key = matcher, order_key
        self._take, self.made = take, make
        plan = query.plan
        self._begin, self._end, self._held_max = _bounds(plan)
        held = replace(totally_ordered(plan), limit=self._held_max, offset=0)
        self.read: Callable[[], list[Any]] = Query(query.runner, held).all
        self._keys: list[tuple[Any, ...]] = []
        self._ids: list[str] = []
        self._items: list[Any] = []
        self._places: dict[str, tuple[Any, ...]] = {}
        """id -> key of each row that is held."""
        self._all = True
        """Are all rows there are held?"""

    def put(self, read: Any) -> None:
        before = dict(zip(self._ids, self._items, strict=False))  # an interrupt may have left one longer
        self._keys = [self._order_key(row) for row in read]
        self._ids = [row.id for row in read]
        self._items = [_same_or_new(before.get(row.id), self._take(row)) for row in read]
        self._places = dict(zip(self._ids, self._keys, strict=True))
        self._all = self._held_max is None or len(read) < self._held_max
        self.short = False

    def hear(self, pairs: Sequence[Pair]) -> bool:
        differs = False
        for old, new in pairs:
            differs = self._follow(old, new) or differs
        self.short = not self._all and len(self._items) < (self._end or 0)
        return differs or self.short

    def state(self) -> Any:
        return self._items[self._begin : self._end]

    def _follow(self, old: Any, new: Any) -> bool:
        row_id = (old if new is None else new).id
        before = self._places.get(row_id)
        key = self._order_key(new) if new is not None and self._matcher(new) is True else None
        if before is not None and key == before:
            return self._replace(before, self._take(new))
        differs = before is not None and self._remove(row_id, before)
        return (key is not None and self._insert(row_id, key, new)) or differs

    def _replace(self, key: tuple[Any, ...], item: Any) -> bool:
        place = bisect_left(self._keys, key)
        same = self._items[place] == item
        if not same:
            self._items[place] = item
        return not same and self._shown(place)

    def _remove(self, row_id: str, key: tuple[Any, ...]) -> bool:
        place = bisect_left(self._keys, key)
        del self._keys[place], self._ids[place], self._items[place], self._places[row_id]
        return self._before_end(place)

    def _insert(self, row_id: str, key: tuple[Any, ...], row: Any) -> bool:
        place = bisect_left(self._keys, key)
        if place == len(self._keys) and not self._all:
            return False  # others, which are not held, may come before it
        self._keys.insert(place, key)
        self._ids.insert(place, row_id)
        self._items.insert(place, self._take(row))
        self._places[row_id] = key
        if self._held_max is not None and len(self._keys) > 2 * self._held_max:
            self._cut(self._held_max)
        return self._before_end(place)

    def _cut(self, count: int) -> None:
        """Let go of what is held beyond need."""
        for row_id in self._ids[count:]:
            del self._places[row_id]
        del self._keys[count:], self._ids[count:], self._items[count:]
        self._all = False

    def _before_end(self, place: int) -> bool:
        return self._end is None or place < self._end

    def _shown(self, place: int) -> bool:
        return self._begin <= place and self._before_end(place)


def _bounds(plan: Plan) -> tuple[int, int | None, int | None]:
    """First row, row after the last, and how many to hold; None without a limit."""
    begin, limit = plan.offset, plan.limit
    if not isinstance(begin, int) or not (limit is None or isinstance(limit, int)):
        raise e.QueryError("a live query has values, not parameters", hint="query.bind(name=value)")
    if limit is None:
        return begin, None, None
    end = begin + limit
    held_max = end + max(SPARE_ROWS_MIN, end // 2)
    return (begin, end, held_max) if held_max <= INT_MAX else (begin, None, None)  # more than any file has


def _same_or_new(before: Any, now: Any) -> Any:
    """What did not change stays the same object."""
    return before if before is not None and before == now else now
