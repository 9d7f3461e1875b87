"""The network of a simulation: what is sent is lost, doubled, delayed past others; others act meanwhile.

Rules of this room: a fate is drawn for every call, from the dice of the run; nothing fails when the network is calm.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bmaddb import errors as e
from bmaddb.device.sync.transport import CallFailed
from bmaddb.protocol.steps import Failure, FailureKind
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.dice import Dice

Server = Callable[[str, str, bytes], bytes]
Interlude = Callable[[], Awaitable[None]]
Killer = Callable[[], None]
Sent = tuple[str, frozenset[tuple[str, str]]]
"""An entry by its stamp and the rows (table, id) it writes: parts of one that was split have one stamp."""


class Fate(enum.StrEnum):
    """What becomes of one call."""

    FINE = "request answered"
    LOST = "request lost"
    ANSWER_LOST = "answer lost"
    DOUBLED = "request doubled"
    DELAYED = "request delayed"
    """It arrives, but long after its sender gave up."""
    BUSY = "server busy"
    TOKEN = "token refused"  # noqa: S105 - a word, not a secret
    CUT = "answer cut in the middle"
    KILLED_BEFORE = "killed before the request"
    KILLED_AFTER = "killed before the answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How likely each fate is; what is left is fine. `interlude`: that others act during a call."""

    lost: float = 0.0
    answer_lost: float = 0.0
    doubled: float = 0.0
    delayed: float = 0.0
    busy: float = 0.0
    token: float = 0.0
    killed: float = 0.0
    cut: float = 0.0
    interlude: float = 0.0

    def weights(self) -> dict[Fate, float]:
        bad = {
            Fate.LOST: self.lost,
            Fate.ANSWER_LOST: self.answer_lost,
            Fate.DOUBLED: self.doubled,
            Fate.DELAYED: self.delayed,
            Fate.BUSY: self.busy,
            Fate.TOKEN: self.token,
            Fate.KILLED_BEFORE: self.killed / 2,
            Fate.KILLED_AFTER: self.killed / 2,
            Fate.CUT: self.cut,
        }
        return {**bad, Fate.FINE: max(0.0, 1.0 - sum(bad.values()))}


CALM = Weather()


@dataclass(frozen=True, slots=True)
class Stray:
    """A request that is still on its way while its sender has given up."""

    user: str
    function: str
    body: bytes


class Wire:
    """What all devices of a run speak through."""

    def __init__(self, server: Server, dice: Dice, coverage: Coverage) -> None:
        self.weather = CALM
        self.strays: list[Stray] = []
        self.requests = 0
        self._server = server
        self._dice = dice
        self._coverage = coverage

    @property
    def stormy(self) -> bool:
        """Is there any weather at all?"""
        return self.weather is not CALM

    def deliver_stray(self) -> None:
        """One late request arrives; nobody hears its answer."""
        if self.strays:
            stray = self.strays.pop(self._dice.number(0, len(self.strays) - 1))
            self._coverage.note("stale request delivered")
            try:
                self._server(stray.user, stray.function, stray.body)
            except CallFailed:
                self._coverage.note("stale request refused")

    def draw(self) -> tuple[Fate, bool]:
        """The fate of the next call, and whether others act during it."""
        fate = self._dice.weighted(self.weather.weights())
        if fate is not Fate.FINE:
            self._coverage.note(str(fate))
        return fate, self._dice.chance(self.weather.interlude)

    def pass_on(self, user: str, function: str, body: bytes, fate: Fate) -> bytes:
        """The call itself, under `fate`."""
        self.requests += 1
        if fate is Fate.LOST:
            raise e.TransportError("the request was lost")
        if fate is Fate.DELAYED:
            self.strays.append(Stray(user, function, body))
            raise e.TransportError("the request hangs somewhere")
        if fate is Fate.BUSY:
            raise CallFailed(Failure(kind=FailureKind.LINK, code="http_503", message="the server is busy"))
        if fate is Fate.TOKEN:
            raise CallFailed(Failure(kind=FailureKind.TOKEN, code="PGRST301", message="the token has expired"))
        answer = self._server(user, function, body)
        if fate is Fate.DOUBLED:
            answer = self._server(user, function, body)
        if fate is Fate.ANSWER_LOST:
            raise e.TransportError("the answer was lost")
        if fate is Fate.CUT:  # by something in between that passes on half an answer as if it were a whole one
            return answer[: self._dice.number(0, len(answer) - 1)]
        return answer


class DeviceWire:
    """The transport of one device. `interlude` lets others act, `kill` ends the process of the device.

    Every body that leaves is put into `left`.
    """

    def __init__(self, wire: Wire, user: str, interlude: Interlude, kill: Killer, left: list[bytes]) -> None:
        self._left = left
        self._wire = wire
        self._user = user
        self._interlude = interlude
        self._kill = kill

    async def call(self, function: str, body: bytes) -> bytes:
        """One request, under a fate drawn for it."""
        fate, busy = self._wire.draw()
        if busy:
            await self._interlude()
        if fate is Fate.KILLED_BEFORE:
            self._kill()
        self._left.append(body)
        answer = self._wire.pass_on(self._user, function, body, fate)
        if busy:
            await self._interlude()
        if fate is Fate.KILLED_AFTER:
            self._kill()
        return answer

    async def refresh_token(self) -> bool:
        """There is always a new token to get."""
        return True

    async def close(self) -> None:
        """Nothing is open."""


def wire_rows(entry: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The rows that an entry writes, as it is sent."""
    named: set[tuple[str, str]] = set()
    for part in entry["changes"]:
        made = part.get("insert", {"rows": ()})
        ids = [row[made["columns"].index("id")] for row in made["rows"]]
        ids += [one["id"] for word in ("update", "delete") for one in part.get(word, ())]
        named.update((part["table"], row_id) for row_id in ids)
    return frozenset(named)
