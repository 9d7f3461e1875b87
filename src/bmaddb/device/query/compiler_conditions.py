"""Conditions and operands -> SQL text; every value goes to the arguments, in the order of its `?`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query import compiler_operands
from bmaddb.device.query.aggregates import named
from bmaddb.device.query.binding import (
    NULL_SAFE,
    bound,
    bound_list,
    bound_null_safe,
    held,
    included,
    list_slot,
    pattern_of,
    plain,
    refuse_deeper,
    refuse_strangers,
    refuse_without_order,
    whole,
)
from bmaddb.device.query.plan import Join, Plan, SearchText
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import (
    And,
    Between,
    Compare,
    Condition,
    Holds,
    In,
    Includes,
    InRows,
    Known,
    Like,
    LikeForm,
    Not,
    Or,
    Order,
    Param,
    Raw,
    Related,
    Search,
    Valued,
)
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind
from bmaddb.schema.relations import target_of

IN_BOUND_VALUES_MAX: Final = 16
"""Longer lists travel as one JSON argument, or each length would be a statement of its own in the cache."""
IN_VALUES_MAX: Final = 30_000
"""Blobs, which JSON cannot carry, and reals: each value is an argument, and SQLite has a limit."""
SEARCH_WORDS_MAX: Final = 32
SUBQUERY_DEPTH_MAX: Final = 16

_LIMIT: Final = " limit ? + 0"
"""A bare `?` here makes SQLite plan the statement anew at every run: six times the cost of a point read."""
_OFFSET: Final = " offset ? + 0"


class Scribe:
    """Writes one statement, or a subquery of one. `names`: each table of its FROM, and how it is called there."""

    __slots__ = ("_depth", "_outer", "_search", "arguments", "names")

    def __init__(self, names: Mapping[str, str], search: SearchText | None = None, outer: Scribe | None = None) -> None:
        self.names = names
        self.arguments: list[Any] = [] if outer is None else outer.arguments
        self._search = search
        self._outer = outer
        self._depth = 0

    # -- statements ----------------------------------------------------------------------------------------

    def statement(self, listed: str, plan: Plan, *, ordered: bool = True, rows_max: int | None = None) -> str:
        """SELECT `listed` from what the plan says; `rows_max` narrows its limit."""
        table = plan.record.__table__.name
        called = self.names[table]
        text = ("select distinct " if plan.distinct else "select ") + listed + f' from "{table}"'
        if len(called) != len(table) + 2:
            text += f" as {called}"
        if plan.joins:
            text += "".join([self._joined(join) for join in plan.joins])
        if plan.conditions:
            text += " where " + self.all_of(plan.conditions)
        if plan.groups:
            text += f" group by {', '.join([self.operand(operand) for operand in plan.groups])}"
        if plan.having:
            text += " having " + self.all_of(plan.having)
        if ordered and plan.orders:
            text += " order by " + ", ".join([self.order(order) for order in plan.orders])
        return text + self._limited(plan, rows_max)

    def _limited(self, plan: Plan, rows_max: int | None) -> str:
        limit, offset = plan.limit, plan.offset
        if limit is None and offset == 0:
            return "" if rows_max is None else f" limit {rows_max}"
        if rows_max is not None and (limit is None or (isinstance(limit, int) and limit > rows_max)):
            limit = rows_max
        self.arguments.append(-1 if limit is None else whole("limit", limit))
        if offset == 0:
            return _LIMIT
        self.arguments.append(whole("offset", offset))
        return _LIMIT + _OFFSET

    def all_of(self, conditions: tuple[Condition, ...]) -> str:
        """Conditions of a WHERE, without needless parentheses."""
        if len(conditions) == 1 and type(conditions[0]) is not And:
            return self.condition(conditions[0])
        parts = [part for item in conditions for part in (item.parts if isinstance(item, And) else (item,))]
        return " and ".join([self.condition(part) for part in parts]) or "1"

    def subselect(self, listed: Callable[[Scribe], str], plan: Plan) -> str:
        """A statement inside this one; its tables stand before ours where a column could be either's."""
        self._refuse_deeper_query()
        tables = (plan.record.__table__.name, *(join.record.__table__.name for join in plan.joins))
        inner = Scribe({table: f'"{table}"' for table in tables}, self._search, self)
        return inner.statement(listed(inner), plan)

    def related(self, listed: str, column: Column[Any], down: bool, conditions: tuple[Condition, ...]) -> str:
        """SELECT `listed` from the rows on the other side of a foreign key, without parentheses."""
        target = target_of(column)
        here, there = (target, column.table) if down else (column.table, target)
        ours = self._called(here)
        if ours is None:
            raise _not_here(column if not down else f"{here}.id", self.names)
        # Both sides may be one table: then theirs gets a name of its own, with a space, as no table has.
        depth = self._refuse_deeper_query()
        theirs = f'"{there}"' if self._called(there) is None else f'"{there} {depth}"'
        inner = Scribe({there: theirs}, self._search, self)
        ends = (f'{theirs}."{column.name}"', f'{ours}."id"') if down else (f'{theirs}."id"', f'{ours}."{column.name}"')
        source = f'"{there}"' if len(theirs) == len(there) + 2 else f'"{there}" as {theirs}'
        rest = f" and {inner.all_of(conditions)}" if conditions else ""
        return f"select {listed} from {source} where {ends[0]} = {ends[1]}{rest}"

    def _refuse_deeper_query(self) -> int:
        """How deep a query inside this one stands."""
        depth, outer = 1, self._outer
        while outer is not None:
            depth, outer = depth + 1, outer._outer
        if depth > SUBQUERY_DEPTH_MAX:
            raise e.QueryError(f"the query is nested deeper than {SUBQUERY_DEPTH_MAX} queries")
        return depth

    def _joined(self, join: Join) -> str:
        words, table = ("left join" if join.outer else "join"), join.record.__table__.name
        called = self.names[table]
        source = f'"{table}"' if len(called) == len(table) + 2 else f'"{table}" as {called}'
        child = f'{self.names[join.child_table]}."{join.child}"'
        return f' {words} {source} on {child} = {self.names[join.parent]}."id"'

    # -- operands ------------------------------------------------------------------------------------------

    def operand(self, operand: Valued) -> str:
        if type(operand) is Column:
            called = self.names.get(operand.table) or self._called(operand.table)
            if called is None:
                raise _not_here(operand, self.names)
            return f'{called}."{operand.name}"'
        return compiler_operands.written(self, operand)

    def order(self, order: Order) -> str:
        """One step of ORDER BY; SQLite takes null as the smallest, so only the rest needs words."""
        text = self.operand(order.operand)
        if order.descending:
            return f"{text} desc" if order.nulls_last else f"{text} desc nulls first"
        return f"{text} asc nulls last" if order.nulls_last else f"{text} asc"

    def _called(self, table: str) -> str | None:
        """How the table is called, here or in a statement around this one."""
        scribe: Scribe | None = self
        while scribe is not None:
            called = scribe.names.get(table)
            if called is not None:
                return called
            scribe = scribe._outer
        return None

    def _value(self, left: Valued, right: object) -> str:
        if isinstance(right, Operand):
            refuse_strangers(left, right)
            return self.operand(right)
        self.arguments.append(bound(left, right))
        return "?"

    # -- conditions ----------------------------------------------------------------------------------------

    def condition(self, condition: Condition) -> str:
        """SQL for `condition`; what holds several parts stands in parentheses."""
        try:
            write = _WRITERS[type(condition)]
        except KeyError:
            raise e.QueryError(
                f"not a condition: {condition!r}", hint="compare columns: Task.state == 'todo'"
            ) from None
        return write(self, condition)

    def compare(self, node: Compare) -> str:
        left, comparator, right = node.left, node.comparator, node.right
        if left.kind is Kind.JSON:
            refuse_without_order(left, comparator)
        text = self.operand(left) + " " + comparator
        if right is None:
            return text + " null"
        if comparator in NULL_SAFE and isinstance(right, Param):
            self.arguments.append(bound_null_safe(left, right))
            return text + " ?"
        return text + " " + self._value(left, right)

    def one_of(self, node: In) -> str:
        values = node.values
        if values == ():
            return "0"
        left = self.operand(node.left)
        if isinstance(values, Param):
            self.arguments.append(list_slot(node, values))
            return f"{left} in (select value from json_each(?))"
        count = len(values)
        if count <= IN_BOUND_VALUES_MAX:
            return f"{left} in ({', '.join([self._value(node.left, value) for value in values])})"
        if node.left.kind in (Kind.REAL, Kind.BLOB):
            if count > IN_VALUES_MAX:
                raise e.QueryError(f"in_() of {named(node.left)} takes at most {IN_VALUES_MAX} values")
            self.arguments += [bound(node.left, value) for value in values]
            return f"{left} in ({', '.join('?' * count)})"
        self.arguments.append(bound_list(node, values))
        return f"{left} in (select value from json_each(?))"

    def one_of_rows(self, node: InRows) -> str:
        refuse_strangers(node.left, node.rows.operand)
        left = self.operand(node.left)
        return f"{left} in ({compiler_operands.rows(self, node.rows, nulls=False)})"

    def between(self, node: Between) -> str:
        refuse_without_order(node.left)
        left = self.operand(node.left)
        return f"{left} between {self._value(node.left, node.low)} and {self._value(node.left, node.high)}"

    def like(self, node: Like) -> str:
        pattern = pattern_of(node)
        left = self.operand(node.left)
        self.arguments.append(pattern)
        return f"{left} like ? escape '\\'"

    def includes(self, node: Includes) -> str:
        text = included(node)
        left = self.operand(node.left)
        self.arguments.append(text)
        return f"instr({left}, ?) > 0"

    def holds(self, node: Holds) -> str:
        kind, value = held(node)
        types = "'null'" if kind is None else compiler_operands.JSON_TYPES[kind]
        guard, items = self.operand(node.left), self.operand(node.left)
        same = ""
        if kind is Kind.BOOL:
            types = "'true'" if value else "'false'"
        elif kind is not None:
            same = ' and "json_each"."value" = ?'
            self.arguments.append(value)
        found = f'exists (select 1 from json_each({items}) where "json_each"."type" in ({types}){same})'
        return f"(ifnull(json_type({guard}), '') = 'array' and {found})"

    def related_to(self, node: Related) -> str:
        return f"exists ({self.related('1', node.column, node.down, node.conditions)})"

    def every(self, node: And) -> str:
        return self._several(node.parts, " and ", "1")

    def some(self, node: Or) -> str:
        return self._several(node.parts, " or ", "0")

    def opposite(self, node: Not) -> str:
        return f"not ({self._deeper(node.part)})"

    def known(self, node: Known) -> str:
        return f"(({self._deeper(node.part)}) is true)"

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
    InRows: Scribe.one_of_rows,
    Between: Scribe.between,
    Like: Scribe.like,
    Includes: Scribe.includes,
    Holds: Scribe.holds,
    Related: Scribe.related_to,
    And: Scribe.every,
    Or: Scribe.some,
    Not: Scribe.opposite,
    Known: Scribe.known,
    Raw: Scribe.raw,
    Search: Scribe.search,
}


def search_by_like(node: Search) -> Condition:
    """Without a text index: every word is found, letters A-Z without case, in one of the columns."""
    words = node.text.split()[:SEARCH_WORDS_MAX]
    found = [Or(tuple(Like(column, word, LikeForm.CONTAINS) for column in node.columns)) for word in words]
    return And(tuple(found))


def _not_here(column: Column[Any] | str, names: Mapping[str, str]) -> e.QueryError:
    return e.QueryError(
        f"{column if isinstance(column, str) else named(column)} is not part of this query",
        hint=f"join its table first; here are {', '.join(sorted(names))}",
    )
