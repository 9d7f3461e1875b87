"""A journal entry from elsewhere, as rows: its tags, its journal, itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.lines import Row
from bmaddb.modules.chat_journal import Journal, JournalEntry, Tag
from bmaddb.schema.natural_keys import folded, natural_id
from bmaddb.schema.rules import MergeRule

TAGS_MAX: Final = 200
_HEADING: Final = "# "


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What Day One and Markdown have in common."""

    id: str
    journal_id: str
    journal: str
    journal_stated: bool = False
    """Does the entry itself say which journal it is in, or only where it was found?"""
    text: str
    occurred_at: datetime
    updated_at: datetime
    tz: str
    tags: Sequence[str] | None = None
    """None: not spoken of."""
    stated: Mapping[str, Any] = field(default_factory=dict)
    """Column -> value of what else it says; the others are left as they are."""
    source_hash: str | None = None
    """Of the file it is, where it is one."""


def rows_of(entry: Entry, user: str | None) -> tuple[Row, ...]:
    """The rows, in an order in which each finds what it refers to."""
    tags = _tags(entry.tags or (), user)
    told = {
        **entry.stated,
        "body": entry.text,
        "body_hash": hash_of(entry.text),
        "word_count": len(entry.text.split()),
        "updated_at": entry.updated_at,
    }
    if entry.tags is not None:
        told["tag_ids"] = [row_id for row_id, _ in tags]
    values: dict[str, Any] = {
        "id": entry.id,
        "journal_id": entry.journal_id,
        "entry_date": entry.occurred_at.astimezone(zone(entry.tz)).date().isoformat(),
        "occurred_at": entry.occurred_at,
        "tz": entry.tz,
        "created_at": entry.occurred_at,
        **told,
    }
    followed = [name for name in told if JournalEntry.__table__.column(name).spec.merge is not MergeRule.IMM]
    follows = frozenset((*followed, "journal_id") if entry.journal_stated else followed)
    beside = None if entry.journal_stated else (JournalEntry, entry.id)
    return (
        *(row for _, row in tags),
        Row(Journal, {"id": entry.journal_id, "name": entry.journal}, once=True, beside=beside),
        Row(JournalEntry, values, follows=follows, source_hash=entry.source_hash),
    )


def hash_of(body: str) -> str:
    """What an entry says of its body, in hex."""
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()


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


def titled(text: str) -> tuple[str | None, str]:
    """A heading in the first line is the title."""
    first, _, rest = text.partition("\n")
    if first.startswith(_HEADING) and first[2:].strip():
        return first[2:].strip(), rest.lstrip("\n")
    return None, text


def zone(name: str) -> tzinfo:
    """The time zone of that name, or UTC."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not in this system's list: the day is told in UTC
        return UTC
