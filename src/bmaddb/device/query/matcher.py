"""Conditions over one table as Python predicates, which agree with SQLite on every row.

A matcher takes a record (its slots hold what SQLite holds) and answers True, False, or None where SQL says
NULL: unknown. It is made once for a plan, out of closures, and costs a fraction of a microsecond a row.

Rules of this room: what it says is what SQLite says, tested against each other (`tests/query`). Texts compare
by code point, which is the order of their UTF-8; LIKE folds A-Z and no other letter; whole numbers and reals
compare exactly. What cannot be held to that is left to SQL: there is no matcher then.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.query.binding import (
    NULL_SAFE,
    Slot,
    bound,
    held,
    included,
    pattern_of,
    refuse_deeper,
    refuse_strangers,
    refuse_without_order,
)
from bmaddb.device.query.matcher_operands import OnlySql, Reader, document, is_of, reader_of
from bmaddb.device.query.plan import Plan
from bmaddb.schema.conditions import (
    And,
    Between,
    Comparator,
    Compare,
    Condition,
    Holds,
    In,
    Includes,
    Known,
    Like,
    Not,
    Or,
    Param,
    Valued,
)
from bmaddb.schema.expressions import Operand
from bmaddb.schema.kinds import Kind
from bmaddb.schema.records import Record

Truth: TypeAlias = bool | None
Matcher: TypeAlias = Callable[[Any], Truth]
"""(record of the plan's table) -> True, False, or None: unknown, which is no match, and whose opposite is none."""

_OPERATORS: Final[dict[Comparator, Callable[[Any, Any], bool]]] = {
    Comparator.EQ: operator.eq,
    Comparator.NE: operator.ne,
    Comparator.LT: operator.lt,
    Comparator.LE: operator.le,
    Comparator.GT: operator.gt,
    Comparator.GE: operator.ge,
    Comparator.IS: operator.eq,
    Comparator.IS_NOT: operator.ne,
}


def matcher_of(plan: Plan) -> Matcher | None:
    """Does a row of the plan's table satisfy its conditions? None where only SQL can say.

    That is: joins, groups, raw SQL, text search, subqueries. Order, limit and offset say nothing of one row and
    are not looked at. QueryError for what the compiler refuses as well.
    """
    if plan.joins or plan.groups or plan.having:
        return None
    try:
        return MatcherMaker(plan.record).every(And(plan.conditions))
    except OnlySql:
        return None


class MatcherMaker:
    """Makes the closures of one plan."""

    __slots__ = ("_depth", "_record", "_table")

    def __init__(self, record: type[Record]) -> None:
        self._record = record
        self._table = record.__table__.name
        self._depth = 0

    def condition(self, condition: Condition) -> Matcher:
        make = _MAKERS.get(type(condition))
        if make is None:
            raise OnlySql
        self._depth += 1
        refuse_deeper(self._depth)
        made = make(self, condition)
        self._depth -= 1
        return made

    def reader(self, operand: Valued) -> Reader:
        """What gives the operand's raw value."""
        return reader_of(operand, self._table)

    def compare(self, node: Compare) -> Matcher:
        refuse_without_order(node.left, node.comparator)
        left, apply = self.reader(node.left), _OPERATORS[node.comparator]
        if isinstance(node.right, Operand):
            refuse_strangers(node.left, node.right)
            right = self.reader(node.right)
            if node.comparator in NULL_SAFE:
                return lambda record: apply(left(record), right(record))
            return _between_readers(left, apply, right)
        if node.right is None:
            return _against_null(left, node.comparator)
        value = _given(bound(node.left, node.right))
        if node.comparator in NULL_SAFE:
            return lambda record: apply(left(record), value)
        return _against_value(left, apply, value)

    def one_of(self, node: In) -> Matcher:
        left = self.reader(node.left)
        if isinstance(node.values, Param):
            raise _unbound(node.values.name)
        if not node.values:
            return lambda record: False
        if any(isinstance(value, Operand) for value in node.values):
            return _some(tuple(self.compare(Compare(node.left, Comparator.EQ, value)) for value in node.values))
        values = frozenset([_given(bound(node.left, value)) for value in node.values])

        def matches(record: Any) -> Truth:
            held = left(record)
            return None if held is None else held in values

        return matches

    def between(self, node: Between) -> Matcher:
        refuse_without_order(node.left)
        if isinstance(node.low, Operand) or isinstance(node.high, Operand):
            ends = ((Comparator.GE, node.low), (Comparator.LE, node.high))
            return _every(tuple(self.compare(Compare(node.left, comparator, end)) for comparator, end in ends))
        left = self.reader(node.left)
        low, high = _given(bound(node.left, node.low)), _given(bound(node.left, node.high))

        def matches(record: Any) -> Truth:
            held = left(record)
            return None if held is None else low <= held <= high

        return matches

    def like(self, node: Like) -> Matcher:
        fits = like_expression(_given(pattern_of(node))).fullmatch
        left = self.reader(node.left)

        def matches(record: Any) -> Truth:
            held = left(record)
            return None if held is None else fits(held) is not None

        return matches

    def includes(self, node: Includes) -> Matcher:
        text, left = _given(included(node)), self.reader(node.left)

        def matches(record: Any) -> Truth:
            held = left(record)
            return None if held is None else text in held

        return matches

    def holds(self, node: Holds) -> Matcher:
        kind, value = held(node)
        left = self.reader(node.left)

        def matches(record: Any) -> Truth:
            text = left(record)
            items = None if text is None else document(text)
            return isinstance(items, list) and any(_same(item, kind, value) for item in items)

        return matches

    def known(self, node: Known) -> Matcher:
        part = self.condition(node.part)
        return lambda record: part(record) is True

    def every(self, node: And) -> Matcher:
        if len(node.parts) == 1:
            return self.condition(node.parts[0])
        return _every(tuple([self.condition(part) for part in node.parts]))

    def some(self, node: Or) -> Matcher:
        if len(node.parts) == 1:
            return self.condition(node.parts[0])
        return _some(tuple([self.condition(part) for part in node.parts]))

    def opposite(self, node: Not) -> Matcher:
        part = self.condition(node.part)

        def matches(record: Any) -> Truth:
            truth = part(record)
            return None if truth is None else not truth

        return matches


_MAKERS: Final[dict[type[Condition], Callable[[MatcherMaker, Any], Matcher]]] = {
    Compare: MatcherMaker.compare,
    In: MatcherMaker.one_of,
    Between: MatcherMaker.between,
    Like: MatcherMaker.like,
    Includes: MatcherMaker.includes,
    Holds: MatcherMaker.holds,
    Known: MatcherMaker.known,
    And: MatcherMaker.every,
    Or: MatcherMaker.some,
    Not: MatcherMaker.opposite,
}


def _given(raw: Any) -> Any:
    if isinstance(raw, Slot):
        raise _unbound(raw.name)
    return raw


def _unbound(name: str) -> e.QueryError:
    return e.QueryError(f"the parameter '{name}' has no value", hint="prepare the query, and give it one")


def _same(item: Any, kind: Kind | None, value: Any) -> bool:
    if kind is None:
        return item is None
    return is_of(kind, item) and bool(item == value)


def like_expression(pattern: str) -> re.Pattern[str]:
    """A LIKE pattern with `\\` as its escape, as a regular expression for `fullmatch`.

    Each text between two `%` is taken where it first fits and never looked for again (an atomic group), so that
    no pattern costs more than its length times the text's.
    """
    pieces = [""]
    letters = iter(pattern)
    for letter in letters:
        if letter == "%":
            pieces.append("")
        else:
            pieces[-1] += "." if letter == "_" else re.escape(next(letters) if letter == "\\" else letter)
    first, *middle = pieces
    last = f".*{middle.pop()}" if middle else ""
    inner = "".join([f"(?>.*?{piece})" for piece in middle if piece])
    return re.compile(first + inner + last, re.DOTALL | re.IGNORECASE | re.ASCII)


def _against_value(left: Reader, apply: Callable[[Any, Any], bool], value: Any) -> Matcher:
    def matches(record: Any) -> Truth:
        held = left(record)
        return None if held is None else apply(held, value)

    return matches


def _against_null(left: Reader, comparator: Comparator) -> Matcher:
    if comparator is Comparator.IS:
        return lambda record: left(record) is None
    if comparator is Comparator.IS_NOT:
        return lambda record: left(record) is not None
    return lambda record: None


def _between_readers(left: Reader, apply: Callable[[Any, Any], bool], right: Reader) -> Matcher:
    def matches(record: Any) -> Truth:
        one, other = left(record), right(record)
        return None if one is None or other is None else apply(one, other)

    return matches


def _every(parts: tuple[Matcher, ...]) -> Matcher:
    """False where some part is, else unknown where some part is, else True."""

    def matches(record: Any) -> Truth:
        answer: Truth = True
        for part in parts:
            truth = part(record)
            if not truth:
                if truth is not None:
                    return False
                answer = None
        return answer

    return matches


def _some(parts: tuple[Matcher, ...]) -> Matcher:
    """True where some part is, else unknown where some part is, else False."""

    def matches(record: Any) -> Truth:
        answer: Truth = False
        for part in parts:
            truth = part(record)
            if truth:
                return True
            if truth is None:
                answer = None
        return answer

    return matches
