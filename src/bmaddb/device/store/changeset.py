"""Writes what a transaction changed as a changeset, in the format of SQLite's session extension.

The format (https://www.sqlite.org/sessionintro.html, and the comments of sqlite3session.c): for each table a
header (T, number of columns, which of them are the key, name), then its changes (operation, whether
indirect, old values, new values). A value is a type byte and its content; 0 says "not part of this change".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias

import apsw

Row: TypeAlias = tuple[Any, ...]
INSERT: Final = bytes((apsw.SQLITE_INSERT, 0))
_UPDATE: Final = bytes((apsw.SQLITE_UPDATE, 0))
_DELETE: Final = bytes((apsw.SQLITE_DELETE, 0))
_ABSENT: Final = b"\x00"
_NULL: Final = b"\x05"
_INTEGER: Final = struct.Struct(">bq")
_REAL: Final = struct.Struct(">bd")
_SEVEN_BITS: Final = 0x7F
_NUMBERS_KEPT: Final = 10
_HEADS_KEPT_SIZE_MAX: Final = 4_000


class Change(NamedTuple):
    """One row before and after; None where there is no row."""

    old: Row | None
    new: Row | None


def table_head(name: str, columns: int, key: int) -> bytes:
    """What goes before the changes of a table that has so many `columns`, the one at `key` being the id."""
    flags = bytes(place == key for place in range(columns))
    return b"".join((b"T", _varint(columns), flags, name.encode(), b"\x00"))


def table_changes(changes: Iterable[Change], key: int, written: Mapping[Any, bytes]) -> bytes:
    """What comes after the head of a table; empty when nothing changed. `written`: what most values are."""
    return b"".join([_change(change, key, written) for change in changes])


def inserts(rows: Sequence[Row], written: Mapping[Any, bytes]) -> list[bytes]:
    """Each of many new rows, as a changeset says it: column by column, for most columns hold one value."""
    parts: list[Iterable[bytes]] = []
    fixed = INSERT
    for values in zip(*rows, strict=True):
        first = values[0]
        if type(first) is not float and values.count(first) == len(values):  # 0.0 is equal to -0.0
            fixed += written[first]
        else:
            parts += (repeat(fixed), *_column(values, written))
            fixed = b""
    return list(map(b"".join, zip(*parts, repeat(fixed, len(rows)), strict=False)))


def _column(values: Row, written: Mapping[Any, bytes]) -> tuple[Iterable[bytes], ...]:
    """A value of each row, in one part or in two; hardly a step of Python for each."""
    kinds = set(map(type, values))
    if kinds == {str}:
        texts = list(map(str.encode, values))
        return map(_TEXT_HEADS.__getitem__, map(len, texts)), texts
    if kinds == {int}:
        return (map(_INTEGER.pack, repeat(1), values),)
    return (map(written.__getitem__, values),)


def _change(change: Change, key: int, written: Mapping[Any, bytes]) -> bytes:
    old, new = change
    if old is None:
        return b"" if new is None else INSERT + b"".join(map(written.__getitem__, new))
    if new is None:
        return _DELETE + b"".join(map(written.__getitem__, old))
    if old == new:
        return b""
    before, after = [], []
    for place, (was, now) in enumerate(zip(old, new, strict=True)):
        differs = was != now
        before.append(_value(was) if differs or place == key else _ABSENT)
        after.append(_value(now) if differs else _ABSENT)
    return b"".join((_UPDATE, *before, *after))


class _TextHeads(dict[int, bytes]):
    """Size of a text in bytes -> what stands before it; of texts that are not long, it is kept."""

    def __missing__(self, size: int) -> bytes:
        head = b"\x03" + _varint(size)
        if size <= _HEADS_KEPT_SIZE_MAX:
            self[size] = head
        return head


class Written(dict[Any, bytes]):
    """Value -> as a changeset says it. Few are kept; others are written when they are asked for, and not kept.

    1 and 1.0 are one key: a table that may hold numbers with a fraction has one without whole numbers.
    """

    def __init__(self, words: Iterable[str], *, whole_numbers: bool) -> None:
        kept = range(_NUMBERS_KEPT) if whole_numbers else ()
        super().__init__({value: _value(value) for value in (None, *kept, *words)})

    def __missing__(self, value: Any) -> bytes:
        if type(value) is str:
            text = value.encode()
            return _TEXT_HEADS[len(text)] + text
        return _value(value)


def _value(value: Any) -> bytes:
    if value is None:
        return _NULL
    if isinstance(value, str):
        text = value.encode()
        return _TEXT_HEADS[len(text)] + text
    if isinstance(value, int):
        return _INTEGER.pack(1, value)
    if isinstance(value, float):
        return _REAL.pack(2, value)
    return b"\x04" + _varint(len(value)) + bytes(value)


def _varint(number: int) -> bytes:
    """Seven bits a byte, the most significant first; all but the last have the high bit set."""
    if number <= _SEVEN_BITS:
        return bytes((number,))
    groups = [number & _SEVEN_BITS]
    while number := number >> 7:
        groups.append(number & _SEVEN_BITS | 0x80)
    return bytes(reversed(groups))


_TEXT_HEADS: Final = _TextHeads({size: bytes((3, size)) for size in range(_SEVEN_BITS + 1)})
