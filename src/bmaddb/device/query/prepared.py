"""Prepared queries: compiled once, run with other values each time. And values put into a query for good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from bmaddb import errors as e
from bmaddb.device.query.binding import NULL_SAFE, Slot, bound, listed, whole
from bmaddb.device.query.ends import ONE_AND_THE_NEXT, Ends, only, too_many
from bmaddb.device.query.plan import Plan, Statement
from bmaddb.schema.conditions import Compare, Condition, In, Param

T = TypeVar("T")


class Template(msgspec.Struct, frozen=True, eq=False):
    """A statement some of whose arguments come later."""

    text: str
    arguments: tuple[Any, ...]
    slots: tuple[tuple[int, str, Callable[[Any], Any]], ...]
    names: frozenset[str]

    def filled(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments with `given` at their places; QueryError for a value that is missing, or does not fit."""
        arguments = [*self.arguments]
        try:
            for place, name, convert in self.slots:
                arguments[place] = convert(given[name])
        except KeyError:
            raise _other_names(self.names, given) from None
        if len(given) != len(self.names):
            raise _other_names(self.names, given)
        return tuple(arguments)


class Prepared(Generic[T]):
    """A query with parameters. Keep it and call its ends with their values: `prepared.all(state="todo")`."""

    __slots__ = ("_source", "_templates")

    def __init__(self, source: Ends[T]) -> None:
        self._source = source
        self._templates: dict[str | int | None, Template] = {None: template(source.statement(None))}

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the values an end needs."""
        return self._templates[None].names

    def all(self, **values: Any) -> list[T]:
        """Every row."""
        ready = self._templates[None]
        return self._source.fetch(ready.text, ready.filled(values))

    def first(self, **values: Any) -> T | None:
        """The first row in the query's order, or None."""
        rows = self._at_most(1, values)
        return rows[0] if rows else None

    def one(self, **values: Any) -> T:
        """The only row; RecordNotFound when there is none, QueryError when there are more."""
        return only(self._at_most(ONE_AND_THE_NEXT, values), self._source.plan)

    def one_or_none(self, **values: Any) -> T | None:
        """The only row, or None; QueryError when there are more."""
        rows = self._at_most(ONE_AND_THE_NEXT, values)
        if len(rows) > 1:
            raise too_many(self._source.plan)
        return rows[0] if rows else None

    def count(self, **values: Any) -> int:
        """How many rows `all` would give."""
        ready = self._templates.get("count") or self._made("count", self._source.count_statement())
        return self._source.number(ready.text, ready.filled(values))

    def exists(self, **values: Any) -> bool:
        """Would `all` give a row?"""
        ready = self._templates.get("exists") or self._made("exists", self._source.exists_statement())
        return bool(self._source.number(ready.text, ready.filled(values)))

    def _at_most(self, rows_max: int, values: Mapping[str, Any]) -> list[T]:
        ready = self._templates.get(rows_max) or self._made(rows_max, self._source.statement(rows_max))
        return self._source.fetch(ready.text, ready.filled(values))

    def _made(self, end: str | int, statement: Statement) -> Template:
        return self._templates.setdefault(end, template(statement))


def template(statement: Statement) -> Template:
    """The statement with the places of its parameters."""
    slots = [(place, value) for place, value in enumerate(statement.arguments) if isinstance(value, Slot)]
    return Template(
        statement.text,
        statement.arguments,
        tuple((place, slot.name, slot.convert) for place, slot in slots),
        frozenset(slot.name for _, slot in slots),
    )


def with_values(plan: Plan, given: Mapping[str, Any]) -> Plan:
    """The plan with values in place of its parameters; QueryError for a name too many, or too few."""
    met: set[str] = set()
    made = replace(
        plan,
        conditions=_filled(plan.conditions, given, met),
        having=_filled(plan.having, given, met),
        limit=_rows("limit", plan.limit, given, met),
        offset=_rows("offset", plan.offset, given, met),
    )
    if met != set(given):
        raise _other_names(frozenset(met), given)
    return made


def _rows(word: str, rows: Any, given: Mapping[str, Any], met: set[str]) -> Any:
    if isinstance(rows, Param) and rows.name in given:
        whole(word, given[rows.name])
    return _filled(rows, given, met)


def _filled(node: Any, given: Mapping[str, Any], met: set[str]) -> Any:
    if isinstance(node, Param):
        met.add(node.name)
        return given.get(node.name)
    if isinstance(node, In) and isinstance(node.values, Param) and node.values.name in given:
        met.add(node.values.name)
        return replace(node, values=listed(node, given[node.values.name]))
    if isinstance(node, tuple):
        return tuple(_filled(item, given, met) for item in node)
    if isinstance(node, Condition):
        _refuse_null(node, given)
        return replace(node, **{name: _filled(getattr(node, name), given, met) for name in node.__struct_fields__})
    return node


def _refuse_null(node: Condition, given: Mapping[str, Any]) -> None:
    """Only `is_` and `is_not` take a null; here it would mean no row, without a word."""
    if not isinstance(node, Compare) or node.comparator in NULL_SAFE:
        return
    if isinstance(node.right, Param) and given.get(node.right.name, node) is None:
        bound(node.left, None)


def _other_names(wanted: frozenset[str], given: Mapping[str, Any]) -> e.QueryError:
    missing, strange = sorted(wanted - given.keys()), sorted(given.keys() - wanted)
    said = [f"without a value: {', '.join(missing)}"] if missing else []
    said += [f"unknown: {', '.join(strange)}"] if strange else []
    return e.QueryError(f"parameters {'; '.join(said)}", hint=f"the query has {', '.join(sorted(wanted)) or 'none'}")
