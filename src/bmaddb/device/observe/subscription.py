"""What `observe` gives: the newest state of a query, again and again, for a loop, an event loop or a function.

Rules of this room: the first state comes at once; a consumer that is slow gets the newest state and misses those in
between; a subscription lives until it is closed or dropped.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from bmaddb import errors as e
from bmaddb.device.observe.calls import Calls
from bmaddb.device.observe.observers import Observers
from bmaddb.device.observe.views import View
from bmaddb.device.observe.watch import SAME

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Subscription(Generic[T]):
    """The states of one live query. Keep it: dropped, it is gone. `with`, `for` and `async for` work.

    With a `callback` the states go there, on a thread of the live queries or on `executor`; otherwise take them
    with `next`, `for` or `async for`. Each state is another than the one before, and belongs to one commit.
    """

    def __init__(
        self,
        observers: Observers,
        view: View,
        callback: Callable[[T], object] | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._observers = observers
        self._executor = executor
        self._owed = False
        self._watch = observers.watch(view)
        self._calls = None if callback is None else Calls(observers, self._watch, callback, executor)

    @property
    def closed(self) -> bool:
        """Does nothing come any more?"""
        return self._watch.closed

    def wait(self, timeout_s: float | None = None) -> T:
        """The next state: the first at once, every other when it is there.

        Unchanged when nothing came for `timeout_s` seconds, StoreError when it is closed, or the thread is inside a
        write or a snapshot, or when the file cannot be read: ask again.
        """
        self._refuse_both()
        clock = self._observers.store.clock
        end_ms = math.inf if timeout_s is None else clock.monotonic_ms() + timeout_s * 1000
        left_s = timeout_s
        while self._watch.wait(left_s):
            if self._watch.closed:
                raise e.StoreError("the subscription is closed")
            state = self._watch.take()
            if state is not SAME:
                return cast(T, state)
            if timeout_s is not None:  # what came left all as it was, and its time counts
                left_s = (end_ms - clock.monotonic_ms()) / 1000
                if left_s <= 0:
                    break
        raise e.Unchanged(f"nothing changed for {timeout_s} s")

    def close(self) -> None:
        """Nothing comes any more, and who waits goes on; again is fine."""
        self._observers.remove(self._watch)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return self.wait()
        except e.StoreError:
            if self._watch.closed:
                raise StopIteration from None
            raise

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        import asyncio

        self._refuse_both()
        loop = asyncio.get_running_loop()
        while True:
            if not self._owed:
                await self._rung(loop)
            if self._watch.closed:
                raise StopAsyncIteration
            found = await self._looked(loop)
            if found is not SAME:
                state, made = found
                self._watch.took(state)
                return cast(T, made)

    def __enter__(self) -> Subscription[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        watch = getattr(self, "_watch", None)
        if watch is None or watch.closed:
            return
        self._observers.dropped.append(watch)
        if self._calls is not None:
            warnings.warn("a subscription with a callback was dropped: keep it, or close it", ResourceWarning, 2)

    async def _looked(self, loop: asyncio.AbstractEventLoop) -> Any:
        """The newest state; who gives up meanwhile is owed it, for the thread goes on and the bell has rung."""
        import asyncio

        self._owed = False
        try:
            return await loop.run_in_executor(self._executor, self._watch.look)
        except asyncio.CancelledError:
            self._owed = True
            raise

    async def _rung(self, loop: asyncio.AbstractEventLoop) -> None:
        """Until there may be something new, or it is closed."""
        there = loop.create_future()
        bell = partial(loop.call_soon_threadsafe, _set, there)
        if self._watch.listen(bell):
            return
        try:
            await there
        finally:
            self._watch.forget(bell)

    def _refuse_both(self) -> None:
        if self._calls is not None:
            raise e.StoreError("its states go to the callback", hint="observe without a callback to take them yourself")


def _set(there: asyncio.Future[None]) -> None:
    if not there.done():
        there.set_result(None)
