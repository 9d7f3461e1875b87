"""A TCP proxy on loopback that breaks the wire at the worst moment: after the work, before the answer, or at any byte.

Rules of this room: it forwards bytes and understands none of them but an HTTP request line; it runs on a
thread of its own and is closed by the one who opened it.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType

CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
"""Linger for no time: closing sends RST."""


class Cut(enum.Enum):
    """What the proxy does to the next connection that asks for `path`."""

    BEFORE_EFFECT = "the request never arrives"
    AFTER_EFFECT = "the server works, its answer is lost"


class Wire(enum.Enum):
    """What the wire does at some byte."""

    CUT = "both sides see the end"
    RESET = "the receiver is told that there is no such connection (RST)"
    HALF_CLOSE = "one direction ends, the other stays open"
    STALL = "nothing more comes until `release`"
    DRIP = "everything comes, byte by byte"


@dataclass(slots=True)
class _Break:
    wire: Wire
    left: int
    answers: bool


class CuttingProxy:
    """Listens on a free loopback port and forwards to `target_port`; `cut_next` and `break_next` arm one fault.

    `refuse()` closes the listener's door (offline), `accept()` opens it again. `url` is for clients.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._armed: list[tuple[bytes, Cut]] = []
        self._breaks: list[_Break] = []
        self._refusing = False
        self.cuts_done = 0
        self.answered_bytes = 0
        """Bytes of answers that were passed on."""
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting-proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def cut_next(self, path: str, cut: Cut) -> None:
        """Do `cut` to the next request whose first line holds `path`; several may wait, each is done once."""
        self._armed.append((path.encode(), cut))

    def break_next(self, wire: Wire, after_bytes: int = 0, *, answers: bool = True) -> None:
        """Do `wire` once, after so many more bytes of answers (or of requests), whichever connection they are on."""
        self._breaks.append(_Break(wire, after_bytes, answers))

    def mend(self) -> None:
        """Call off every fault that has not happened yet, and let go of what is held."""
        self._armed.clear()
        self._breaks.clear()
        self.release()

    def release(self) -> None:
        """Let what is stalled go on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def refuse(self) -> None:
        """Every new request is cut before the server sees it: the device is offline."""
        self._refusing = True

    def accept(self) -> None:
        self._refusing = False

    def close(self) -> None:
        """Stop listening and end the thread."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _stop(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream: asyncio.StreamWriter | None = None
        try:
            if self._refusing:
                return
            answers, upstream = await asyncio.open_connection("127.0.0.1", self._target_port)
            cut = asyncio.Event()
            back = asyncio.create_task(self._answer(answers, writer, cut))
            if await self._forward(reader, upstream, cut):
                await back
            else:
                back.cancel()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            for side in (upstream, writer):
                if side is not None:
                    side.close()

    async def _forward(self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, cut: asyncio.Event) -> bool:
        """Requests towards the server; False where an armed cut says that this one never arrives."""
        while chunk := await reader.read(CHUNK_BYTES):
            fault = Cut.BEFORE_EFFECT if self._refusing else self._fault_for(chunk)
            if fault is Cut.BEFORE_EFFECT:
                self.cuts_done += 1
                return False
            if fault is Cut.AFTER_EFFECT:
                cut.set()
            if not await self._pass_on(chunk, upstream, answers=False):
                return False
        if not upstream.is_closing():
            upstream.write_eof()
        return True

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        """Answers towards the client; after a cut the first byte of an answer closes the wire instead."""
        while chunk := await answers.read(CHUNK_BYTES):
            if cut.is_set():
                self.cuts_done += 1
                break
            if not await self._pass_on(chunk, writer, answers=True):
                break
        writer.close()

    async def _pass_on(self, chunk: bytes, to: asyncio.StreamWriter, *, answers: bool) -> bool:
        """Forward a chunk; False when the wire ended in it."""
        broken = next((item for item in self._breaks if item.answers is answers), None)
        if broken is None or broken.left > len(chunk):
            if broken is not None:
                broken.left -= len(chunk)
            self.answered_bytes += len(chunk) if answers else 0
            to.write(chunk)
            await to.drain()
            return True
        self._breaks.remove(broken)
        self.cuts_done += 1
        self.answered_bytes += broken.left if answers else 0
        to.write(chunk[: broken.left])
        await to.drain()
        return await self._break(broken.wire, chunk[broken.left :], to)

    async def _break(self, wire: Wire, rest: bytes, to: asyncio.StreamWriter) -> bool:
        if wire is Wire.DRIP:
            for place in range(len(rest)):
                to.write(rest[place : place + 1])
                await to.drain()
                await asyncio.sleep(0)
        elif wire is Wire.RESET:
            to.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            to.transport.abort()
        elif wire in (Wire.STALL, Wire.HALF_CLOSE):
            if wire is Wire.HALF_CLOSE:
                to.write_eof()
            self._released.clear()
            await self._released.wait()
            if wire is Wire.STALL:
                to.write(rest)
        return wire in (Wire.STALL, Wire.DRIP)

    def _fault_for(self, chunk: bytes) -> Cut | None:
        first_line = chunk.split(b"\r\n", 1)[0]
        for item in self._armed:
            if item[0] in first_line:
                self._armed.remove(item)
                return item[1]
        return None
