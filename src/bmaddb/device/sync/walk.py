"""A first sync as a stream: opened once, read and parsed ahead by a few pages while one is being written.

Rules of this room: the session decides the course; it asks for the page after a cursor, and gets it from the
stream that stands there, or from a new one. A stream that breaks is a failed pull; what was written stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from bmaddb import errors as e
from bmaddb.device.sync.parsing import ParsedRows, Parser
from bmaddb.device.sync.transport import NotStreamed, StreamTransport, Transport
from bmaddb.protocol import codec
from bmaddb.protocol.messages import WALK_CURSOR, WALK_FUNCTION, Cursor, PullAnswer
from bmaddb.signals import FirstSyncProgress

PAGES_AHEAD_MAX = 1
Ahead: TypeAlias = tuple[PullAnswer, tuple[ParsedRows, ...]] | BaseException | None


class Walk:
    """The stream of one sync run. `ask` makes the body of a request from a cursor; `count` is told the bytes."""

    def __init__(self, transport: Transport, ask: Callable[[Cursor], bytes], count: Callable[[int, int], None]) -> None:
        self._transport = transport
        self._ask = ask
        self._count = count
        self._refused = not isinstance(transport, StreamTransport)
        self._at: Cursor = None
        self._reader: asyncio.Task[None] | None = None
        self._ahead: asyncio.Queue[Ahead] = asyncio.Queue(PAGES_AHEAD_MAX)
        self._given: tuple[PullAnswer, tuple[ParsedRows, ...]] | None = None
        self.progress = Progress()

    def carries(self, cursor: Cursor) -> bool:
        """Does the page after `cursor` come by a stream, as far as we know?"""
        return not self._refused and (cursor is None or cursor.startswith(WALK_CURSOR))

    async def page(self, cursor: Cursor) -> PullAnswer | None:
        """The page after `cursor`; None when this server does not stream. Raises as Transport.call does."""
        if self._reader is None or self._at != cursor:
            await self.close()
            self._open(cursor)
        got = await self._ahead.get()
        if got is None:  # it ended in good order, before the walk did: its time was over
            await self.close()
            raise e.TransportError("the stream of the first sync ended early")
        if isinstance(got, BaseException):
            await self.close()
            if isinstance(got, NotStreamed):
                self._refused = True
                return None
            raise got
        answer, _ = self._given = got
        self._at = answer.cursor
        self.progress.expect(answer)
        if answer.resync or answer.cursor is None or not answer.cursor.startswith(WALK_CURSOR):
            await self.close()
        return answer

    def parts_of(self, page: PullAnswer) -> tuple[ParsedRows, ...] | None:
        """The parsed parts of `page`, if it is the one that came last by a stream."""
        return self._given[1] if self._given is not None and self._given[0] is page else None

    async def close(self) -> None:
        """Let go of the stream; again is fine."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def _open(self, cursor: Cursor) -> None:
        self._at = cursor
        self._ahead = asyncio.Queue(PAGES_AHEAD_MAX)
        self._reader = asyncio.create_task(self._read(self._ask(cursor), self._ahead))

    async def _read(self, body: bytes, ahead: asyncio.Queue[Ahead]) -> None:
        if not isinstance(self._transport, StreamTransport):
            return
        parser = Parser()
        end: BaseException | None = None
        self._count(len(body), 0)
        try:
            async for page in self._transport.stream(WALK_FUNCTION, body):
                self._count(0, len(page))
                answer = codec.pull_answer(page)
                await ahead.put((answer, await parser.parts(answer)))
        except Exception as error:  # whatever it is, whoever waits for the next page must hear it
            end = error
        finally:
            parser.close()
        await ahead.put(end)


class Progress:
    """How much of what a stream announced is in the file."""

    def __init__(self) -> None:
        self._expected: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    @property
    def expected(self) -> int:
        """Rows the stream announced, of all tables."""
        return sum(self._expected.values())

    def expect(self, answer: PullAnswer) -> None:
        """A stream begins: what it announces is counted from zero."""
        if answer.expect:
            self._expected = dict(answer.expect)
            self._rows = dict.fromkeys(answer.expect, 0)

    def of_table(self, table: str) -> int:
        """Rows the stream announced of one table."""
        return self._expected.get(table, 0)

    def written(self, table: str, rows: int) -> FirstSyncProgress:
        """So many rows more are in the file."""
        self._rows[table] = self._rows.get(table, 0) + rows
        return FirstSyncProgress(
            table=table,
            rows=self._rows[table],
            expected=self._expected.get(table, 0),
            total_rows=sum(self._rows.values()),
            total_expected=self.expected,
        )
