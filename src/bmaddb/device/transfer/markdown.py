"""Markdown: a folder of notes, or a note an entry. What stands between `---` lines at the top says the rest.

Written values are JSON, which YAML reads too; read are `key: value` lines, as JSON where they are JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.transfer.files import readable
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.journal_entries import Entry, journal_id, rows_of
from bmaddb.device.transfer.lines import LINE_BYTES_MAX, Line, Row
from bmaddb.modules.chat_journal import JournalEntry

SOURCE: Final = "markdown"
FILES_MAX: Final = 200_000
_RULE: Final = "---"
_DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def entry_text(entry: JournalEntry) -> str:
    """An entry as a note."""
    front = {
        "id": entry.id,
        "date": entry.occurred_at.isoformat(),
        "tz": entry.tz,
        "title": entry.title,
        "mood": entry.mood,
        "starred": entry.starred,
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in front.items() if value is not None]
    return "\n".join([_RULE, *lines, _RULE, "", entry.body, ""])


class MarkdownFolder:
    """Every `.md` below a folder, in the order of their paths; the folder a note is in is its journal."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.name = folder.name
        self._folder = folder
        self._user = user

    @cached_property
    def _files(self) -> list[str]:
        found = sorted(path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*.md"))
        if len(found) > FILES_MAX:
            raise e.StoreError(f"more than {FILES_MAX} notes", hint="import the folders below it one by one")
        return found

    @property
    def identity(self) -> str:
        """Of the names: a file that came in between moves the places of those behind it."""
        return hashlib.sha256("\n".join([str(self._folder.resolve()), *self._files]).encode()).hexdigest()

    @property
    def total(self) -> int:
        return len(self._files)

    def lines(self, at: int, number: int) -> Iterator[Line]:
        for place, name in enumerate(self._files[at:], at):
            rows, problem = self._read(name)
            yield Line(place + 1, place, place + 1, rows, problem)

    def _read(self, name: str) -> tuple[tuple[Row, ...], str | None]:
        path = self._folder / name
        try:
            with readable(path):
                if path.stat().st_size > LINE_BYTES_MAX:
                    return (), f"{name}: longer than {LINE_BYTES_MAX} bytes"
                text, modified = path.read_text(encoding="utf-8-sig"), path.stat().st_mtime
            return rows_of(self._entry(name, text, datetime.fromtimestamp(modified, UTC)), self._user), None
        except (ValueError, OverflowError) as error:
            return (), f"{name}: {error}"
        except e.BmadError as error:
            return (), f"{name}: {error.message}"

    def _entry(self, name: str, text: str, modified: datetime) -> Entry:
        front, body = _front(text)
        journal = name.split("/")[0] if "/" in name else self.name
        given = str(front.get("id", ""))
        title, tags = front.get("title"), front.get("tags")
        return Entry(
            id=given if _ID.fullmatch(given) else id_from(SOURCE, self.name, name),
            journal_id=journal_id(SOURCE, journal),
            journal=journal,
            text=body,
            occurred_at=_moment(front, name, modified),
            updated_at=modified,
            tz=str(front.get("tz", "UTC")),
            title=None if title is None else str(title),
            tags=[str(tag) for tag in (tags if isinstance(tags, list) else str(tags or "").split(","))],
            starred=front.get("starred") is True,
        )


def _front(text: str) -> tuple[Mapping[str, Any], str]:
    if not text.startswith(_RULE + "\n"):
        return {}, text
    head, rule, body = text[len(_RULE) + 1 :].partition(f"\n{_RULE}\n")
    if not rule:
        return {}, text
    pairs = (line.partition(":") for line in head.splitlines())
    return {name.strip(): _scalar(value.strip()) for name, colon, value in pairs if colon}, body.strip("\n")


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        listed = text.removeprefix("[").removesuffix("]") if text.startswith("[") else None
        return text.strip("'\"") if listed is None else [item.strip(" '\"") for item in listed.split(",")]


def _moment(front: Mapping[str, Any], name: str, modified: datetime) -> datetime:
    """From the front matter, else the day in the file's name, else when the file was written."""
    for text in (front.get("date"), front.get("created"), *_DATE.findall(name)[-1:]):
        if text:
            moment = datetime.fromisoformat(str(text))
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return modified
