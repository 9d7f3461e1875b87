"""What a value becomes beside an operand, and what may stand beside what. Compiler and matcher both ask here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.query.aggregates import Aggregate
from bmaddb.schema.columns import Column
from bmaddb.schema.expressions import Comparator, Like, Operand
from bmaddb.schema.kinds import Kind, milliseconds, to_raw

LIKE_PATTERN_CHARS_MAX: Final = 10_000
CONDITION_DEPTH_MAX: Final = 200

_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})
_TEXTS: Final = frozenset({Kind.TEXT, Kind.JSON})
_EQUALITIES: Final = frozenset({Comparator.EQ, Comparator.NE, Comparator.IS, Comparator.IS_NOT})


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


def plain(value: object) -> Any:
    """What SQLite gets for an argument of raw SQL."""
    return milliseconds(value) if isinstance(value, datetime) else value


def pattern_of(node: Like) -> str:
    """The pattern of a LIKE, checked; QueryError where it, or the operand, is none."""
    if node.left.kind not in _TEXTS:
        raise e.QueryError(f"like needs text; {named(node.left)} is {node.left.kind}")
    pattern: str = checked(Kind.TEXT, node.pattern, node.left)
    if len(pattern) > LIKE_PATTERN_CHARS_MAX:
        raise e.QueryError(f"the pattern is longer than {LIKE_PATTERN_CHARS_MAX} characters")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise e.QueryError("the pattern ends with its escape character", hint="write \\\\ for a backslash")
    return pattern


def refuse_without_order(operand: Operand[Any], comparator: Comparator | None = None) -> None:
    """JSON values can be equal, but none is less than another; no comparator means BETWEEN."""
    if operand.kind is Kind.JSON and comparator not in _EQUALITIES:
        raise e.QueryError(f"{named(operand)} is {operand.kind}, which has no order")


def refuse_strangers(left: Operand[Any], right: Operand[Any]) -> None:
    """Operands are compared when they hold the same kind of value, or both hold numbers."""
    if left.kind is right.kind or {left.kind, right.kind} <= _NUMBERS:
        return
    raise e.QueryError(f"{named(left)} is {left.kind} and {named(right)} is {right.kind}: they cannot be compared")


def refuse_deeper(depth: int) -> None:
    """Conditions are read by recursion, here and in SQLite."""
    if depth > CONDITION_DEPTH_MAX:
        raise e.QueryError(f"the condition is nested deeper than {CONDITION_DEPTH_MAX} levels")


def named(operand: Operand[Any]) -> str:
    """How an error speaks of `operand`."""
    if isinstance(operand, Column):
        return f"{operand.table}.{operand.name}"
    if isinstance(operand, Aggregate) and operand.column is not None:
        return f"{operand.function} of {named(operand.column)}"
    return "count of rows"
