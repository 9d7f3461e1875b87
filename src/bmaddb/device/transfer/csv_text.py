r"""CSV: a header with the names of columns, then a row a line. Text that is null, empty or dangerous survives.

An empty field is null (in a text column that may not be null: empty text). A backslash at the beginning of a
text says that the text begins after it: so empty text is `\`, as are no bytes, and `=1+1` is `\=1+1`, which no
spreadsheet runs.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import IO, Any, Final

from bmaddb import errors as e
from bmaddb.device.transfer.files import Opener, digest
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Line, Row
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.tables import Table

_GUARDED: Final = ("\\", "=", "+", "-", "@", "\t", "\r", "\n")
_WHOLE: Final = re.compile(r"[+-]?\d{1,19}")
_BOOLS: Final = {"true": True, "false": False, "1": True, "0": False}


def written(kind: Kind, value: Any) -> str:
    """The field for a plain value."""
    if value is None:
        return ""
    if kind is Kind.TEXT:
        return f"\\{value}" if not value or value.startswith(_GUARDED) else str(value)
    if kind is Kind.BLOB:
        return value or "\\"
    if kind in (Kind.JSON, Kind.BOOL):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return repr(value) if kind is Kind.REAL else str(value)


def read(column: Column[Any], field: str) -> Any:
    """The plain value of a field; RecordInvalid when it cannot be one."""
    kind = column.kind
    if kind is Kind.TEXT:
        if field:
            return field.removeprefix("\\")
        return None if column.spec.nullable else ""
    if not field:
        return None
    if kind is Kind.BLOB:
        return field.removeprefix("\\")
    try:
        if kind is Kind.INT or (kind is Kind.TS and _WHOLE.fullmatch(field)):
            return int(field)
        if kind is Kind.REAL:
            return float(field)
        if kind is Kind.BOOL:
            return _BOOLS[field.lower()]
        return json.loads(field) if kind is Kind.JSON else field
    except (ValueError, KeyError, RecursionError):
        raise e.RecordInvalid(f"{column.table}.{column.name}: {field[:40]!r} is not {kind}") from None


class CsvText:
    """A CSV file of one table; `row_of` makes the row of plain values."""

    def __init__(self, name: str, open_it: Opener, table: Table, row_of: Callable[[Mapping[str, Any]], Row]) -> None:
        self.name = name
        self._open = open_it
        self._table = table
        self._row_of = row_of

    @cached_property
    def _digest(self) -> tuple[str, int]:
        return digest(self._open)

    @property
    def identity(self) -> str:
        return self._digest[0]

    @property
    def total(self) -> int:
        return self._digest[1]

    def lines(self, at: int, number: int) -> Iterator[Line]:
        csv.field_size_limit(LINE_BYTES_MAX)
        with self._open() as file:
            text = _Text(file)
            names, delimiter = self._header(text)
            if at:
                file.seek(at)
                text.at = at
            else:
                at, number = text.at, number + 1
            rows = csv.reader(text, delimiter=delimiter, strict=True)
            while True:
                fields, problem = None, None
                try:
                    fields = next(rows, None)
                except (csv.Error, _TooLong) as error:
                    problem = f"not CSV: {error}"
                    rows = csv.reader(text, delimiter=delimiter, strict=True)
                if problem is not None and text.ended:
                    problem += "; a quote in it is not closed, and all that follows was read as part of it"
                if fields is None and problem is None:
                    return
                yield self._line(number, at, text.at, names, fields, problem)
                at, number = text.at, number + 1

    def _line(
        self, number: int, at: int, after: int, names: list[str], fields: list[str] | None, problem: str | None
    ) -> Line:
        if problem is not None or not fields:
            return Line(number, at, after, problem=problem)
        if len(fields) != len(names):
            return Line(number, at, after, problem=f"{len(fields)} fields, the header has {len(names)}")
        try:
            known = self._table.by_name
            values = {n: read(known[n], field) if n in known else field for n, field in zip(names, fields, strict=True)}
            return Line(number, at, after, (self._row_of(values),))
        except e.BmadError as error:
            return Line(number, at, after, problem=error.message)

    def _header(self, text: _Text) -> tuple[list[str], str]:
        try:
            first = next(text, "").removeprefix("\ufeff")
            delimiter = ";" if ";" in first and "," not in first else ","
            names = next(csv.reader([first], delimiter=delimiter), [])
        except (csv.Error, _TooLong) as error:
            raise e.RecordInvalid(f"{self.name} has no header: {error}", hint="lines end in LF or CR LF") from None
        unknown = [name for name in names if name not in self._table.by_name]
        if not names or unknown:
            message = f"{self.name}: {self._table.name} has no column {', '.join(unknown) or '(empty header)'}"
            raise e.RecordInvalid(message, hint="the first line names the columns")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"{self.name}: its header names {', '.join(twice)} more than once"
            raise e.RecordInvalid(message, hint="one of them would be lost: name each column once")
        return names, delimiter


class _TooLong(Exception):
    """A line of the file, not of what it says."""


class _Text:
    """Lines of a file as text, with the place after the last; what is not UTF-8 is refused later, with its row."""

    def __init__(self, file: IO[bytes]) -> None:
        self.at = 0
        self.ended = False
        self._file = file

    def __iter__(self) -> _Text:
        return self

    def __next__(self) -> str:
        raw = self._file.readline(LINE_BYTES_MAX + 1)
        self.at += len(raw)
        if not raw:
            self.ended = True
            raise StopIteration
        if len(raw) > LINE_BYTES_MAX:
            while not raw.endswith(b"\n") and (raw := self._file.readline(LINE_BYTES_MAX)):
                self.at += len(raw)
            raise _TooLong(f"a line is longer than {LINE_BYTES_MAX} bytes")
        return raw.decode("utf-8", "surrogateescape")
