"""Values on the wire: what JSON carries for each kind of column, and what SQLite holds for it.

text and int travel as they are, a moment as integer milliseconds, a bool as true or false, a JSON column as
the JSON value itself, a blob as base64 text.

Rules of this room: `to_wire` never fails, because it also reads rows that raw SQL spoiled; what cannot travel
is named by `fault` at the moment it should leave.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from decimal import Decimal
from typing import Any

import msgspec

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.json_text import canonical_json
from bmaddb.schema.kinds import INT_MAX, INT_MIN, Kind

TS_MIN, TS_MAX = -62_135_596_800_000, 253_402_300_799_999  # as bmad_sync.moment() on the server
_PYTHON_TYPES: dict[Kind, type | tuple[type, ...]] = {
    Kind.TEXT: str,
    Kind.INT: int,
    Kind.REAL: (int, float),
    Kind.BOOL: bool,
    Kind.TS: int,
    Kind.BLOB: str,
}


_EXPONENT = re.compile(r"\de[+-]\d")
_WHOLE_FLOAT = re.compile(r"\.0(?!\d)|\de\+")


class Spoiled(str):
    """JSON text that is not JSON, or text that is not Unicode: kept to be shown, never sent."""

    __slots__ = ()


def to_wire(kind: Kind, raw: Any) -> Any:
    """The wire value of what SQLite holds; a value that has none comes back as it is."""
    if raw is None:
        return None
    if kind is Kind.BOOL:
        return bool(raw) if raw in (0, 1) else raw
    if kind is Kind.JSON:
        return _json_value(raw)
    if kind is Kind.BLOB and isinstance(raw, bytes):
        return base64.b64encode(raw).decode("ascii")
    return raw


def to_raw(kind: Kind, value: Any) -> Any:
    """What SQLite holds for a wire value; RemoteProtocolError when the value cannot be of this kind.

    JSON is taken as deep as it comes: another client of the server may nest it deeper than a device does.
    """
    if value is None:
        return None
    if kind is Kind.JSON:
        return str(value) if isinstance(value, Spoiled) else canonical_json(value, depth_max=math.inf)
    if kind is Kind.BLOB:
        return unbase64(value)
    if kind is Kind.BOOL:
        return int(value)
    return float(value) if kind is Kind.REAL else value


def unbase64(text: str) -> bytes:
    """The bytes of base64 `text`, which Postgres breaks into lines; RemoteProtocolError when it is none."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise e.RemoteProtocolError("a blob is not base64 text") from error


def fault(column: Column[Any], value: Any) -> str | None:
    """Why `value` cannot travel as this column, in words for a person; None when it can."""
    where = f"{column.table}.{column.name}"
    if value is None:
        return None
    if isinstance(value, Spoiled):
        return f"{where} does not hold valid JSON"
    if column.kind is Kind.JSON:
        try:
            canonical_json(value)
        except e.RecordInvalid as error:
            return f"{where}: {error.message}"
        return None
    if not isinstance(value, _PYTHON_TYPES[column.kind]):
        return f"{where} holds {type(value).__name__}, which is no {column.kind}"
    return _scalar_fault(column.kind, where, value)


def leaving(kind: Kind, value: Any) -> Any:
    """The wire value as it must be encoded: a float in JSON keeps the form the file has."""
    if kind is Kind.JSON and isinstance(value, float | dict | list) and _EXPONENT.search(_canonical(value)):
        return msgspec.Raw(canonical_json(value).encode())
    return value


def same(one: Any, other: Any) -> bool:
    """Are two wire values the same? 1 and 1.0 are, 1 and true are not; the order of keys is nothing.

    A float that came back from the server as a whole number is the same, whichever digits Postgres chose for it.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict | list) and isinstance(other, dict | list):
        return identity(one) == identity(other)
    if {type(one), type(other)} == {float, int}:
        return _rounded(one) == _rounded(other)
    return bool(one == other)


def identity(value: Any) -> str:
    """Text that two JSON values share exactly when they are the same."""
    text = _canonical(value)
    if _WHOLE_FLOAT.search(text):
        text = _canonical(json.loads(text, parse_float=_whole_if_it_is))
    return text


def _whole_if_it_is(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(text)


def _rounded(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number beyond every float
        return math.inf


def _scalar_fault(kind: Kind, where: str, value: Any) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return f"{where} holds U+0000, which Postgres cannot store"
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return f"{where} holds an unpaired surrogate"
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        return f"{where} does not fit 64 bits"
    if kind is Kind.TS and not TS_MIN <= value <= TS_MAX:
        return f"{where} lies outside the years 1 to 9999"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is not a finite number"
    return None


def _json_value(raw: Any) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, TypeError, RecursionError):
        return Spoiled(raw)


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
