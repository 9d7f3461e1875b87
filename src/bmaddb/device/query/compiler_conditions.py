"""Conditions and operands -> SQL text; every value goes to the arguments, in the order of its `?`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.device.query.binding import (
    bound,
    named,
    pattern_of,
    plain,
    refuse_deeper,
    refuse_strangers,
    refuse_without_order,
)
from bmaddb.device.query.plan import SearchText
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import (
    And,
    Between,
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
from bmaddb.schema.kinds import Kind, canonical_json

IN_BOUND_VALUES_MAX: Final = 16
"""Longer lists travel as one JSON argument, or each length would be a statement of its own in the cache."""
IN_VALUES_MAX: Final = 30_000
"""Real and blob, which JSON cannot carry exactly: each value is an argument, and SQLite has a limit."""
SEARCH_WORDS_MAX: Final = 32


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
            refuse_strangers(left, right)
            return self.operand(right)
        self.arguments.append(bound(left, right))
        return "?"

    def compare(self, node: Compare) -> str:
        left, comparator, right = node.left, node.comparator, node.right
        refuse_without_order(left, comparator)
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
        refuse_without_order(node.left)
        left = self.operand(node.left)
        return f"{left} between {self._value(node.left, node.low)} and {self._value(node.left, node.high)}"

    def like(self, node: Like) -> str:
        pattern = pattern_of(node)
        left = self.operand(node.left)
        self.arguments.append(pattern)
        return f"{left} like ? escape '\\'"

    def every(self, node: And) -> str:
        return self._several(node.parts, " and ", "1")

    def some(self, node: Or) -> str:
        return self._several(node.parts, " or ", "0")

    def opposite(self, node: Not) -> str:
        return f"not ({self._deeper(node.part)})"

    def raw(self, node: Raw) -> str:
        self.arguments += [plain(value) for value in node.arguments]
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
        refuse_deeper(self._depth)
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


def search_by_like(node: Search) -> Condition:
    """Without a text index: every word is found, letters A-Z without case, in one of the columns."""
    words = node.text.split()[:SEARCH_WORDS_MAX]
    found = [Or(tuple(Like(column, f"%{escape_like(word)}%") for column in node.columns)) for word in words]
    return And(tuple(found))
