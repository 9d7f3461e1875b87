"""The thread on which a sync runs: one private event loop, for blocking and awaiting callers alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from bmaddb import errors as e

T = TypeVar("T")
STOP_WAIT_S_MAX = 10.0


class LoopThread:
    """An event loop on a thread of its own, started when first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._file_thread: threading.Thread | None = None
        self._closed = False

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run the coroutine there; its outcome comes as a thread-safe future."""
        try:
            loop = self._running()
        except e.BmadError:
            coroutine.close()
            raise
        if self.mine:
            coroutine.close()
            raise e.LocalProtocolError(
                "the sync's own thread would wait for itself",
                hint="a listener is told on it: have another thread sync, or let `start_sync()` do it",
            )
        return asyncio.run_coroutine_threadsafe(coroutine, loop)

    @property
    def mine(self) -> bool:
        """Is this one of the threads on which a sync runs, where listeners are told?"""
        return threading.current_thread() in (self._thread, self._file_thread)

    @property
    def started(self) -> bool:
        """Has anything ever run there, and is it still possible?"""
        with self._lock:
            return self._loop is not None

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Have `callback` run there soon; nothing happens when the thread is not running."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(callback)

    def close(self) -> None:
        """Stop the thread; what still runs there is cancelled."""
        with self._lock:
            self._closed = True
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(STOP_WAIT_S_MAX)

    def _note_file_thread(self) -> None:
        self._file_thread = threading.current_thread()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise e.SyncError("the sync engine is closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                # One worker: each thread that reads opens a connection of its own.
                self._loop.set_default_executor(ThreadPoolExecutor(1, f"{self._name}-file", self._note_file_thread))
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(asyncio.sleep(0))  # sockets that were closed just now let go in the next round
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
