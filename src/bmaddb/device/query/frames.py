"""Rows for notebooks and data frames. What is sensitive is shown only to who asks for values, never by a display."""

from __future__ import annotations

import html
import importlib
from collections.abc import Sequence
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.schema.records import HIDDEN, Record, shown

SHOWN_ROWS_MAX: Final = 20
_PACKAGES: Final = {"pyarrow": "pyarrow", "pandas": "pandas", "polars": "polars"}


def dicts(rows: Sequence[Record]) -> list[dict[str, Any]]:
    """Column -> Python value, of every column."""
    return [{column.name: getattr(row, column.name) for column in row.__table__.columns} for row in rows]


def frame(rows: Sequence[Record], record: type[Record], package: str) -> Any:
    """The rows as a table of `package`, which is imported only now; JSON columns as JSON text."""
    library = _library(package)
    columns = {
        column.name: [getattr(row, column.slot if column.kind == "json" else column.name) for row in rows]
        for column in record.__table__.columns
    }
    return library.table(columns) if package == "pyarrow" else library.DataFrame(columns)


def table_html(rows: Sequence[Record], record: type[Record], more: bool) -> str:
    """The first rows as an HTML table."""
    names = [column.name for column in record.__table__.columns]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cell(shown(row, name)) for name in names)}</tr>" for row in rows)
    foot = f"<p>the first {len(rows)} rows; {HIDDEN} is hidden here</p>" if more else f"<p>{len(rows)} rows</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{foot}"


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else html.escape(str(value))}</td>"


def _library(package: str) -> Any:
    try:
        return importlib.import_module(_PACKAGES[package])
    except ImportError as error:
        raise e.SettingsError(f"{package} is not installed", hint=f"pip install {package}") from error
