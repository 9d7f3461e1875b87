"""What a value becomes beside an operand, and what may stand beside what. Compiler and matcher both ask here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec

from bmaddb import errors as e
from bmaddb.device.query.aggregates import named
from bmaddb.schema.conditions import Comparator, Holds, In, Includes, Like, LikeForm, Param, Valued
from bmaddb.schema.expressions import escape_like
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import INT_MAX, Kind, milliseconds, to_raw

LIKE_PATTERN_CHARS_MAX: Final = 10_000
CONDITION_DEPTH_MAX: Final = 200

_NUMBERS: Final = frozenset({Kind.INT, Kind.REAL})
_TEXTS: Final = frozenset({Kind.TEXT, Kind.JSON})
_INEXACT_IN_JSON: Final = frozenset({Kind.REAL, Kind.BLOB})
NULL_SAFE: Final = frozenset({Comparator.IS, Comparator.IS_NOT})
_EQUALITIES: Final = frozenset({Comparator.EQ, Comparator.NE, Comparator.IS, Comparator.IS_NOT})


class Slot(msgspec.Struct, frozen=True, eq=False):
    """An argument that is not known yet: `convert` makes it of what the parameter `name` is given."""

    name: str
    convert: Callable[[Any], Any]


def bound(operand: Valued, value: object) -> Any:
    """What SQLite gets for `value` beside `operand`; QueryError names the operand when it does not fit."""
    if type(value) is str and operand.kind is Kind.TEXT and value.isascii() and "\0" not in value:
        return value  # by far the most frequent, and nothing to convert
    if isinstance(value, Param):
        return Slot(value.name, partial(bound, operand))
    return checked(operand.kind, value, operand)


def bound_null_safe(operand: Valued, value: object) -> Any:
    """The same beside IS, where a parameter may be None."""
    if isinstance(value, Param):
        return Slot(value.name, lambda given: None if given is None else bound(operand, given))
    return bound(operand, value)


def checked(kind: Kind, value: object, operand: Valued) -> Any:
    """What SQLite gets for `value` of `kind`, given beside `operand`."""
    if value is None:
        raise e.QueryError(f"{named(operand)}: comparing with None matches no row", hint="use .is_(param(...))")
    try:
        return to_raw(kind, value)
    except e.RecordInvalid as error:
        raise e.QueryError(f"{named(operand)}: {error.message}", hint=error.hint) from None


def bound_list(node: In, values: object) -> str:
    """The values of a long list, or of a parameter that is one, as one JSON argument."""
    return canonical_json([bound(node.left, value) for value in listed(node, values)])


def listed(node: In, values: object) -> tuple[object, ...]:
    """The values that a parameter of in_() is given; QueryError when it is no list of them."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise e.QueryError(f"in_() of {named(node.left)} takes a list of values")
    return tuple(values)


def list_slot(node: In, param: Param) -> Slot:
    """The argument for a list that is given later."""
    if node.left.kind in _INEXACT_IN_JSON:
        raise e.QueryError(f"a list of {node.left.kind} values cannot be a parameter", hint="write in_([...])")
    return Slot(param.name, lambda given: bound_list(node, given))


def plain(value: object) -> Any:
    """What SQLite gets for an argument of raw SQL."""
    if isinstance(value, Param):
        return Slot(value.name, plain)
    if isinstance(value, datetime):
        return milliseconds(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if value is None or isinstance(value, str | int | float | bytes):
        return value
    raise e.QueryError(f"raw() takes no {type(value).__name__}", hint="texts, numbers, bytes, moments and None")


def whole(word: str, rows: object) -> Any:
    """A number of rows, for LIMIT and OFFSET; QueryError when it is none."""
    if isinstance(rows, Param):
        return Slot(rows.name, lambda given: whole(word, given))
    if not isinstance(rows, int) or isinstance(rows, bool) or not 0 <= rows <= INT_MAX:
        raise e.QueryError(f"{word} must be a whole number from 0 up, got {rows!r}")
    return rows


def pattern_of(node: Like) -> Any:
    """The pattern of a LIKE, checked; QueryError where it, or the operand, is none."""
    refuse_no_text(node, "like")
    if isinstance(node.text, Param):
        return Slot(node.text.name, lambda given: _pattern(node, given))
    return _pattern(node, node.text)


def _pattern(node: Like, text: object) -> str:
    pattern: str = checked(Kind.TEXT, text, node.left)
    if node.form is not LikeForm.PATTERN:
        pattern = escape_like(pattern)
        before = "" if node.form is LikeForm.STARTS else "%"
        after = "" if node.form is LikeForm.ENDS else "%"
        pattern = before + pattern + after
    if len(pattern) > LIKE_PATTERN_CHARS_MAX:
        raise e.QueryError(f"the pattern is longer than {LIKE_PATTERN_CHARS_MAX} characters")
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise e.QueryError("the pattern ends with its escape character", hint="write \\\\ for a backslash")
    return pattern


def included(node: Includes) -> Any:
    """The text that `includes` looks for."""
    refuse_no_text(node, "includes")
    if isinstance(node.text, Param):
        return Slot(node.text.name, lambda given: checked(Kind.TEXT, given, node.left))
    return checked(Kind.TEXT, node.text, node.left)


def held(node: Holds) -> tuple[Kind | None, Any]:
    """The kind and raw value that `holds` looks for; the kind of a null is None, of every number REAL."""
    value = node.value
    if value is None:
        return None, None
    if isinstance(value, bool):
        return Kind.BOOL, int(value)
    if isinstance(value, int | float):
        kind = Kind.INT if isinstance(value, int) else Kind.REAL
        return Kind.REAL, checked(kind, value, node.left)
    if not isinstance(value, str):
        raise e.QueryError(f"holds() looks for a text, number, boolean or None, not {value!r}")
    return Kind.TEXT, checked(Kind.TEXT, value, node.left)


def refuse_no_text(node: Like | Includes, word: str) -> None:
    """LIKE would turn a number into a text first."""
    if node.left.kind not in _TEXTS:
        raise e.QueryError(f"{word} needs text; {named(node.left)} is {node.left.kind}")


def refuse_without_order(operand: Valued, comparator: Comparator | None = None) -> None:
    """JSON values can be equal, but none is less than another; no comparator means BETWEEN."""
    if operand.kind is Kind.JSON and comparator not in _EQUALITIES:
        raise e.QueryError(f"{named(operand)} is {operand.kind}, which has no order")


def refuse_strangers(left: Valued, right: Valued) -> None:
    """Operands are compared when they hold the same kind of value, or both hold numbers."""
    if left.kind is right.kind or {left.kind, right.kind} <= _NUMBERS:
        return
    raise e.QueryError(f"{named(left)} is {left.kind} and {named(right)} is {right.kind}: they cannot be compared")


def refuse_deeper(depth: int) -> None:
    """Conditions are read by recursion, here and in SQLite."""
    if depth > CONDITION_DEPTH_MAX:
        raise e.QueryError(f"the condition is nested deeper than {CONDITION_DEPTH_MAX} levels")
