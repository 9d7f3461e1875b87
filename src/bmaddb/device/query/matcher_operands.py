"""Operands -> Python functions from a record to the value SQLite would have. Part of the matcher.

Whole numbers that leave 64 bits become reals, and what is not a number becomes null, as in SQLite. Of two
equal keys in a JSON object the first counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from operator import add, attrgetter, mul, sub
from typing import Any, Final, TypeAlias

from bmaddb import errors as e
from bmaddb.device.query.binding import bound
from bmaddb.schema.columns import Column
from bmaddb.schema.conditions import Param, Valued
from bmaddb.schema.expressions import Constant, Derived, Function, JsonPath, Operand
from bmaddb.schema.kinds import INT_MAX, INT_MIN, Kind

Reader: TypeAlias = Callable[[Any], Any]
"""(record) -> what SQLite holds for one operand; None is null."""
DOCUMENTS_KEPT_MAX: Final = 256
_DIGITS_SURELY_WHOLE: Final = 18
_LOWER: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}
_SIGNS: Final = {Function.ADD: add, Function.SUBTRACT: sub, Function.MULTIPLY: mul}
_PYTHON_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.INT: (int,),
    Kind.REAL: (int, float),
    Kind.BOOL: (bool,),
}


class OnlySql(Exception):
    """Only the database can answer this part of a query."""


class BeyondWhole(float):
    """A whole number of a JSON text that does not fit 64 bits: SQLite reads it as a real, and calls it whole."""


def reader_of(operand: Valued, table: str) -> Reader:
    """What gives the operand's raw value for a record of `table`; OnlySql where only the database can."""
    if isinstance(operand, Column):
        if operand.table == table:
            return attrgetter(operand.slot)
    elif isinstance(operand, Derived):
        return _derived(operand, table)
    elif isinstance(operand, JsonPath):
        return _json_path(operand, table)
    elif isinstance(operand, Constant):
        raw = operand.raw
        return lambda record: raw
    raise OnlySql


@lru_cache(maxsize=DOCUMENTS_KEPT_MAX)
def document(text: str) -> Any:
    """The JSON value of a text; kept, so it must not be changed. RecordInvalid where it is too deep for Python."""
    try:
        return json.loads(text, object_pairs_hook=_first_of_each, parse_int=_whole)
    except RecursionError:
        raise e.RecordInvalid("the file holds JSON that is nested deeper than Python reads") from None


def is_of(kind: Kind, value: Any) -> bool:
    """Is a value out of a JSON text of this kind, as SQLite's json_type sees it?"""
    if isinstance(value, BeyondWhole):
        return kind in (Kind.INT, Kind.REAL)
    if isinstance(value, bool):
        return kind is Kind.BOOL
    return isinstance(value, _PYTHON_TYPES[kind])


def _derived(node: Derived[Any], table: str) -> Reader:
    first = reader_of(node.arguments[0], table)
    if node.function is Function.LENGTH:
        return lambda record: None if (text := first(record)) is None else len(text)
    if node.function is Function.LOWER:
        return lambda record: None if (text := first(record)) is None else text.translate(_LOWER)
    if node.function is Function.IFNULL:
        other = node.arguments[1]
        if isinstance(other, Param):
            raise OnlySql
        if isinstance(other, Operand):
            second = reader_of(other, table)
            return lambda record: second(record) if (held := first(record)) is None else held
        raw = bound(node.arguments[0], other)
        return lambda record: raw if (held := first(record)) is None else held
    return _arithmetic(_SIGNS[node.function], first, reader_of(node.arguments[1], table))


def _arithmetic(apply: Callable[[Any, Any], Any], first: Reader, second: Reader) -> Reader:
    def read(record: Any) -> Any:
        left, right = first(record), second(record)
        if left is None or right is None:
            return None
        result = apply(left, right)
        if type(result) is int:
            return result if INT_MIN <= result <= INT_MAX else apply(float(left), float(right))
        return result if result == result else None

    return read


def _json_path(node: JsonPath[Any], table: str) -> Reader:
    text_of, steps, kind = reader_of(node.document, table), node.steps, node.kind

    def read(record: Any) -> Any:
        text = text_of(record)
        if text is None:
            return None
        value = document(text)
        for step in steps:
            if isinstance(step, str):
                if not isinstance(value, dict) or step not in value:
                    return None
            elif not isinstance(value, list) or not -len(value) <= step < len(value):
                return None
            value = value[step]
        if not is_of(kind, value):
            return None
        return int(value) if kind is Kind.BOOL else value

    return read


def _first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _whole(digits: str) -> int | float:
    if len(digits) <= _DIGITS_SURELY_WHOLE:
        return int(digits)
    number = float(digits)
    if abs(number) > 2.0**64:
        return BeyondWhole(number)
    whole = int(digits)
    return whole if INT_MIN <= whole <= INT_MAX else BeyondWhole(number)
