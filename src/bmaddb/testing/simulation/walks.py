"""The stream of a first sync in a simulation: refused, cut, ended early, read by a process that dies.

Rules of this room: a stream is read from Postgres as a whole when it is opened, while whoever opened it waits; from
there on it only hands out pages. So a run is one order of events, though a device reads ahead.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from bmaddb import errors as e
from bmaddb.device.sync.transport import CallFailed, NotStreamed
from bmaddb.protocol.frames import FrameReader
from bmaddb.protocol.messages import WALK_CURSOR
from bmaddb.protocol.steps import Failure, FailureKind
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.wire import DeviceWire, Fate, Interlude, Killer, Wire

WalkServer = Callable[[str, bytes], Awaitable[list[bytes]]]
"""User, body -> the frames of a stream."""
REFUSED = 0.08
"""Chances of a stream in weather of any kind, but for calm."""
CUT = 0.25
ENDED_EARLY = 0.1
READER_DIES = 0.08
FRAME_BYTES_MAX = 64 * 1024 * 1024
_DEAD = frozenset({Fate.KILLED_BEFORE, Fate.KILLED_AFTER})
_SILENT = frozenset({Fate.LOST, Fate.DELAYED, Fate.ANSWER_LOST})


@dataclass(frozen=True, slots=True)
class Streams:
    """What the streams of one device have in common. `faults` is told of a stream that does not keep its word."""

    server: WalkServer
    dice: Dice
    coverage: Coverage
    die_later: Killer
    faults: list[str]


class StreamingWire(DeviceWire):
    """The transport of a device that can read streams."""

    def __init__(
        self, wire: Wire, user: str, interlude: Interlude, kill: Killer, left: list[bytes], streams: Streams
    ) -> None:
        super().__init__(wire, user, interlude, kill, left)
        self._streams = streams

    async def stream(self, _: str, body: bytes) -> AsyncGenerator[bytes]:
        """One stream, under a fate drawn for it; others act before its snapshot is taken, and after."""
        fate, busy = self._wire.draw()
        if busy:
            await self._interlude()
        if fate in _DEAD:
            self._streams.die_later()
        _check_begun(fate)
        stormy = self._wire.stormy
        if stormy and self._streams.dice.chance(READER_DIES):
            self._streams.die_later()
        if stormy and self._streams.dice.chance(REFUSED):
            self._streams.coverage.note("stream refused")
            raise NotStreamed("as many streams as this server has at once")
        frames = await self._streams.server(self._user, body)
        self._streams.coverage.note("first sync streamed")
        if WALK_CURSOR.encode() in body:
            self._streams.coverage.note("first sync goes on where its stream broke")
        if busy:
            await self._interlude()
        reader = FrameReader(FRAME_BYTES_MAX)
        pages = [page for frame in frames for page in reader.feed(frame)]
        self._check_word(pages)
        last, error = self._end(fate, len(pages)) if stormy else (len(pages), None)
        for page in pages[:last]:
            yield page
        if error is not None:
            raise error

    def _end(self, fate: Fate, pages: int) -> tuple[int, e.BmadError | None]:
        """After how many pages the stream is over, and with what error."""
        dice, coverage = self._streams.dice, self._streams.coverage
        last = dice.number(0, pages - 1)
        if fate is Fate.CUT:
            return last, e.RemoteProtocolError("the stream ends in the middle of a page")
        if dice.chance(CUT):
            coverage.note("stream cut")
            return last, e.TransportError("the stream was cut")
        if dice.chance(ENDED_EARLY):
            coverage.note("stream ended early")
            return last, None
        return pages, None

    def _check_word(self, pages: Sequence[bytes]) -> None:
        """A stream brings as many rows of each table as it announced, each of them once."""
        told = [msgspec.json.decode(page) for page in pages]
        brought: dict[str, list[str]] = {}
        for page in told:
            for part in page.get("tables", ()):
                place = part["columns"].index("id")
                brought.setdefault(part["table"], []).extend(row[place] for row in part["rows"])
        expected = {table: count for page in told for table, count in (page.get("expect") or {}).items()}
        for table in sorted({*brought, *expected}):
            ids = brought.get(table, [])
            if len(ids) != expected.get(table, 0) or len(set(ids)) != len(ids):
                self._streams.faults.append(
                    f"a stream announced {expected.get(table, 0)} rows of {table}, and brought {len(ids)}, "
                    f"{len(set(ids))} of them different"
                )


def _check_begun(fate: Fate) -> None:
    """Raise where not even the head of an answer comes."""
    if fate in _SILENT:
        raise e.TransportError("the stream did not begin")
    if fate is Fate.BUSY:
        raise CallFailed(Failure(kind=FailureKind.LINK, code="http_503", message="the server is busy"))
    if fate is Fate.TOKEN:
        raise CallFailed(Failure(kind=FailureKind.TOKEN, code="PGRST301", message="the token has expired"))
