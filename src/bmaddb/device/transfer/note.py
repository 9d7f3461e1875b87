"""A journal entry as a Markdown note, and a note as a journal entry.

Rules of this room: a note says only what is there, and what it does not say is left as it is; a note of ours is
taken to the letter, or refused; of another's, what does not fit is named and left aside.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from bmaddb.device.transfer import front_matter
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.journal_entries import TAGS_MAX, Entry, journal_id, titled, zone
from bmaddb.device.transfer.lines import Aside
from bmaddb.modules.chat_journal import JournalEntry
from bmaddb.schema.letters import encodable

SOURCE: Final = "markdown"
_VERSION_FIELD: Final = "bmaddb"
_VERSION: Final = 1
_DATE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})")
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TAG_ENDS: Final = re.compile(r",|\s+(?=#)")
_SCALE_MAX: Final = 5
_FRAME: Final = ("journal", "date", "created", "tz", "tags")
_FRAME_OF_OURS: Final = (_VERSION_FIELD, "id", "journal_id")
"""Fields that are no column as they stand."""
_COLUMNS: Final = {
    "day": "entry_date",
    "type": "entry_type",
    "format": "body_format",
    "title": "title",
    "mood": "mood",
    "energy": "energy",
    "emotions": "emotions",
    "starred": "starred",
    "location": "location",
    "weather": "weather",
}
"""Field of a note -> column of an entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note as it was read; `name` is its path in the folder."""

    name: str
    front: Mapping[str, Any]
    text: str
    strays: Sequence[str]

    @property
    def own_id(self) -> str | None:
        """The id of the entry, in a note of ours: others number their notes too, each from one."""
        given = self.front.get("id")
        if not isinstance(given, str) or not _ID.fullmatch(given):
            return None
        return given if _VERSION_FIELD in self.front or _is_uuid(given) else None

    @property
    def ours(self) -> bool:
        """Does it say so? Notes of our first exports did not, and held little that can be wrong."""
        return _VERSION_FIELD in self.front and self.own_id is not None

    @property
    def title(self) -> str | None:
        """The heading of the first line, where a note of others has no field for it."""
        return titled(self._plain)[0] if self._headed else None

    @property
    def body(self) -> str:
        return titled(self._plain)[1] if self._headed else self._plain

    @property
    def _headed(self) -> bool:
        return self.own_id is None and "title" not in self.front

    @property
    def _plain(self) -> str:
        """Without the line we put around it; of others without empty lines below the front matter."""
        if self.own_id is not None:
            return self.text.removeprefix("\n").removesuffix("\n")
        return self.text.strip("\n") if self.front or self.strays else self.text


def read_note(name: str, text: str) -> Note:
    """The note in a file that holds `text`."""
    first = text[: text.find("\n") + 1]
    if first.endswith("\r\n"):  # written where lines end so; in a note of ours only the text may hold such ends
        text = text.replace("\r\n", "\n")
    front, body, strays = front_matter.read(text)
    return Note(name=name, front=front, text=body, strays=strays)


def entry_text(entry: JournalEntry, journal: str | None, tags: Sequence[str]) -> str:
    """An entry as a note: the name of its journal, the words of its tags."""
    front: dict[str, Any] = {
        _VERSION_FIELD: _VERSION,
        "id": entry.id,
        "journal": journal,
        "journal_id": entry.journal_id,
        "date": entry.occurred_at.isoformat(),
        "tz": entry.tz,
        "tags": list(tags) or None,
    }
    for name, column in _COLUMNS.items():
        spec, value = JournalEntry.__table__.column(column).spec, getattr(entry, column)
        front[name] = None if spec.has_default and value == spec.default else value
    kept = {name: value for name, value in front.items() if value is not None}
    return f"{front_matter.written(kept)}\n{entry.body}\n"


def entry_of(note: Note, key: str, journal: str, modified: datetime) -> tuple[Entry, tuple[Aside, ...]]:
    """The entry of a note, and what of it is left aside. ValueError for a date that is none.

    `key` says which folder it is, `journal` is the one of a note that names none.
    """
    front, own = note.front, note.own_id
    stated, strange = _columns(note)
    tz, dated = _text(front.get("tz")) or "UTC", _dated(note)
    occurred_at = modified if dated is None else _moment(dated, tz)
    if dated is not None and own is None:
        stated.setdefault("entry_date", occurred_at.astimezone(zone(tz)).date().isoformat())
    if note.title is not None:
        stated["title"] = note.title
    tags, named = _tags(front.get("tags"), note.ours), _text(front.get("journal"))
    by_id = encodable(_text(front.get("journal_id")) or "") if own is not None else None
    entry = Entry(
        id=own or id_from(SOURCE, key, note.name),
        journal=named or journal,
        journal_id=by_id or journal_id(SOURCE, named or journal),
        journal_stated=bool(by_id or named),
        text=note.body,
        occurred_at=occurred_at,
        updated_at=modified,
        tz=tz,
        tags=tags,
        stated=stated,
    )
    left = [Aside("front matter", name) for name in (*note.strays, *strange)]
    return entry, (*left, *(Aside("tags", tag) for tag in (tags or ())[TAGS_MAX:]))


def _columns(note: Note) -> tuple[dict[str, Any], list[str]]:
    """Column -> value for what the note states, and the fields that are no column, or do not fit theirs."""
    stated: dict[str, Any] = {}
    strange: list[str] = []
    for name, value in note.front.items():
        if name in _FRAME or (name in _FRAME_OF_OURS and note.own_id is not None):
            continue
        try:
            stated[_COLUMNS[name]] = _ours(name, value) if note.ours else _FITS[name](value)
        except KeyError:
            strange.append(name)
        except ValueError as error:
            if note.ours:
                raise ValueError(f"{name}: {error}") from None
            strange.append(name)
    return stated, strange


def _ours(name: str, value: Any) -> Any:
    return _day(value) if name == "day" else value


def _day(value: Any) -> str:
    return date.fromisoformat(str(value)).isoformat()


def _of_scale(value: Any) -> int | None:
    if value is not None and (type(value) is not int or not 1 <= value <= _SCALE_MAX):
        raise ValueError(f"not 1 to {_SCALE_MAX}")
    return value


def _line(value: Any) -> str | None:
    if isinstance(value, (list, dict, bool)):
        raise ValueError("not a text")
    return None if value is None else str(value)


def _texts(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return [str(item) for item in value]


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not true or false")
    return value


def _object_or(name: str) -> Callable[[Any], dict[str, Any]]:
    def fitted(value: Any) -> dict[str, Any]:
        if isinstance(value, str):
            return {name: value}
        if not isinstance(value, dict):
            raise ValueError("not an object")
        return value

    return fitted


_FITS: Final[dict[str, Callable[[Any], Any]]] = {
    "day": _day,
    "title": _line,
    "mood": _of_scale,
    "energy": _of_scale,
    "emotions": _texts,
    "starred": _truth,
    "location": _object_or("placeName"),
    "weather": _object_or("conditions"),
}
"""What fits a field in a note of others; `type` and `format` mean something else there."""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _tags(value: Any, ours: bool) -> list[str] | None:
    """None: the note does not speak of tags. In a list of ours `#` belongs to the word."""
    if value is None:
        return None
    if ours and isinstance(value, list):
        return [str(item) for item in value]
    listed = value if isinstance(value, list) else _TAG_ENDS.split(str(value))
    return [tag for item in listed if (tag := str(item).strip().removeprefix("#"))]


def _dated(note: Note) -> str | None:
    """The front matter's date, else the day in the file's name."""
    named = (note.front.get("date"), note.front.get("created"), *_DATE.findall(note.name)[-1:])
    return next((str(text) for text in named if text), None)


def _moment(text: str, tz: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone(tz))


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
