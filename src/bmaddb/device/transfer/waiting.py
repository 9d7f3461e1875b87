"""Lines that came before what they refer to: each is tried again when that has come, so no line is tried in vain.

Rules of this room: a line is read where it stands, those of a source in order; what is read and waits again is held, up
to a limit, for a ZIP is read from its beginning to get at a line in it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from bmaddb.device.store import Store
from bmaddb.device.transfer.chunks import weighed
from bmaddb.device.transfer.circles import NOBODY, Spot
from bmaddb.device.transfer.lines import Line, Name, Source
from bmaddb.device.transfer.writing import names_of, references

HELD_BYTES_MAX: Final = 32 * 1024 * 1024
_READ_OVER_MAX: Final = 1024 * 1024
"""Bytes (or notes) that are read over rather than opening the source again."""
PutOff: TypeAlias = tuple[int, int, int, str]
"""(part, place, number, why)"""


class Waiting:
    """`left` are those that are not taken yet, by where they are."""

    def __init__(self, sources: Sequence[Source], put_off: Iterable[PutOff]) -> None:
        self.left: dict[Spot, PutOff] = {item[:2]: item for item in sorted(put_off)}
        self._sources = sources
        self._ready: dict[int, deque[Spot]] = defaultdict(deque)
        for spot in self.left:
            self._ready[spot[0]].append(spot)
        self._until: dict[Name, list[Spot]] = defaultdict(list)
        self._held: dict[Spot, tuple[Line, int]] = {}
        self._held_bytes = 0
        self._reading: tuple[int, int, Iterator[Line]] | None = None

    def next(self, part: int | None = None) -> tuple[Spot, Line, int] | None:
        """The next that can be tried, of one part if that is said: where, the line, and how many bytes it has."""
        parts = [number for number, spots in sorted(self._ready.items()) if spots and part in (None, number)]
        if not parts:
            return None
        spot = self._ready[parts[0]].popleft()
        return spot, *self.line(spot)

    def again(self, spot: Spot) -> None:
        """It was not tried after all."""
        self._ready[spot[0]].appendleft(spot)

    def waits(self, spot: Spot, name: Name) -> None:
        """It was tried, and refers to the row `name`."""
        self._until[name].append(spot)

    def taken(self, spots: Iterable[Spot], names: Iterable[Name]) -> None:
        """They are done, and so are the rows `names`: who waits for them can be tried."""
        for spot in spots:
            del self.left[spot]
            self._release(spot)
        for name in names:
            for other in self._until.pop(name, ()):
                if other in self.left:
                    self._ready[other[0]].append(other)

    def why(self, spots: Iterable[Spot], reason: str) -> None:
        """Why these are not taken."""
        for spot in spots:
            part, at, number, _ = self.left[spot]
            self.left[spot] = part, at, number, reason

    def needs(self, store: Store) -> dict[Spot, set[Spot]]:
        """Of each that is left, which others hold the rows that are missing; NOBODY when none does."""
        makers = {name: spot for spot in self.left for name in names_of(store, self.line(spot)[0])}
        found: dict[Spot, set[Spot]] = {}
        for spot in self.left:
            named = [name for row in self.line(spot)[0].rows for name in references(store, row)]
            missing = [name for name in named if store.get(store.catalog.record(name[0]), name[1]) is None]
            found[spot] = {makers.get(name, NOBODY) for name in missing} - {spot}
        return found

    def line(self, spot: Spot) -> tuple[Line, int]:
        """The line, and how many bytes it has; held until it is taken, if there is room."""
        if spot not in self._held:
            line, size = weighed(self._read(spot))
            if self._held_bytes + size > HELD_BYTES_MAX:
                return line, size
            self._held[spot] = line, size
            self._held_bytes += size
        return self._held[spot]

    def _release(self, spot: Spot) -> None:
        _, size = self._held.pop(spot, (None, 0))
        self._held_bytes -= size

    def _read(self, spot: Spot) -> Line:
        part, at = spot
        number = self.left[spot][2]
        if self._reading is not None and self._reading[0] == part and 0 <= at - self._reading[1] <= _READ_OVER_MAX:
            lines = self._reading[2]
        else:
            lines = self._sources[part].lines(at, number)
        self._reading = None
        for line in lines:
            if line.at == at:
                self._reading = part, line.after, lines
                return line
        return Line(number, at, at, problem="is not there any more")
