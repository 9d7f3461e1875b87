"""Which watches a changed row concerns, found through what their conditions ask a column to be.

Of the equalities a query asks for at its top, the one that fits the fewest rows is its leaf: the id before a foreign
key, a foreign key before other columns, the owner of the rows last. A watch without a leaf hears of every row of its
table; one that must read again anyway is told that the table changed, and of no row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from bmaddb.device.query import Plan
from bmaddb.device.query.binding import bound
from bmaddb.device.store.changeset import Change
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import And, Comparator, Compare, Condition, In, Param
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind

W = TypeVar("W")
LEAF_VALUES_MAX: Final = 32
"""A longer list of values is no leaf: it would stand in the index once for each."""
_Group: TypeAlias = dict[W, None]


class Leaf(NamedTuple):
    """A row can only concern the query when the column at `place` (of the record's slots) has one of `values`."""

    place: int
    values: tuple[Any, ...]


class Interest(NamedTuple):
    """What a watch wants to hear: the rows of `table` that `leaf` lets through, and that any of `tables` changed."""

    table: str = ""
    leaf: Leaf | None = None
    tables: frozenset[str] = frozenset()


def leaf_of(plan: Plan) -> Leaf | None:
    """The best leaf of a query over one table; None when it asks no column to be something."""
    places = {column.name: place for place, column in enumerate(plan.record.__table__.columns)}
    found = [
        (_rank(column), place, values)
        for column, values in _equalities(plan.conditions)
        if column.table == plan.record.__table__.name and (place := places.get(column.name)) is not None
    ]
    if not found:
        return None
    _, place, values = min(found, key=lambda one: (one[0], len(one[2]), one[1]))
    return Leaf(place, values)


class Index(Generic[W]):
    """Watches by what they want to hear."""

    def __init__(self) -> None:
        self._by_value: dict[str, dict[int, dict[Any, _Group[W]]]] = {}
        self._every_row: dict[str, _Group[W]] = {}
        self._whole: dict[str, _Group[W]] = {}
        self._interests: dict[W, Interest] = {}
        self._counts: Counter[str] = Counter()
        self.tables: frozenset[str] = frozenset()
        """The tables that anybody wants to hear of."""

    def __len__(self) -> int:
        return len(self._interests)

    def __iter__(self) -> Iterator[W]:
        return iter(tuple(self._interests))

    def add(self, watch: W, interest: Interest) -> None:
        self._interests[watch] = interest
        for group in self._groups(interest):
            group[watch] = None
        self._count(interest, 1)

    def remove(self, watch: W) -> None:
        """Again is fine."""
        interest = self._interests.pop(watch, None)
        if interest is None:
            return
        for group in self._groups(interest):
            group.pop(watch, None)
        self._tidy(interest)
        self._count(interest, -1)

    def of_table(self, table: str) -> Iterable[W]:
        """Whoever wants to hear anything of the table."""
        places = self._by_value.get(table, {})
        by_value = (watch for values in places.values() for group in values.values() for watch in group)
        return {**dict.fromkeys(by_value), **self._every_row.get(table, {}), **self._whole.get(table, {})}

    def of_change(self, table: str) -> Iterable[W]:
        """Who wants to hear only that the table changed."""
        return self._whole.get(table, ())

    def of_row(self, table: str, change: Change) -> Iterable[W]:
        """Who wants to hear of this row, each once."""
        found: _Group[W] = {**self._every_row.get(table, {})}
        old, new = change
        for place, values in self._by_value.get(table, {}).items():
            if old is not None and (group := values.get(old[place])) is not None:
                found.update(group)
            if new is not None and (group := values.get(new[place])) is not None:
                found.update(group)
        return found

    def _groups(self, interest: Interest) -> list[_Group[W]]:
        groups = [self._whole.setdefault(table, {}) for table in interest.tables]
        table, leaf = interest.table, interest.leaf
        if table and leaf is None:
            groups.append(self._every_row.setdefault(table, {}))
        elif table and leaf is not None:
            values = self._by_value.setdefault(table, {}).setdefault(leaf.place, {})
            groups += [values.setdefault(value, {}) for value in leaf.values]
        return groups

    def _tidy(self, interest: Interest) -> None:
        """Nothing stays of a value that nobody asks for any more."""
        table, leaf = interest.table, interest.leaf
        for name in interest.tables:
            if not self._whole.get(name):
                self._whole.pop(name, None)
        if not self._every_row.get(table):
            self._every_row.pop(table, None)
        if table and leaf is not None:
            places = self._by_value[table]
            for value in leaf.values:
                if not places[leaf.place].get(value):
                    places[leaf.place].pop(value, None)
            if not places[leaf.place]:
                del places[leaf.place]
            if not places:
                del self._by_value[table]

    def _count(self, interest: Interest, by: int) -> None:
        names = interest.tables | ({interest.table} if interest.table else set())
        before = len(self._counts)
        for name in names:
            self._counts[name] += by
            if not self._counts[name]:
                del self._counts[name]
        if len(self._counts) != before:
            self.tables = frozenset(self._counts)


def _equalities(conditions: Iterable[Condition]) -> Iterator[tuple[Column[Any], tuple[Any, ...]]]:
    for condition in conditions:
        match condition:
            case And():
                yield from _equalities(condition.parts)
            case Compare(left=Column() as column, comparator=Comparator.EQ | Comparator.IS, right=right):
                if _plain(right):
                    yield column, (bound(column, right),)
            case In(left=Column() as column, values=tuple() as values):
                if values and len(values) <= LEAF_VALUES_MAX and all(_plain(value) for value in values):
                    yield column, tuple(dict.fromkeys([bound(column, value) for value in values]))
            case _:
                pass


def _plain(value: Any) -> bool:
    return value is not None and not isinstance(value, Operand | Param)


def _rank(column: Column[Any]) -> int:
    """The smaller, the fewer rows have one value of it, as far as the declaration tells."""
    if column.name == "id":
        return 0
    if column.name == "user_id":
        return 5
    if column.spec.references or column.spec.soft_references:
        return 1
    if column.spec.enum or column.kind is Kind.BOOL:
        return 4
    return 2
