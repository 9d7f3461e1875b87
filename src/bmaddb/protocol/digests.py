"""Digests: the messages of `bmad_digest_v1`, and how a row becomes a hash. docs/protocol.md says what each field means.

Rules of this room: the canonical text of a value is the one Postgres writes; a value that no server can hold (raw SQL
spoiled it) still has a text, which then equals nothing there.
"""

from __future__ import annotations

import hashlib
import json
import struct
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from bmaddb import errors as e
from bmaddb.protocol.codec import UNREADABLE, check_part
from bmaddb.protocol.messages import Cursor, TablePage

DIGEST_FUNCTION = "bmad_digest_v1"
LOWEST_ID = ""
HIGHEST_ID = "\U0010ffff"
"""Bounds of all ids: no id is empty, none starts with the last code point."""
_HASH_BYTES = 8
_SHORT_JSON = 200
_NUMERIC_DIGITS_MAX = 131_072
_ENCODER = msgspec.json.Encoder()


class RangesAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Digests of the ranges between neighbouring `bounds`, without the ids in `skip`."""

    table: str
    form: str
    bounds: tuple[str, ...]
    skip: tuple[str, ...] = ()


class ListAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The ids and hashes of the rows with from <= id < to."""

    table: str
    from_: str = msgspec.field(name="from")
    to: str
    skip: tuple[str, ...] = ()


class RowsAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Rows by id."""

    table: str
    ids: tuple[str, ...]


class UnseenAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which of these rows (with the versions this device was given) did the server lose, and nobody delete?"""

    table: str
    ids: tuple[str, ...]
    versions: tuple[int, ...]


class DigestRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Answered only when `cursor` is where the server stands, or null."""

    cursor: Cursor = None
    schema_version: int
    device_id: str
    user: str | None = None
    digests: tuple[RangesAsked, ...] = ()
    lists: tuple[ListAsked, ...] = ()
    rows: tuple[RowsAsked, ...] = ()
    unseen: tuple[UnseenAsked, ...] = ()


class TableDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Place of a range (from 1) -> [rows, sum of their hashes as text]; `unlike`: other columns than asked."""

    table: str
    ranges: dict[str, tuple[int, str]] = {}
    unlike: bool = False


class TableList(msgspec.Struct, frozen=True, kw_only=True):
    """[id, hash as text] in the order of the ids; with `more` the last one is where the next list begins."""

    table: str
    from_: str = msgspec.field(name="from")
    to: str
    rows: tuple[tuple[str, str], ...] = ()
    more: bool = False


class TableUnseen(msgspec.Struct, frozen=True, kw_only=True):
    """The ids, of those asked, that the server lost; `alive` are those it has (again)."""

    table: str
    ids: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()


class DigestAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`moved`: the server stands elsewhere than the device, and compared nothing. `heads`: catalogue, user."""

    cursor: Cursor
    moved: bool
    heads: tuple[int, int] = (0, 0)
    digests: tuple[TableDigest, ...] = ()
    lists: tuple[TableList, ...] = ()
    rows: tuple[TablePage, ...] = ()
    unseen: tuple[TableUnseen, ...] = ()


_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ANSWER = msgspec.json.Decoder(DigestAnswer)


def encode(request: DigestRequest) -> bytes:
    """The request as JSON bytes."""
    return _ENCODER.encode(request)


def digest_answer(body: bytes) -> DigestAnswer:
    """Read the answer; RemoteProtocolError when it is none."""
    try:
        answer = _ANSWER.decode(body)
    except UNREADABLE as error:
        raise e.RemoteProtocolError(
            f"the answer to a digest cannot be read: {error}", hint="is the address that of a bmaddb server?"
        ) from error
    for part in answer.rows:
        check_part(part)
    return answer


def row_texts(rows: bytes) -> list[str]:
    """The JSON text of each row of a page; RemoteProtocolError when they are none."""
    try:
        return [bytes(row).decode() for row in _ROWS.decode(rows)]
    except UNREADABLE as error:
        raise e.RemoteProtocolError(f"the rows of a page cannot be read: {error}") from error


def row_hash(canonical: bytes) -> int:
    """64 bits, signed, of a row's canonical text."""
    digest = hashlib.md5(canonical, usedforsecurity=False).digest()
    return int.from_bytes(digest[:_HASH_BYTES], "big", signed=True)


def real_bits(*values: Any) -> str | None:
    """A number as the 16 hex digits of its IEEE form; minus zero is zero, because jsonb knows only one."""
    return None if values[0] is None else struct.pack(">d", float(values[0]) + 0.0).hex()


def json_token(*values: Any) -> str:
    """JSON text as jsonb writes it, after its length in bytes; `~` for NULL and for JSON's null, which travel alike."""
    text = values[0]
    if text is None:
        return "~"
    return _short_token(text) if len(text) <= _SHORT_JSON else _token(text)


def jsonb_text(text: str) -> str:
    """JSON text as Postgres writes the jsonb of it; text that is not JSON, or has no jsonb, as it is."""
    try:
        value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
        return _written(value)
    except (ValueError, RecursionError, InvalidOperation):
        return text


class _Number(str):
    """The letters of a number, kept as they came."""

    __slots__ = ()


def _token(text: str) -> str:
    written = jsonb_text(text)
    if written == "null":
        return "~"
    return f"{len(written.encode('utf-8', 'surrogatepass'))}:{written}"


_short_token = lru_cache(maxsize=4096)(_token)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _written(value: Any) -> str:
    if isinstance(value, _Number):
        return _number(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode("utf-8", "surrogatepass")), key))
        return "{" + ", ".join(f"{_text(key)}: {_written(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _number(letters: str) -> str:
    """A number as `numeric` writes it: no exponent, the digits behind the point kept, no minus on a zero."""
    if letters.lstrip("-").isdigit():
        return letters if letters != "-0" else "0"
    number = Decimal(letters)
    if abs(number.adjusted()) > _NUMERIC_DIGITS_MAX:
        raise ValueError("numeric holds no such number")
    return f"{abs(number) if number.is_zero() else number:f}"
