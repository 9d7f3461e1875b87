"""A journal entry from elsewhere, as rows: its tags, its journal, itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.lines import Row
from bmaddb.modules.chat_journal import Journal, JournalEntry, Tag
from bmaddb.schema.natural_keys import folded, natural_id

TAGS_MAX: Final = 200
_HEADING: Final = "# "


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What Day One and Markdown have in common."""

    id: str
    journal_id: str
    journal: str
    text: str
    occurred_at: datetime
    updated_at: datetime
    tz: str
    title: str | None = None
    tags: Sequence[str] = ()
    starred: bool = False
    location: dict[str, Any] | None = None
    weather: dict[str, Any] | None = None


def rows_of(entry: Entry, user: str | None) -> tuple[Row, ...]:
    """The rows, in an order in which each finds what it refers to."""
    tags = _tags(entry.tags, user)
    title, body = (entry.title, entry.text) if entry.title is not None else _titled(entry.text)
    values: dict[str, Any] = {
        "id": entry.id,
        "journal_id": entry.journal_id,
        "entry_date": entry.occurred_at.astimezone(_zone(entry.tz)).date().isoformat(),
        "occurred_at": entry.occurred_at,
        "tz": entry.tz,
        "title": title,
        "body": body,
        "body_hash": hashlib.sha256(body.encode("utf-8", "replace")).hexdigest(),
        "word_count": len(body.split()),
        "tag_ids": [row_id for row_id, _ in tags],
        "starred": entry.starred,
        "location": entry.location,
        "weather": entry.weather,
        "created_at": entry.occurred_at,
        "updated_at": entry.updated_at,
    }
    journal = Row(Journal, {"id": entry.journal_id, "name": entry.journal}, once=True)
    return (*(row for _, row in tags), journal, Row(JournalEntry, values))


def journal_id(source: str, name: str) -> str:
    return id_from(source, "journal", name)


def _tags(labels: Sequence[str], user: str | None) -> list[tuple[str, Row]]:
    """One for each word, however it is written; the first way stands."""
    made: dict[str, Row] = {}
    for label in labels:
        if label.strip() and len(made) < TAGS_MAX:
            made.setdefault(*_tag(label, user))
    return list(made.items())


def _tag(label: str, user: str | None) -> tuple[str, Row]:
    label = " ".join(label.replace("\x1f", " ").split())
    values = {"user_id": user or "", "name": folded(label)}
    return natural_id(Tag.__table__, values), Row(Tag, {"name": values["name"], "label": label}, once=True)


def _titled(text: str) -> tuple[str | None, str]:
    """A heading in the first line is the title."""
    first, _, rest = text.partition("\n")
    if first.startswith(_HEADING) and first[2:].strip():
        return first[2:].strip(), rest.lstrip("\n")
    return None, text


def _zone(name: str) -> Any:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not in this system's list: the day is told in UTC
        return UTC
