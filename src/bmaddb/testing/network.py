"""A network that fails on purpose: requests and answers that get lost, doubled requests, delays."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Iterable

from bmaddb import errors as e
from bmaddb.device.sync.transport import Transport


class Fault(enum.StrEnum):
    """What happens to one call."""

    NONE = "none"
    LOST_REQUEST = "lost request"
    """Nothing reaches the server."""
    LOST_ANSWER = "lost answer"
    """The server does it, and the device never hears."""
    DOUBLED = "doubled"
    """The server gets it twice; the device hears the second answer."""
    HELD = "held"
    """The request waits until `LossyTransport.go_on` is called."""


class LossyTransport:
    """Wraps a transport; each call takes the next fault of the plan, and none when the plan is empty."""

    def __init__(self, inner: Transport, plan: Iterable[Fault] = ()) -> None:
        self.calls: list[str] = []
        self.offline = False
        self.held = asyncio.Event()
        self._inner = inner
        self._plan = deque(plan)
        self._go = asyncio.Event()

    def plan(self, *faults: Fault) -> None:
        """The fate of the next calls, in order; replaces what was planned."""
        self._plan = deque(faults)

    async def call(self, function: str, body: bytes) -> bytes:
        """Call, or fail as planned."""
        self.calls.append(function)
        if self.offline:
            raise e.TransportError("there is no network")
        fault = self._plan.popleft() if self._plan else Fault.NONE
        if fault is Fault.LOST_REQUEST:
            raise e.TransportError("the request was lost")
        if fault is Fault.HELD:
            self.held.set()
            await self._go.wait()
            self._go.clear()
        answer = await self._inner.call(function, body)
        if fault is Fault.DOUBLED:
            answer = await self._inner.call(function, body)
        if fault is Fault.LOST_ANSWER:
            raise e.TransportError("the answer was lost")
        return answer

    async def refresh_token(self) -> bool:
        """As the wrapped transport does."""
        return await self._inner.refresh_token()

    async def close(self) -> None:
        """Close the wrapped transport."""
        await self._inner.close()

    async def go_on(self) -> None:
        """Let a held request go."""
        self._go.set()
