"""How a value is written for others: JSON as it is, moments as ISO 8601 in UTC, bytes as base64.

Rules of this room: what SQLite holds comes back as it was, to the bit.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind, from_raw, milliseconds, to_raw
from bmaddb.schema.letters import encodable

UNSAYABLE: Final = (ValueError, RecursionError, e.RecordInvalid)
"""What is raised for a value of the file that JSON of others cannot carry."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def plain(kind: Kind, raw: Any) -> Any:
    """What JSON can carry for what SQLite holds. A moment Python has no date for stays milliseconds."""
    if raw is None:
        return None
    if kind is Kind.TS:
        try:
            moment = _EPOCH + timedelta(milliseconds=raw)
        except OverflowError:
            return raw
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if kind is Kind.BLOB:
        return base64.b64encode(raw).decode()
    return bool(raw) if kind is Kind.BOOL else from_raw(kind, raw)


def python_value(column: Column[Any], value: Any) -> Any:
    """The Python value of the column for what JSON carried; RecordInvalid when it cannot be one."""
    where = f"{column.table}.{column.name}"
    if value is None:
        return None
    try:
        if column.kind is Kind.TS and isinstance(value, str):
            moment = datetime.fromisoformat(value)
            milliseconds(moment)  # says so when it has no time zone
            return moment
        if column.kind is Kind.TS and type(value) is int:
            return _EPOCH + timedelta(milliseconds=value)
        if column.kind is Kind.BLOB and isinstance(value, str):
            return base64.b64decode(value, validate=True)
        if column.kind is Kind.TEXT and isinstance(value, str):
            return encodable(value)
    except (ValueError, OverflowError, binascii.Error) as error:
        raise e.RecordInvalid(f"{where}: {error}") from None
    except e.RecordInvalid as error:
        raise e.RecordInvalid(f"{where}: {error.message}", hint=error.hint) from None
    if column.kind is Kind.TS:
        raise e.RecordInvalid(f"{where}: expected a moment, got {type(value).__name__}")
    return value


def raw_value(column: Column[Any], value: Any) -> Any:
    """What SQLite held for what JSON carries; RecordInvalid when it cannot have been."""
    if value is None:
        return "null" if column.kind is Kind.JSON and not column.spec.nullable else None
    if column.kind is Kind.TS and type(value) is int:
        return value
    return to_raw(column.kind, python_value(column, value))


def json_line(values: dict[str, Any]) -> str:
    """One line of JSON Lines."""
    return f"{_json(values)}\n"


def json_cell(kind: Kind, raw: Any) -> tuple[str, bool]:
    """What SQLite holds as JSON, and whether that is how it is usually said: else it is as the file has it."""
    try:
        text = _json(plain(kind, raw))
        text.encode()
    except UNSAYABLE:
        if kind is Kind.REAL:
            return "1e999" if raw > 0 else "-1e999", False
        if kind is not Kind.JSON:
            raise
        return raw.replace("\n", " ").replace("\r", " "), False
    return text, True


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
