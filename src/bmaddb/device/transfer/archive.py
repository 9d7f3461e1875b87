"""Everything of a user as one ZIP: a JSON Lines file for each table, a note for each journal entry, a manifest.

The tables come from the catalog, so that a new one cannot be forgotten. The same rows make the same files, to the
byte; the manifest has the SHA-256 of each, and an import looks at them before it takes anything.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from bmaddb import errors as e
from bmaddb.device.store import Store, meta
from bmaddb.device.transfer.export_report import ExportReport, Tally
from bmaddb.device.transfer.files import digest, readable
from bmaddb.device.transfer.jsonl import JsonLines
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Row
from bmaddb.device.transfer.markdown import notes_of
from bmaddb.device.transfer.tables_out import json_lines, placed
from bmaddb.device.transfer.values import raw_value
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.schema.catalog import Catalog
from bmaddb.schema.kinds import to_raw
from bmaddb.schema.records import Record
from bmaddb.schema.rules import Scope

FORMAT: Final = "bmaddb export 1"
MANIFEST: Final = "manifest.json"
_ENCRYPTED: Final = 1
"""A flag of a file in a ZIP."""
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)
"""ZIP cannot say "no time"."""


def user_records(catalog: Catalog) -> list[type[Record]]:
    """Every table that holds a user's rows, parents first."""
    return [catalog.record(name) for name, table in catalog.tables.items() if table.scope is Scope.USER]


def export_archive(store: Store, path: str | os.PathLike[str]) -> ExportReport:
    """Write everything to `path`, rows that are archived and packed too; what only the server has is named, and what
    no module declares.

    All of one moment. The ZIP is not encrypted, and only its owner may read it. StoreError when it cannot be written,
    SettingsError for another ending than .zip or a file of the store itself.
    """
    path, hashes, tally = Path(path), dict[str, str](), Tally()
    if path.suffix.lower() != ".zip":
        raise e.SettingsError(f"'{path.suffix}' is not the ending of an export", hint="name the file .zip")
    with (
        placed(store, path) as file,
        store.read() as connection,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        tally.undeclared = tuple(meta.undeclared(connection, store.catalog))
        for record in user_records(store.catalog):
            _put(archive, hashes, f"tables/{record.__table__.name}.jsonl", json_lines(store, record, tally))
        if store.catalog.records.get(JournalEntry.__table__.name) is JournalEntry:
            for entry, text in notes_of(store, tally):
                _put(archive, hashes, f"journal/{_day(entry.entry_date)}-{entry.id}.md", (text,))
        report = tally.report(hashes)
        manifest = {
            "format": FORMAT,
            "schema_version": store.catalog.version,
            "user": store.user,
            "only_on_server": report.only_on_server,
            "undeclared": report.undeclared,
            "oddities": report.oddities,
            "odd": [[odd.table, odd.id, odd.column] for odd in report.odd],
            "files": hashes,
        }
        _put(archive, {}, MANIFEST, (json.dumps(manifest, indent=1).encode(),))
    return report


def _day(text: str) -> str:
    """The day in the name of a note. Another client may have written anything there, and a name may lead elsewhere."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return "undated"


def archive_sources(store: Store, path: Path) -> list[JsonLines]:
    """The tables of an archive, parents first; refused when it is damaged, newer than this program or of another."""
    with readable(path), zipfile.ZipFile(path) as archive:
        manifest = _manifest(archive, path)
        known = {f"tables/{record.__table__.name}.jsonl": record for record in user_records(store.catalog)}
        hashes = cast("Mapping[str, str]", manifest["files"])
        held = frozenset(archive.namelist())
        for name, wanted in hashes.items():
            if name not in held or digest(partial(archive.open, name))[0] != wanted:
                raise e.StoreError(f"{name} in {path.name} is not what was exported", hint="get the file again")
    if manifest["schema_version"] > store.catalog.version:
        raise e.MigrationError("the export is of a newer program", hint="update the program; nothing was imported")
    if store.user is None or manifest["user"] != store.user:
        raise e.StoreError("the export belongs to another user", hint="open the file with user=... of the export")
    strangers = [name for name in hashes if name.startswith("tables/") and name not in known]
    if strangers:
        raise e.SchemaError(f"no module declares {', '.join(strangers)}", hint="open the file with the same modules")
    return [
        JsonLines(name, partial(_member, path, name), partial(_whole, record))
        for name, record in known.items()
        if name in hashes
    ]


def is_archive(path: Path) -> bool:
    """Was the ZIP made by an export of ours? StoreError when it is encrypted: nothing here asks for a password."""
    with readable(path), zipfile.ZipFile(path) as archive:
        if any(info.flag_bits & _ENCRYPTED for info in archive.infolist()):
            raise e.StoreError(f"{path} is encrypted", hint="unpack it, and import what is in it")
        return MANIFEST in archive.namelist()


def _put(archive: zipfile.ZipFile, hashes: dict[str, str], name: str, parts: Iterable[bytes]) -> None:
    info, found = zipfile.ZipInfo(name, _LONG_AGO), hashlib.sha256()
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as file:
        for raw in parts:
            found.update(raw)
            file.write(raw)
    hashes[name] = found.hexdigest()


def _manifest(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > LINE_BYTES_MAX * 4:
            raise ValueError("too long")
        manifest = json.loads(archive.read(MANIFEST))
        if manifest["format"] != FORMAT or not isinstance(manifest["files"], dict):
            raise ValueError("of another kind")
        manifest["schema_version"] = int(manifest["schema_version"])
        manifest["user"] = str(manifest["user"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise e.StoreError(f"the manifest of {path.name} cannot be read: {error}", hint="get the file again") from None
    return dict(manifest)


def _member(path: Path, name: str) -> IO[bytes]:
    with readable(path):
        return zipfile.ZipFile(path).open(name)


def _whole(record: type[Record], values: Mapping[str, Any]) -> Row:
    """What SQLite held; columns that are younger than the export take their default."""
    table = record.__table__
    strange = [name for name in values if name not in table.by_name]
    if strange:
        raise e.RecordInvalid(f"{table.name} has no column {', '.join(strange)}")
    raws: dict[str, Any] = {}
    for column in table.columns:
        spec = column.spec
        if column.name in values:
            raws[column.name] = raw_value(column, values[column.name])
        elif spec.has_default and spec.default is not None:
            raws[column.name] = to_raw(spec.kind, spec.default)
        else:
            raws[column.name] = None
    raws["server_seq"] = None  # of this device nothing is known on the server
    return Row(record, raws, whole=True)
