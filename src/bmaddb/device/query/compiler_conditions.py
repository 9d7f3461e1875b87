"""Conditions and operands -> SQL text; every value goes to the arguments, in the order of its `?`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.plan import SearchText
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import (
    And,
    Between,
    Comparator,
    Compare,
    Condition,
    In,
    Like,
    Not,
    Operand,
    Or,
    Order,
    Raw,
    Search,
    escape_like,
)
from bmaddb.schema.kinds import Kind, canonical_json, milliseconds, to_raw

IN_BOUND_VALUES_MAX: Final = 16
"""Longer lists travel as one JSON argument, or each length would be a statement of its own in the cache."""
IN_VALUES_MAX: Final = 30_000
"""Real and blob, which JSON cannot carry exactly: each value is an argument, and SQLite has a limit."""
LIKE_PATTERN_CHARS_MAX: Final = 10_000
SEARCH_WORDS_MAX: Final = 32
CONDITION_DEPTH_MAX: Final = 200

_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})
_TEXTS: Final = frozenset({Kind.TEXT, Kind.JSON})
_EQUALITIES: Final = frozenset({Comparator.EQ, Comparator.NE, Comparator.IS, Comparator.IS_NOT})


class Scribe:
    """Writes the conditions of one statement. `tables` are those that stand in its FROM."""

    __slots__ = ("_depth", "_search", "arguments", "tables")

    def __init__(self, tables: Collection[str], search: SearchText | None = None) -> None:
        self.tables = tables
        self.arguments: list[Any] = []
        self._search = search
        self._depth = 0

    def condition(self, condition: Condition) -> str:
        """SQL for `condition`; what holds several parts stands in parentheses."""
        try:
            write = _WRITERS[type(condition)]
        except KeyError:
            raise e.QueryError(
                f"not a condition: {condition!r}", hint="compare columns: Task.state == 'todo'"
            ) from None
        return write(self, condition)

    def operand(self, operand: Operand[Any]) -> str:
        if isinstance(operand, Column):
            return self._column(operand)
        if isinstance(operand, Aggregate):
            return self._aggregate(operand)
        raise e.QueryError(f"not something a query can read: {operand!r}")

    def order(self, order: Order) -> str:
        """One step of ORDER BY; SQLite takes null as the smallest, so only the rest needs words."""
        text = self.operand(order.operand)
        if order.descending:
            return f"{text} desc" if order.nulls_last else f"{text} desc nulls first"
        return f"{text} asc nulls last" if order.nulls_last else f"{text} asc"

    def _column(self, column: Column[Any]) -> str:
        if column.table not in self.tables:
            raise e.QueryError(
                f"{column.table}.{column.name} is not part of this query",
                hint=f"join its table first; here are {', '.join(sorted(self.tables))}",
            )
        return f'"{column.table}"."{column.name}"'

    def _aggregate(self, aggregate: Aggregate[Any]) -> str:
        inner = "*" if aggregate.column is None else self._column(aggregate.column)
        return f"{aggregate.function}({'distinct ' if aggregate.distinct else ''}{inner})"

    def _value(self, left: Operand[Any], right: object) -> str:
        if isinstance(right, Operand):
            _refuse_strangers(left, right)
            return self.operand(right)
        self.arguments.append(bound(left, right))
        return "?"

    def compare(self, node: Compare) -> str:
        left, comparator, right = node.left, node.comparator, node.right
        if left.kind is Kind.JSON and comparator not in _EQUALITIES:
            raise _has_no_order(left)
        text = self.operand(left)
        if right is None:
            return f"{text} {comparator} null"
        return f"{text} {comparator} {self._value(left, right)}"

    def one_of(self, node: In) -> str:
        left, count = self.operand(node.left), len(node.values)
        if count == 0:
            return "0"
        if count <= IN_BOUND_VALUES_MAX:
            return f"{left} in ({', '.join([self._value(node.left, value) for value in node.values])})"
        raws = [bound(node.left, value) for value in node.values]
        if node.left.kind in (Kind.REAL, Kind.BLOB):
            if count > IN_VALUES_MAX:
                raise e.QueryError(f"in_() of {named(node.left)} takes at most {IN_VALUES_MAX} values")
            self.arguments += raws
            return f"{left} in ({', '.join('?' * count)})"
        self.arguments.append(canonical_json(raws))
        return f"{left} in (select value from json_each(?))"

    def between(self, node: Between) -> str:
        if node.left.kind is Kind.JSON:
            raise _has_no_order(node.left)
        left = self.operand(node.left)
        return f"{left} between {self._value(node.left, node.low)} and {self._value(node.left, node.high)}"

    def like(self, node: Like) -> str:
        if node.left.kind not in _TEXTS:
            raise e.QueryError(f"like needs text; {named(node.left)} is {node.left.kind}")
        left = self.operand(node.left)
        self.arguments.append(_pattern(node))
        return f"{left} like ? escape '\\'"

    def every(self, node: And) -> str:
        return self._several(node.parts, " and ", "1")

    def some(self, node: Or) -> str:
        return self._several(node.parts, " or ", "0")

    def opposite(self, node: Not) -> str:
        return f"not ({self._deeper(node.part)})"

    def raw(self, node: Raw) -> str:
        self.arguments += [_plain(value) for value in node.arguments]
        return f"({node.sql})"

    def search(self, node: Search) -> str:
        if self._search is None:
            return self.condition(search_by_like(node))
        text, arguments = self._search(node)
        self.arguments += arguments
        return f"({text})"

    def _several(self, parts: tuple[Condition, ...], word: str, without: str) -> str:
        if not parts:
            return without
        if len(parts) == 1:
            return self._deeper(parts[0])
        return f"({word.join([self._deeper(part) for part in parts])})"

    def _deeper(self, part: Condition) -> str:
        self._depth += 1
        if self._depth > CONDITION_DEPTH_MAX:
            raise e.QueryError(f"the condition is nested deeper than {CONDITION_DEPTH_MAX} levels")
        text = self.condition(part)
        self._depth -= 1
        return text


_WRITERS: Final[dict[type[Condition], Callable[[Scribe, Any], str]]] = {
    Compare: Scribe.compare,
    In: Scribe.one_of,
    Between: Scribe.between,
    Like: Scribe.like,
    And: Scribe.every,
    Or: Scribe.some,
    Not: Scribe.opposite,
    Raw: Scribe.raw,
    Search: Scribe.search,
}


def bound(operand: Operand[Any], value: object) -> Any:
    """What SQLite gets for `value` beside `operand`; QueryError names the operand when it does not fit."""
    if type(value) is str and operand.kind is Kind.TEXT and value.isascii() and "\0" not in value:
        return value  # by far the most frequent, and nothing to convert
    return checked(operand.kind, value, operand)


def checked(kind: Kind, value: object, operand: Operand[Any]) -> Any:
    """What SQLite gets for `value` of `kind`, given beside `operand`."""
    try:
        return to_raw(kind, value)
    except e.RecordInvalid as error:
        raise e.QueryError(f"{named(operand)}: {error.message}", hint=error.hint) from None


def search_by_like(node: Search) -> Condition:
    """Without a text index: every word is found, letters A-Z without case, in one of the columns."""
    words = node.text.split()[:SEARCH_WORDS_MAX]
    found = [Or(tuple(Like(column, f"%{escape_like(word)}%") for column in node.columns)) for word in words]
    return And(tuple(found))


def named(operand: Operand[Any]) -> str:
    """How an error speaks of `operand`."""
    if isinstance(operand, Column):
        return f"{operand.table}.{operand.name}"
    if isinstance(operand, Aggregate) and operand.column is not None:
        return f"{operand.function} of {named(operand.column)}"
    return "count of rows"


def _has_no_order(operand: Operand[Any]) -> e.QueryError:
    return e.QueryError(f"{named(operand)} is {operand.kind}, which has no order")


def _refuse_strangers(left: Operand[Any], right: Operand[Any]) -> None:
    if left.kind is right.kind or {left.kind, right.kind} <= _NUMBERS:
        return
    raise e.QueryError(f"{named(left)} is {left.kind} and {named(right)} is {right.kind}: they cannot be compared")


def _pattern(node: Like) -> str:
    pattern: str = checked(Kind.TEXT, node.pattern, node.left)
    if len(pattern) > LIKE_PATTERN_CHARS_MAX:
        raise e.QueryError(f"the pattern is longer than {LIKE_PATTERN_CHARS_MAX} characters")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise e.QueryError("the pattern ends with its escape character", hint="write \\\\ for a backslash")
    return pattern


def _plain(value: object) -> Any:
    return milliseconds(value) if isinstance(value, datetime) else value
