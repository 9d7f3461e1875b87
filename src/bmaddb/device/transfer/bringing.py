"""Bringing lines in: a chunk a transaction, with the place after it; what is there already is recognised by its id.

Rules of this room: a line is taken whole or not at all; one that cannot be is reported and the rest goes in; a
row of the device that is newer than its source is left alone; nothing is done twice, whenever the process dies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer import place as places
from bmaddb.device.transfer.chunks import CHUNK_BYTES, chunks
from bmaddb.device.transfer.circles import Spot, circles
from bmaddb.device.transfer.lines import Line, Row, Source
from bmaddb.device.transfer.place import AsideCount, Place
from bmaddb.device.transfer.report import BadLine, ImportReport, LeftAside, Progress, TellProgress
from bmaddb.device.transfer.waiting import Waiting
from bmaddb.device.transfer.writing import Fate, Missing, Writing, is_there, names_of, typed_writing, whole_writing
from bmaddb.schema.records import writable

CHUNK_LINES: Final = 500
STRICT_LINES_MAX: Final = 10_000
PUT_OFF_MAX: Final = 10_000
CIRCLE_BYTES_MAX: Final = 2 * 1024 * 1024
"""Lines that refer to each other in a circle are taken in one transaction, whatever their number; escaped, it fits."""
BAD_KEPT_MAX: Final = 200
_REFUSED: Final = (e.RecordInvalid, e.ReadOnlyTable, e.RecordNotFound)


class Bringing:
    """One import of `sources` into `store`, one after the other; `into` says into what, where the sources do not."""

    def __init__(
        self, store: Store, sources: Sequence[Source], tell: TellProgress | None = None, into: str = ""
    ) -> None:
        self._store = store
        self._sources = sources
        self._tell = tell
        named = "\n".join((into, *(f"{source.name} {source.identity}" for source in sources)))
        self._identity = hashlib.sha256(named.encode("utf-8", "replace")).hexdigest()
        self._place = Place()

    def run(self) -> ImportReport:
        """To the end, from where an earlier run stopped; from the beginning when what it took is gone."""
        found = places.load(self._store, self._identity)
        if found is not None and not self._stands(found):
            found = None
        self._place = found or Place()
        self._all(CHUNK_LINES)
        places.forget(self._store, self._identity)
        return self._report(resumed=found is not None)

    def run_strictly(self) -> ImportReport:
        """All in one transaction, or RecordInvalid and nothing; at most STRICT_LINES_MAX lines."""
        with self._store.write():
            self._all(STRICT_LINES_MAX)
            if self._place.bad:
                where, number, reason = self._place.bad[0]
                raise e.RecordInvalid(
                    f"{where}, line {number}: {reason} ({self._place.bad_lines} bad lines)",
                    hint="nothing was imported; without strict the good lines go in",
                )
            places.forget(self._store, self._identity)
        return self._report(resumed=False)

    def _stands(self, place: Place) -> bool:
        """Is every row of the lines before `place` here, but for those that were refused or wait?"""
        out = {(source, number) for source, number, _ in place.bad}
        out |= {(places.storable(self._sources[part].name), number) for part, _, number, _ in place.put_off}
        for part, source in enumerate(self._sources[: place.part + 1]):
            name = places.storable(source.name)
            for line in source.lines(0, 1):
                if part == place.part and line.at >= place.at:
                    break
                if (name, line.number) not in out and not all(is_there(self._store, row) for row in line.rows):
                    return False
        return True

    def _all(self, chunk_lines: int) -> None:
        while self._place.part < len(self._sources):
            self._source(self._place.part, chunk_lines)
        self._again()

    def _source(self, part: int, chunk_lines: int) -> None:
        source = self._sources[part]
        lines = source.lines(self._place.at, self._place.number)
        for chunk in chunks(lines, chunk_lines):
            if self._store.writes_here and self._place.number > STRICT_LINES_MAX:
                raise e.RecordInvalid(f"more than {STRICT_LINES_MAX} lines", hint="import them without strict")
            with self._chunk(chunk) as writing:
                for line in chunk:
                    self._line(writing, part, line)
                self._place.at, self._place.number = chunk[-1].after, chunk[-1].number + 1
            if self._tell is not None:
                read = chunk[-1].number
                self._tell(Progress(source=source.name, lines=read, done=self._place.at, total=source.total))
        self._place.part, self._place.at, self._place.number = part + 1, 0, 1

    @contextmanager
    def _chunk(self, chunk: Iterable[Line]) -> Iterator[Writing]:
        """A transaction with the place noted in it; memory says what the file says, should it not commit."""
        before = self._place.copy()
        first = next((line.rows[0] for line in chunk if line.rows), None)
        whole = first is not None and first.whole
        try:
            if first is not None and not writable(first.record.__table__):
                with self._store.apply("local") as connection:
                    yield whole_writing(self._store, connection)
                    places.note(self._store, self._identity, self._place, connection)
                return
            with self._store.write() as tx:
                yield whole_writing(self._store, tx) if whole else typed_writing(self._store, tx)
                places.note(self._store, self._identity, self._place)
        except BaseException:
            self._place = before
            raise

    def _line(self, writing: Writing, part: int, line: Line) -> None:
        """Take a line, refuse it, or put it off."""
        try:
            self._take(writing, part, line)
        except Missing as error:
            if len(self._place.put_off) < PUT_OFF_MAX:
                self._place.put_off.append((part, line.at, line.number, error.message))
            else:
                why = f"{error.message}, and {PUT_OFF_MAX} lines wait already: import again, it may be there then"
                self._bad(self._sources[part].name, line.number, why)

    def _take(self, writing: Writing, part: int, line: Line) -> None:
        """Take a line, or refuse it. Missing when what it refers to is not there."""
        source = self._sources[part].name
        if line.problem is not None:
            self._bad(source, line.number, line.problem)
            return
        try:
            fates = self._rows(writing, line.rows)
        except Missing:
            raise
        except _REFUSED as error:
            self._bad(source, line.number, error.message)
            return
        self._count(line, fates)

    def _rows(self, writing: Writing, rows: tuple[Row, ...]) -> list[Fate | None]:
        if len(rows) < 2:
            return [writing.put(row) for row in rows]
        with writing.together():
            return [writing.put(row) for row in rows]

    def _count(self, line: Line, fates: Iterable[Fate | None]) -> None:
        for fate in fates:
            if fate is not None:
                setattr(self._place, fate, getattr(self._place, fate) + 1)
        for what, name in line.aside:
            self._place.aside.setdefault(what, AsideCount()).add(name)

    def _again(self) -> None:
        """Lines that came before what they refer to: until none of them finds its place."""
        if not self._place.put_off:
            return
        waiting = Waiting(self._sources, self._place.put_off)
        self._rounds(waiting)
        for circle in circles(waiting.needs(self._store)):
            self._circle(waiting, circle)
            self._rounds(waiting)
        with self._store.write():
            for part, _, number, why in waiting.left.values():
                self._bad(self._sources[part].name, number, why)
            self._place.put_off = []
            places.note(self._store, self._identity, self._place)

    def _rounds(self, waiting: Waiting) -> None:
        """Those that can be tried, and those that then can be."""
        while (found := waiting.next()) is not None:
            part, lines, size = found[0][0], 0, 0
            with self._chunk([found[1]]) as writing:
                while found is not None and lines < CHUNK_LINES:
                    spot, line, more = found
                    if lines and size + more > CHUNK_BYTES:
                        break
                    self._try(writing, waiting, spot, line)
                    lines, size = lines + 1, size + more
                    found = waiting.next(part)
                if found is not None:
                    waiting.again(found[0])
                self._place.put_off = list(waiting.left.values())

    def _try(self, writing: Writing, waiting: Waiting, spot: Spot, line: Line) -> None:
        try:
            self._take(writing, spot[0], line)
        except Missing as error:
            waiting.waits(spot, error.name)
        else:
            waiting.taken((spot,), names_of(self._store, line))

    def _circle(self, waiting: Waiting, spots: Sequence[Spot]) -> None:
        """Lines that refer to each other, all or none: references are looked at when the transaction ends."""
        weighed = [waiting.line(spot) for spot in spots]
        lines = [line for line, _ in weighed]
        if sum(size for _, size in weighed) > CIRCLE_BYTES_MAX:
            waiting.why(spots, f"a circle of {len(spots)} lines is more than {CIRCLE_BYTES_MAX} bytes")
            return
        if not all(writable(row.record.__table__) for line in lines for row in line.rows):
            return
        with self._chunk(lines) as writing:
            writing.coming = {name for line in lines for name in names_of(self._store, line)}
            try:
                with writing.together():
                    fates = [[writing.put(row) for row in line.rows] for line in lines]
                    self._store.check_references()
            except _REFUSED as error:
                waiting.why(spots, f"in a circle of {len(spots)} lines: {error.message}")
                return
            for line, fate in zip(lines, fates, strict=True):
                self._count(line, fate)
            waiting.taken(spots, writing.coming)
            self._place.put_off = list(waiting.left.values())

    def _bad(self, source: str, number: int, reason: str) -> None:
        self._place.bad_lines += 1
        if len(self._place.bad) < BAD_KEPT_MAX:
            self._place.bad.append((places.storable(source), number, places.storable(reason)))

    def _report(self, *, resumed: bool) -> ImportReport:
        place: Any = self._place
        return ImportReport(
            added=place.added,
            updated=place.updated,
            same=place.same,
            kept=place.kept,
            bad_lines=place.bad_lines,
            bad=tuple(BadLine(source=source, line=number, reason=reason) for source, number, reason in place.bad),
            resumed=resumed,
            left_aside=tuple(
                LeftAside(what=what, count=found.count, names=tuple(found.names))
                for what, found in sorted(place.aside.items())
            ),
        )
