"""The seven kinds of value a column can hold, and how each is written in SQLite and read back.

Rules of this room: `to_raw` is strict (it never guesses what a caller meant) and `from_raw` trusts the file,
because the STRICT tables and CHECKs of the file have already looked; what SQLite can hold and Python cannot
is RecordInvalid.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bmaddb import errors as e
from bmaddb.schema.letters import encodable

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Kind(enum.StrEnum):
    """What a column holds; the word is the one used in exported schemas."""

    TEXT = "text"
    INT = "int"
    REAL = "real"
    BOOL = "bool"
    JSON = "json"
    TS = "ts"
    BLOB = "blob"

    @property
    def converted(self) -> bool:
        """Does a record show another type than SQLite stores? Then the slot is `<name>_raw`."""
        return self in _FROM_RAW


def nothing(kind: Kind) -> Any:
    """The SQLite value that says least: for a column that may not be null and whose value nobody knows yet."""
    return {Kind.TEXT: "", Kind.JSON: "null", Kind.BLOB: b""}.get(kind, 0.0 if kind is Kind.REAL else 0)


def to_raw(kind: Kind, value: Any) -> Any:
    """The SQLite value for a Python `value` that is not None; RecordInvalid when it does not fit `kind`."""
    return _TO_RAW[kind](value)


def from_raw(kind: Kind, raw: Any) -> Any:
    """The Python value for what SQLite holds; None stays None. RecordInvalid when Python has none for it."""
    convert = _FROM_RAW.get(kind)
    if raw is None or convert is None:
        return raw
    try:
        return convert(raw)
    except (ValueError, OverflowError, RecursionError) as error:
        raise e.RecordInvalid(
            f"the file holds a {kind} value that Python cannot: {error}",
            hint="read `<name>_raw` of the record for what SQLite holds",
        ) from error


def milliseconds(moment: datetime) -> int:
    """Whole milliseconds since 1970 of an aware `moment`; the rest is cut off, towards the past."""
    if moment.tzinfo is None:
        raise e.RecordInvalid("a moment needs a time zone", hint="use datetime.now(UTC) or .replace(tzinfo=UTC)")
    return (moment - _EPOCH) // _MILLISECOND


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise e.RecordInvalid(f"expected text, got {type(value).__name__}", hint=_as_text(value))
    if "\0" in value:
        raise e.RecordInvalid("text may not hold U+0000", hint="Postgres cannot store it; strip it first")
    return value if value.isascii() else encodable(value)


def _as_text(value: Any) -> str | None:
    """How what is often given for a text becomes one: a day, a time, a record."""
    if hasattr(value, "__table__"):
        return "give its id (.id)"
    return "give its text: .isoformat()" if hasattr(value, "isoformat") else None


def _int(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise e.RecordInvalid(f"expected a whole number, got {type(value).__name__}")
    if not INT_MIN <= value <= INT_MAX:
        raise e.RecordInvalid("the whole number does not fit 64 bits")
    return int(value)


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise e.RecordInvalid(f"expected a number, got {type(value).__name__}")
    try:
        number = float(value) + 0.0  # SQLite knows no -0.0
    except OverflowError:  # a whole number that is larger than any
        number = math.inf
    if not math.isfinite(number):
        raise e.RecordInvalid("the number must be finite", hint="JSON knows no NaN and no infinity")
    return number


def _bool(value: Any) -> int:
    if not isinstance(value, bool):
        raise e.RecordInvalid(f"expected True or False, got {type(value).__name__}")
    return int(value)


def _ts(value: Any) -> int:
    if isinstance(value, datetime):
        return milliseconds(value)
    raise e.RecordInvalid(f"expected an aware datetime, got {type(value).__name__}")


def _blob(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise e.RecordInvalid(f"expected bytes, got {type(value).__name__}")
    return bytes(value)


def _moment(raw: int) -> datetime:
    return _EPOCH + raw * _MILLISECOND


def _json(value: Any) -> str:
    """Only who writes something into a JSON column needs what makes its text."""
    if not value and type(value) in _NOTHING_IN_IT:
        return _NOTHING_IN_IT[type(value)]
    from bmaddb.schema.json_text import canonical_json

    return canonical_json(value)


def _value_of_json(text: str) -> Any:
    import json

    return json.loads(text)


_NOTHING_IN_IT: dict[type, str] = {list: "[]", dict: "{}"}
_TO_RAW: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INT: _int,
    Kind.REAL: _real,
    Kind.BOOL: _bool,
    Kind.JSON: _json,
    Kind.TS: _ts,
    Kind.BLOB: _blob,
}
_FROM_RAW: dict[Kind, Callable[[Any], Any]] = {Kind.BOOL: bool, Kind.JSON: _value_of_json, Kind.TS: _moment}
