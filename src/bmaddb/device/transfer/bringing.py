"""Bringing lines in: a chunk a transaction, with the place after it; what is there already is recognised by its id.

Rules of this room: a line is taken whole or not at all; one that cannot be is reported and the rest goes in; a
row of the device that is newer than its source is left alone; nothing is done twice, whenever the process dies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from typing import Any, Final

from bmaddb import errors as e
from bmaddb.device.store import Store
from bmaddb.device.transfer import place as places
from bmaddb.device.transfer.lines import Line, Row, Source
from bmaddb.device.transfer.place import AsideCount, Place
from bmaddb.device.transfer.report import BadLine, ImportReport, LeftAside, Progress, TellProgress
from bmaddb.device.transfer.writing import Fate, Missing, Writing, typed_writing, whole_writing
from bmaddb.schema.records import writable

CHUNK_LINES: Final = 500
CHUNK_BYTES: Final = 1024 * 1024
"""Of texts and blobs; a chunk with more ends there, for a transaction must fit into one push."""
STRICT_LINES_MAX: Final = 10_000
PUT_OFF_MAX: Final = 10_000
BAD_KEPT_MAX: Final = 200
_REFUSED: Final = (e.RecordInvalid, e.ReadOnlyTable, e.RecordNotFound)


class Bringing:
    """One import of `sources` into `store`, one after the other."""

    def __init__(self, store: Store, sources: Sequence[Source], tell: TellProgress | None = None) -> None:
        self._store = store
        self._sources = sources
        self._tell = tell
        named = "\n".join(f"{source.name} {source.identity}" for source in sources)
        self._identity = hashlib.sha256(named.encode()).hexdigest()
        self._place = Place()

    def run(self) -> ImportReport:
        """To the end, from where an earlier run stopped."""
        found = places.load(self._store, self._identity)
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

    def _all(self, chunk_lines: int) -> None:
        while self._place.part < len(self._sources):
            self._source(self._place.part, chunk_lines)
        self._again()

    def _source(self, part: int, chunk_lines: int) -> None:
        source, lines = self._sources[part], iter(self._sources[part].lines(self._place.at, self._place.number))
        while chunk := _chunk_of(lines, chunk_lines):
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
        before = deepcopy(self._place)
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

    def _line(self, writing: Writing, part: int, line: Line, *, again: bool = False) -> bool:
        """Take a line; False when it is put off (again)."""
        source = self._sources[part].name
        if line.problem is not None:
            self._bad(source, line.number, line.problem)
            return True
        try:
            fates = self._rows(writing, line.rows)
        except Missing as error:
            if again:
                return False
            if len(self._place.put_off) < PUT_OFF_MAX:
                self._place.put_off.append((part, line.at, line.number, error.message))
                return True
            self._bad(source, line.number, error.message)
            return True
        except _REFUSED as error:
            self._bad(source, line.number, error.message)
            return True
        for fate in fates:
            if fate is not None:
                setattr(self._place, fate, getattr(self._place, fate) + 1)
        for what, name in line.aside:
            self._place.aside.setdefault(what, AsideCount()).add(name)
        return True

    def _rows(self, writing: Writing, rows: tuple[Row, ...]) -> list[Fate | None]:
        if len(rows) < 2:
            return [writing.put(row) for row in rows]
        with writing.together():
            return [writing.put(row) for row in rows]

    def _again(self) -> None:
        """Lines that came before what they refer to: until none of them finds its place."""
        if not self._place.put_off:
            return
        while waiting := sorted(self._place.put_off):
            for begin in range(0, len(waiting), CHUNK_LINES):
                self._round(waiting[begin : begin + CHUNK_LINES])
            if len(self._place.put_off) == len(waiting):
                break
        with self._store.write():
            for part, _, number, why in self._place.put_off:
                self._bad(self._sources[part].name, number, why)
            self._place.put_off = []
            places.note(self._store, self._identity, self._place)

    def _round(self, waiting: list[tuple[int, int, int, str]]) -> None:
        for part in sorted({item[0] for item in waiting}):
            items = [item for item in waiting if item[0] == part]
            lines = [next(iter(self._sources[part].lines(at, number))) for _, at, number, _ in items]
            with self._chunk(lines) as writing:
                for item, line in zip(items, lines, strict=True):
                    if self._line(writing, part, line, again=True):
                        self._place.put_off.remove(item)

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


def _chunk_of(lines: Iterator[Line], lines_max: int) -> list[Line]:
    chunk: list[Line] = []
    size = 0
    for line in islice(lines, lines_max):
        chunk.append(line)
        size += sum(len(value) for row in line.rows for value in row.values.values() if isinstance(value, str | bytes))
        if size >= CHUNK_BYTES:
            break
    return chunk
