"""One table as JSON Lines or CSV. Rows in the order of their ids; a file is there whole or not at all."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, TypeVar

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.copies import refuse_own_files
from bmaddb.device.transfer.csv_text import written
from bmaddb.device.transfer.values import json_line, plain
from bmaddb.schema.columns import Column
from bmaddb.schema.records import Record

R = TypeVar("R", bound=Record)
PAGE_ROWS: Final = 1000
_OF_THE_DEVICE: Final = "server_seq"
"""What this device last saw of the server means nothing elsewhere."""


def columns_out(record: type[Record]) -> tuple[Column[Any], ...]:
    """The columns that go out: all that say something outside this file."""
    return tuple(column for column in record.__table__.columns if column.name != _OF_THE_DEVICE)


def pages(store: Store, record: type[R]) -> Iterator[list[R]]:
    """Every row, by id, a page at a time; inside `store.read()` of one snapshot."""
    last = ""
    while rows := store.query(record).where(record.id > last).order_by(record.id).limit(PAGE_ROWS).all():
        yield rows
        last = rows[-1].id


def json_lines(store: Store, record: type[Record]) -> Iterator[str]:
    """The table as JSON Lines."""
    columns = columns_out(record)
    for rows in pages(store, record):
        for row in rows:
            yield json_line({column.name: plain(column.kind, getattr(row, column.slot)) for column in columns})


def csv_lines(store: Store, record: type[Record]) -> Iterator[str]:
    """The table as CSV, the header first."""
    columns, line = columns_out(record), io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n")

    def flushed() -> str:
        text = line.getvalue()
        line.seek(0)
        line.truncate()
        return text

    writer.writerow([column.name for column in columns])
    yield flushed()
    for rows in pages(store, record):
        for row in rows:
            writer.writerow([written(c.kind, plain(c.kind, getattr(row, c.slot))) for c in columns])
        yield flushed()


_FORMATS: Final[dict[str, Callable[[Store, type[Record]], Iterator[str]]]] = {".jsonl": json_lines, ".csv": csv_lines}


def export_table(store: Store, record: type[Record], path: str | os.PathLike[str]) -> int:
    """Write the table to `path`, as its ending says (.jsonl or .csv); the answer is how many bytes.

    The file is not encrypted. StoreError when it cannot be written, SettingsError for another ending or a file of
    the store itself.
    """
    path = Path(path)
    make = _FORMATS.get(path.suffix.lower())
    if make is None:
        raise e.SettingsError(f"'{path.suffix}' is no format of a table", hint="name the file .jsonl or .csv")
    with placed(store, path) as file, store.read():
        return sum(file.write(text.encode()) for text in make(store, record))


@contextmanager
def placed(store: Store, path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its place when it is whole and synced; only its owner may read it.

    SettingsError when its place is the store's own.
    """
    part = path.with_name(f"{path.name}.part")
    refuse_own_files(store.path, path, part)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise e.StoreError(f"{path} cannot be written: {error.strerror}", hint="check the path and the disk") from error
    finally:
        part.unlink(missing_ok=True)
