"""How far an import is: noted in the transaction of the rows, so that it goes on where it was, whatever happened."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Final

import msgspec

from bmaddb.device.store import Store

ASIDE_NAMES_MAX: Final = 20
_KEY: Final = "import:"


def storable(text: str) -> str:
    """Names of files may hold bytes that are no text; a question mark stands for each."""
    return text.encode("utf-8", "replace").decode()


class AsideCount(msgspec.Struct):
    """How many of a kind were left aside, and the first names."""

    count: int = 0
    names: list[str] = []

    def add(self, name: str) -> None:
        self.count += 1
        name = storable(name)
        if len(self.names) < ASIDE_NAMES_MAX and name not in self.names:
            self.names.append(name)


class Place(msgspec.Struct):
    """Of the sources of one import: which one, the place in it, and what became of the lines so far."""

    part: int = 0
    at: int = 0
    number: int = 1
    added: int = 0
    updated: int = 0
    same: int = 0
    kept: int = 0
    bad_lines: int = 0
    bad: list[tuple[str, int, str]] = []
    aside: dict[str, AsideCount] = {}
    put_off: list[tuple[int, int, int, str]] = []
    """(part, place, number, why) of lines that refer to rows that are not there yet."""

    def copy(self) -> Place:
        """One that stays as it is."""
        lists = {"bad": list(self.bad), "put_off": list(self.put_off), "aside": deepcopy(self.aside)}
        return msgspec.structs.replace(self, **lists)


def load(store: Store, identity: str) -> Place | None:
    """Where an earlier run stopped, or None."""
    text = store.meta_get(_KEY + identity)
    return msgspec.json.decode(text, type=Place) if text else None


def note(store: Store, identity: str, place: Place, connection: Any = None) -> None:
    """In the transaction of this thread."""
    store.meta_set(_KEY + identity, msgspec.json.encode(place).decode(), connection)


def forget(store: Store, identity: str) -> None:
    """The import is over."""
    store.meta_drop(_KEY + identity)
