"""Which folder is this? Two of one name are two, and one that moved is the same.

Rules of this room: a folder is known by where it is, on this device; elsewhere by its notes, if at least half of
them stand here word for word. In doubt it is another: two entries are better than one that lost its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer.identity import id_from
from bmaddb.device.transfer.journal_entries import hash_of
from bmaddb.device.transfer.note import SOURCE, Note
from bmaddb.modules.chat_journal import JournalEntry

KNOWN_MAX: Final = 200
SAMPLE_NOTES_MAX: Final = 200
_NOTED: Final = "markdown_folders"


def folder_key(store: Store, folder: Path, names: Sequence[str], note_of: Callable[[str], Note]) -> str:
    """What makes the ids of the notes of `folder`, together with their paths in it; noted in the file."""
    where = hash_of(str(folder.resolve()))
    known = msgspec.json.decode(store.meta_get(_NOTED) or "{}", type=dict[str, str])
    if where in known:
        return known[where]
    bodies = _bodies(names, note_of)
    before = [folder.resolve().name, *reversed(known.values())]  # by name alone: what this program did once
    key = next((key for key in before if _is_here(store, key, bodies)), None)
    known[where] = key or hash_of("\n".join((*names, *bodies.values())))
    store.meta_set(_NOTED, msgspec.json.encode(dict(list(known.items())[-KNOWN_MAX:])).decode())
    return known[where]


def _bodies(names: Sequence[str], note_of: Callable[[str], Note]) -> dict[str, str]:
    """Note -> hash of its body, for some out of the whole folder that have no id of their own."""
    found: dict[str, str] = {}
    for name in names[:: 1 + len(names) // SAMPLE_NOTES_MAX]:
        try:
            name.encode()
            note = note_of(name)
        except (e.StoreError, ValueError):
            continue  # said when its turn comes
        if note.own_id is None:
            found[name] = hash_of(note.body)
    return found


def _is_here(store: Store, key: str, bodies: Mapping[str, str]) -> bool:
    """Are at least half of the notes entries by this key, with the same words?"""
    same = 0
    for name, body in bodies.items():
        entry = store.get(JournalEntry, id_from(SOURCE, key, name))
        same += entry is not None and hash_of(entry.body) == body
    return bool(same) and 2 * same >= len(bodies)
