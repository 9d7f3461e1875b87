"""Rows for notebooks and data frames. What is sensitive is shown only to who asks for values, never by a display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from bmaddb import errors as e
from bmaddb.schema.kinds import Kind, from_raw
from bmaddb.schema.records import HIDDEN, Record, shown

SHOWN_ROWS_MAX: Final = 20
_CONVERTED: Final = {Kind.BOOL: bool, Kind.REAL: float}
_PANDAS: Final = {Kind.INT: "Int64", Kind.REAL: "float64", Kind.BOOL: "boolean", Kind.BLOB: "object"}


class FrameColumn(NamedTuple):
    """One column to be: its values as SQLite holds them."""

    name: str
    kind: Kind
    raw: Sequence[Any]


class Framed:
    """Ends that give all rows to another library. What a column is follows from its kind, whatever rows there are."""

    __slots__ = ()

    def to_dicts(self) -> list[dict[str, Any]]:
        """Every row as column -> Python value."""
        columns = self._frame_columns()
        names = [column.name for column in columns]
        values = [[from_raw(column.kind, raw) for raw in column.raw] for column in columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def to_arrow(self) -> Any:
        """Every row as a pyarrow.Table: string, int64, float64, bool, timestamp[ms, UTC], binary; JSON as text.

        SettingsError when pyarrow is not installed.
        """
        library = _library("pyarrow")
        types = {
            Kind.INT: library.int64(),
            Kind.REAL: library.float64(),
            Kind.BOOL: library.bool_(),
            Kind.TS: library.timestamp("ms", tz="UTC"),
            Kind.BLOB: library.binary(),
        }
        columns = self._frame_columns()
        arrays = [library.array(_plain(column), types.get(column.kind, library.string())) for column in columns]
        return library.Table.from_arrays(arrays, names=[column.name for column in columns])

    def to_pandas(self) -> Any:
        """Every row as a pandas.DataFrame: string, Int64, float64, boolean, datetime64[ms, UTC], bytes; JSON as text.

        SettingsError when pandas is not installed.
        """
        library = _library("pandas")
        return library.DataFrame({column.name: _series(library, column) for column in self._frame_columns()})

    def to_polars(self) -> Any:
        """Every row as a polars.DataFrame: String, Int64, Float64, Boolean, Datetime(ms, UTC), Binary; JSON as text.

        SettingsError when polars is not installed.
        """
        library = _library("polars")
        types = {
            Kind.INT: library.Int64,
            Kind.REAL: library.Float64,
            Kind.BOOL: library.Boolean,
            Kind.TS: library.Datetime("ms", "UTC"),
            Kind.BLOB: library.Binary,
        }
        return library.DataFrame(
            [
                library.Series(column.name, _plain(column), types.get(column.kind, library.String))
                for column in self._frame_columns()
            ]
        )

    def _frame_columns(self) -> list[FrameColumn]:
        raise NotImplementedError


def _plain(column: FrameColumn) -> list[Any]:
    """The values, each of the one type the library is told; a moment is its milliseconds."""
    if column.kind is Kind.INT and any(isinstance(raw, float) for raw in column.raw):
        raise e.RecordInvalid(
            f"{column.name} leaves 64 bits, and is a real there", hint="make all of it real: `Task.minutes * 2.0`"
        )
    convert = _CONVERTED.get(column.kind)
    return [*column.raw] if convert is None else [None if raw is None else convert(raw) for raw in column.raw]


def _series(library: Any, column: FrameColumn) -> Any:
    """By types that know null; of a number with a fraction it is NaN, which no column holds."""
    if column.kind is Kind.TS:
        whole = library.array(_plain(column), dtype="Int64")
        return library.Series(whole.astype("datetime64[ms]")).dt.tz_localize("UTC")
    return library.Series(_plain(column), dtype=_PANDAS.get(column.kind, "string"))


def table_html(rows: Sequence[Record], record: type[Record], more: bool) -> str:
    """The first rows as an HTML table."""
    from html import escape

    names = [column.name for column in record.__table__.columns]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cell(shown(row, name)) for name in names)}</tr>" for row in rows)
    foot = f"<p>the first {len(rows)} rows; {HIDDEN} is hidden here</p>" if more else f"<p>{len(rows)} rows</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


def _cell(value: object) -> str:
    from html import escape

    return f"<td>{'' if value is None else escape(str(value))}</td>"


def _library(package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise e.SettingsError(f"{package} is not installed", hint=f"pip install {package}") from error
