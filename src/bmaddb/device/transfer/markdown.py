"""Markdown: a folder of notes, and every entry as one."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final, NoReturn

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer.export_report import Tally
from bmaddb.device.transfer.files import readable
from bmaddb.device.transfer.folders import folder_key
from bmaddb.device.transfer.journal_entries import rows_of
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Aside, Line
from bmaddb.device.transfer.note import Note, entry_of, entry_text, read_note
from bmaddb.device.transfer.tables_out import pages
from bmaddb.device.transfer.values import UNSAYABLE
from bmaddb.modules.chat_journal import Journal, JournalEntry, Tag
from bmaddb.schema.natural_keys import folded

FILES_MAX: Final = 200_000
_ENDINGS: Final = (".md", ".markdown")
_HIDDEN: Final = "hidden"
_LINKED: Final = "linked folder"
_LINKED_FILE: Final = "linked file"
_NO_FILE: Final = "no file"
_NO_NOTE: Final = "no Markdown"


def notes_of(store: Store, tally: Tally) -> Iterator[tuple[JournalEntry, bytes]]:
    """Every entry, by id, with its note; inside `store.read()` of one snapshot. One that cannot be said is counted."""
    journals = {journal.id: journal.name for rows in pages(store, Journal) for journal in rows}
    words = {tag.id: _word(tag) for rows in pages(store, Tag) for tag in rows}
    for rows in pages(store, JournalEntry):
        for entry in rows:
            try:
                tags = [words[tag_id] for tag_id in entry.tag_ids if tag_id in words]
                note = entry_text(entry, journals.get(entry.journal_id), tags).encode()
            except (*UNSAYABLE, TypeError):
                tally.odd_one(JournalEntry.__table__.name, entry.id, None)
            else:
                yield entry, note


def _word(tag: Tag) -> str:
    """As it is displayed, if that leads back to it."""
    return tag.label if folded(" ".join(tag.label.split())) == tag.name else tag.name


class MarkdownFolder:
    """Every note below a folder, in the order of their paths; the folder a note is in is its journal.

    What else is there is a line too, and left aside.
    """

    def __init__(self, folder: Path, store: Store) -> None:
        self.name = folder.name or folder.resolve().name
        self._folder = folder
        self._store = store
        self._seen: dict[str, str] = {}
        """Entry -> the note that is it."""

    @cached_property
    def _files(self) -> list[tuple[str, str | None]]:
        """(path, what it is if it is no note), in order. A link may lead out of the folder, a pipe never ends."""
        found: list[tuple[str, str | None]] = []
        for here, folders, names in os.walk(self._folder, onerror=_unreadable):
            where = Path(here).relative_to(self._folder)
            entered = []
            for name in folders:
                what = _HIDDEN if name.startswith(".") else _LINKED if (Path(here) / name).is_symlink() else None
                if what is None:
                    entered.append(name)
                else:
                    found.append((f"{(where / name).as_posix()}/", what))
            folders[:] = entered
            found += [((where / name).as_posix(), _what(Path(here) / name)) for name in names]
            if len(found) > FILES_MAX:
                raise e.StoreError(f"more than {FILES_MAX} files", hint="import the folders below it one by one")
        return sorted(found)

    @property
    def identity(self) -> str:
        """A file that came in between moves the places of those behind it; one that changed is to be read again."""
        found = hashlib.sha256(os.fsencode(self._folder.resolve()))
        for name, what in self._files:
            found.update(os.fsencode(f"\n{name}"))
            if what is None:
                status = (self._folder / name).lstat()
                found.update(f" {status.st_size} {status.st_mtime_ns}".encode())
        return found.hexdigest()

    @property
    def total(self) -> int:
        return len(self._files)

    def lines(self, at: int, number: int) -> Iterator[Line]:
        for place, (name, what) in enumerate(self._files[at:], at):
            if what is None:
                yield self._line(place, name)
            else:
                yield Line(place + 1, place, place + 1, aside=(Aside(what, name),))

    @cached_property
    def _key(self) -> str:
        """Of a folder no note of which has an id of its own yet."""
        return folder_key(self._store, self._folder, self._notes, lambda name: self._note(name)[0])

    @property
    def _notes(self) -> list[str]:
        return [name for name, what in self._files if what is None]

    def _line(self, place: int, name: str) -> Line:
        try:
            note, modified, found = self._note(name)
            key = self._key if note.own_id is None else ""
            entry, aside = entry_of(note, key, name.split("/")[0] if "/" in name else self.name, modified)
            entry = replace(entry, source_hash=found)
            first = self._seen.setdefault(entry.id, name)
            if first != name:
                raise ValueError(f"the entry of {first} too; give it another id, or none")
            return Line(place + 1, place, place + 1, rows_of(entry, self._store.user), aside=aside)
        except (ValueError, OverflowError) as error:
            return Line(place + 1, place, place + 1, problem=f"{name}: {error}")
        except e.BmadError as error:
            return Line(place + 1, place, place + 1, problem=f"{name}: {error.message}")

    def _note(self, name: str) -> tuple[Note, datetime, str]:
        """The note, when its file was written, and the hash of its bytes. ValueError, StoreError."""
        path = self._folder / name
        with readable(path):
            status = path.stat()
            if status.st_size > LINE_BYTES_MAX:
                raise ValueError(f"longer than {LINE_BYTES_MAX} bytes")
            raw = path.read_bytes()
        note = read_note(name, raw.decode("utf-8-sig"))
        return note, datetime.fromtimestamp(status.st_mtime, UTC), hashlib.sha256(raw).hexdigest()


def _what(path: Path) -> str | None:
    if path.name.startswith("."):
        return _HIDDEN
    if path.suffix.lower() not in _ENDINGS:
        return _NO_NOTE
    mode = path.lstat().st_mode
    return None if stat.S_ISREG(mode) else _LINKED_FILE if stat.S_ISLNK(mode) else _NO_FILE


def _unreadable(error: OSError) -> NoReturn:
    raise e.StoreError(f"{error.filename} cannot be read: {error.strerror}", hint="check the path") from error
