"""A TCP proxy on loopback that can cut the wire at the worst moment: after the work, before the answer.

Rules of this room: it forwards bytes and understands none of them but an HTTP request line; it runs on a
thread of its own and is closed by the one who opened it.
"""

from __future__ import annotations

import asyncio
import enum
import threading
from types import TracebackType

CHUNK_BYTES = 65_536


class Cut(enum.Enum):
    """What the proxy does to the next connection that asks for `path`."""

    BEFORE_EFFECT = "the request never arrives"
    AFTER_EFFECT = "the server works, its answer is lost"


class CuttingProxy:
    """Listens on a free loopback port and forwards to `target_port`; `cut_next` arms one fault.

    `refuse()` closes the listener's door (offline), `accept()` opens it again. `url` is for clients.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._armed: list[tuple[bytes, Cut]] = []
        self._refusing = False
        self.cuts_done = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cutting-proxy", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def cut_next(self, path: str, cut: Cut) -> None:
        """Do `cut` to the next request whose first line holds `path`; several may wait, each is done once."""
        self._armed.append((path.encode(), cut))

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
            upstream.write(chunk)
            await upstream.drain()
        upstream.write_eof()
        return True

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, cut: asyncio.Event) -> None:
        """Answers towards the client; after a cut the first byte of an answer closes the wire instead."""
        while chunk := await answers.read(CHUNK_BYTES):
            if cut.is_set():
                self.cuts_done += 1
                break
            writer.write(chunk)
            await writer.drain()
        writer.close()

    def _fault_for(self, chunk: bytes) -> Cut | None:
        first_line = chunk.split(b"\r\n", 1)[0]
        for item in self._armed:
            if item[0] in first_line:
                self._armed.remove(item)
                return item[1]
        return None
