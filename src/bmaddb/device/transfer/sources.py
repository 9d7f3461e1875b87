"""What is it that is to be imported? A path says by its ending, and by what is in it."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.store.records import read_only
from bmaddb.device.transfer.archive import archive_sources, is_archive
from bmaddb.device.transfer.bringing import Bringing
from bmaddb.device.transfer.csv_text import CsvText
from bmaddb.device.transfer.dayone import MEDIA_FOLDERS, DayOne
from bmaddb.device.transfer.files import readable
from bmaddb.device.transfer.identity import id_from, id_of_content
from bmaddb.device.transfer.jsonl import JsonLines
from bmaddb.device.transfer.lines import Row, Source
from bmaddb.device.transfer.markdown import MarkdownFolder
from bmaddb.device.transfer.report import ImportReport, TellProgress
from bmaddb.device.transfer.unread import Unread
from bmaddb.device.transfer.values import python_value
from bmaddb.schema.records import Record, writable


def import_from(
    store: Store,
    path: str | os.PathLike[str],
    record: type[Record] | None = None,
    *,
    key: str | None = None,
    strict: bool = False,
    tell: TellProgress | None = None,
) -> ImportReport:
    """Bring in what is at `path`; see `Database.import_from`."""
    path = Path(path)
    if strict and path.suffix.lower() == ".zip":
        raise e.SettingsError("strict is for files of one table, Day One JSON and Markdown", hint="leave it out")
    with readable(path):
        into = "" if record is None else f"{record.__table__.name} {key or ''}"
        bringing = Bringing(store, sources_at(store, path, record, key), tell, into)
        return bringing.run_strictly() if strict else bringing.run()


def sources_at(store: Store, path: Path, record: type[Record] | None, key: str | None) -> Sequence[Source]:
    """The sources of a path: a table's file, an export of ours, a Day One export, a folder of Markdown."""
    ending = path.suffix.lower()
    if path.is_dir():
        return [MarkdownFolder(path, store)]
    with readable(path):
        if not stat.S_ISREG(path.stat().st_mode):
            raise e.StoreError(f"{path} is no file", hint="a pipe cannot be read twice: write it to a file first")
        path.open("rb").close()
    if ending in (".jsonl", ".csv"):
        if record is None:
            raise e.SettingsError(f"{path.name} holds rows of one table", hint="say which")
        if not writable(record.__table__):
            raise read_only(record.__table__)
        row_of, open_it = partial(_row, record, key), partial(_open, path)
        if ending == ".jsonl":
            return [JsonLines(path.name, open_it, row_of)]
        return [CsvText(path.name, open_it, record.__table__, row_of)]
    if ending == ".json":
        return [DayOne(path.stem, partial(_open, path), store.user)]
    if ending == ".zip":
        return archive_sources(store, path) if is_archive(path) else _day_one_zip(store, path)
    raise e.SettingsError(f"nothing is known of '{ending}'", hint=".zip, .json (Day One), .jsonl, .csv, or a folder")


def _day_one_zip(store: Store, path: Path) -> list[Source]:
    with readable(path), zipfile.ZipFile(path) as archive:
        files = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    names = [name for name in files if name.endswith(".json") and "/" not in name]
    if not names:
        raise e.StoreError(f"{path.name} holds no journal", hint="an export of Day One as JSON, or one of bmaddb")
    others = [name for name in files if name not in names and name.split("/")[0] not in MEDIA_FOLDERS]
    journals = [DayOne(Path(name).stem, partial(_member, path, name), store.user) for name in names]
    return [*journals, Unread(path.name, "files of the ZIP", others)]


def _row(record: type[Record], key: str | None, values: Mapping[str, Any]) -> Row:
    """A row of plain values; what only the server sets is left to it."""
    table = record.__table__
    has_id = values.get("id") not in (None, "")
    if key is not None and not has_id and values.get(key) in (None, ""):
        raise e.RecordInvalid(f"'{key}' names the row and is not there")
    made = {
        name: python_value(table.by_name[name], value) if name in table.by_name else value
        for name, value in values.items()
        if name not in table.by_name or table.by_name[name].client_writable
    }
    if key is not None and key not in table.by_name:
        made.pop(key, None)
    if not has_id and key is not None:
        made["id"] = id_from("import", table.name, key, str(values[key]))
    elif not has_id:
        made["id"] = id_of_content(table, values)
    return Row(record, made)


def _open(path: Path) -> IO[bytes]:
    with readable(path):
        return path.open("rb")


def _member(path: Path, name: str) -> IO[bytes]:
    with readable(path):
        return zipfile.ZipFile(path).open(name)
