"""One table as JSON Lines or CSV. Rows in the order of their ids; a file is there whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, Final, TypeAlias, TypeVar

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.copies import refuse_own_files
from bmaddb.device.transfer.archived import packed_rows
from bmaddb.device.transfer.csv_text import written
from bmaddb.device.transfer.export_report import ExportReport, Tally
from bmaddb.device.transfer.values import UNSAYABLE, json_cell, json_line, plain
from bmaddb.schema.columns import Column
from bmaddb.schema.kinds import Kind
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
PAGE_ROWS: Final = 1000
_ID: Final = attrgetter("id")
_OF_THE_DEVICE: Final = "server_seq"
"""What this device last saw of the server means nothing elsewhere."""


def columns_out(record: type[Record]) -> tuple[Column[Any], ...]:
    """The columns that go out: all that say something outside this file."""
    return tuple(column for column in record.__table__.columns if column.name != _OF_THE_DEVICE)


def pages(store: Store, record: type[R], tally: Tally | None = None) -> Iterator[list[R]]:
    """Every row that the file holds, packed ones too, by id, a page at a time; inside `store.read()` of one snapshot.

    `tally` counts those that it does not hold.
    """
    packed = packed_rows(store, record, Tally() if tally is None else tally)
    rows = merge(_standing(store, record), packed, key=_ID)
    while page := list(islice(rows, PAGE_ROWS)):
        yield page


def _standing(store: Store, record: type[R]) -> Iterator[R]:
    last = ""
    while rows := store.query(record).where(record.id > last).order_by(record.id).limit(PAGE_ROWS).all():
        yield from rows
        last = rows[-1].id


def json_lines(store: Store, record: type[Record], tally: Tally) -> Iterator[bytes]:
    """The table as JSON Lines."""
    columns = columns_out(record)
    for rows in pages(store, record, tally):
        for row in rows:
            yield _json_line(row, columns, tally)


def _json_line(row: Record, columns: Sequence[Column[Any]], tally: Tally) -> bytes:
    try:
        return json_line({column.name: plain(column.kind, getattr(row, column.slot)) for column in columns}).encode()
    except UNSAYABLE:
        cells = (f'"{column.name}":{_cell(row, column, tally)}' for column in columns)
        return f"{{{','.join(cells)}}}\n".encode()


def _cell(row: Record, column: Column[Any], tally: Tally) -> str:
    """As JSON; what cannot be said so is counted."""
    text, usual = json_cell(column.kind, getattr(row, column.slot))
    if not usual:
        tally.odd_one(str(column.table), str(row.id), column.name)
    return text


def csv_lines(store: Store, record: type[Record], tally: Tally) -> Iterator[bytes]:
    """The table as CSV, the header first."""
    columns, line = columns_out(record), io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")

    def flushed() -> bytes:
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text.encode()

    writer.writerow([column.name for column in columns])
    yield flushed()
    for rows in pages(store, record, tally):
        for row in rows:
            writer.writerow([_csv_cell(row, column, tally) for column in columns])
        yield flushed()


def _csv_cell(row: Record, column: Column[Any], tally: Tally) -> str:
    raw = getattr(row, column.slot)
    if raw is not None and column.kind in (Kind.JSON, Kind.REAL):
        return _cell(row, column, tally)
    return written(column.kind, plain(column.kind, raw))


_Lines: TypeAlias = Callable[[Store, type[Record], Tally], Iterator[bytes]]
_FORMATS: Final[dict[str, _Lines]] = {".jsonl": json_lines, ".csv": csv_lines}


def export_table(store: Store, record: type[Record], path: str | os.PathLike[str]) -> ExportReport:
    """Write the table to `path`, as its ending says (.jsonl or .csv).

    The file is not encrypted. StoreError when it cannot be written, SettingsError for another ending or a file of
    the store itself.
    """
    path = Path(path)
    make = _FORMATS.get(path.suffix.lower())
    if make is None:
        raise e.SettingsError(f"'{path.suffix}' is no format of a table", hint="name the file .jsonl or .csv")
    tally = Tally()
    with placed(store, path) as file, store.read():
        for line in make(store, record, tally):
            file.write(line)
    return tally.report({})


@contextmanager
def placed(store: Store, path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its place when it is whole and synced; only its owner may read it.

    SettingsError when its place is the store's own, or no path.
    """
    if "\0" in str(path):
        raise e.SettingsError(f"{str(path)!r} is not a path of a file", hint="check the path")
    # A name nobody can have made ready: a link would lead the export elsewhere, a file would be as open as it was.
    part = path.with_name(f"{path.name}.part-{store.entropy.random_bytes(4).hex()}")
    refuse_own_files(store.path, path)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise e.StoreError(f"{path} cannot be written: {error.strerror}", hint="check the path and the disk") from error
    finally:
        part.unlink(missing_ok=True)
