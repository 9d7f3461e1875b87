"""Files beside those that are imported: named, so that nobody thinks they came along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from bmaddb.device.transfer.lines import Aside, Line


class Unread:
    """A source that gives no rows; a line a file, all of one kind."""

    def __init__(self, name: str, what: str, files: Sequence[str]) -> None:
        self.name = name
        self._what = what
        self._files = files

    @property
    def identity(self) -> str:
        return hashlib.sha256("\n".join(self._files).encode()).hexdigest()

    @property
    def total(self) -> int:
        return len(self._files)

    def lines(self, at: int, number: int) -> Iterator[Line]:
        for place, name in enumerate(self._files[at:], at):
            yield Line(place + 1, place, place + 1, aside=(Aside(self._what, name),))
