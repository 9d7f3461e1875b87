"""Many requests with random needs, a server that fails, a network that loses, a device that dies: what must be true.

Of ten attempts the handler dies in two before its effect and in two after it; of ten calls one is lost on its way
there and one on its way back, after the effect; the device's file is closed without a word at random commits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bmaddb.device.requests import RequestPolicy
from bmaddb.server.handlers import Request
from bmaddb.testing.network import Fault
from tests.protocol.things import Note
from tests.requests.office import PYTHON, Office
from tests.sync.devices import Device

ROUNDS_MAX = 2_000
NEEDS_MAX = 3
NEVER_OF_TEN_THOUSAND = 100
CALLS_PLANNED = 600
DAY_MS = 24 * 60 * 60 * 1000
PATIENT = RequestPolicy(attempts_max=60, first_wait_ms=1_000, wait_ms_max=60_000)


class PowerCut(BaseException):
    """Nothing catches it."""


class Storm:
    """One device, its requests, and the dice."""

    def __init__(self, office: Office, kind: str, count: int, seed: int) -> None:
        self.office = office
        self.dice = random.Random(seed)
        self.needs: dict[str, list[str]] = {}
        self.never: set[str] = set()
        self.deaths = 0
        self.syncs = 0
        self.device = office.device()
        self._ask(kind, count)

    def _ask(self, kind: str, count: int) -> None:
        """Some in one write with a row of their own, so that they need an entry too."""
        ids: list[str] = []
        while len(ids) < count:
            with self.device.store.write() as tx:
                if self.dice.random() < 0.1:
                    tx.insert(Note, title=f"for {len(ids)}")
                for _ in range(min(50, count - len(ids))):
                    needs = self.dice.sample(ids, min(len(ids), self.dice.randrange(NEEDS_MAX + 1)))
                    never = len(ids) == count // 2 or self.dice.randrange(10_000) < NEVER_OF_TEN_THOUSAND
                    made = self.device.engine.requests.add(
                        kind, {"never": never}, priority=self.dice.randrange(10), after=needs
                    )
                    ids.append(made.id)
                    self.needs[made.id] = needs
                    self.never.update({made.id} if never else ())

    def weather(self, *, deadly: bool) -> None:
        """Sync until nothing is open; dying on the way where `deadly`."""
        while self._open():
            self.syncs += 1
            assert self.syncs < ROUNDS_MAX, self.device.engine.requests.counts()
            self.device.engine.requests.define("dicey", PATIENT)
            faults = self.dice.choices([Fault.NONE, Fault.LOST_REQUEST, Fault.LOST_ANSWER], [8, 1, 1], k=CALLS_PLANNED)
            self.device.transport.plan(*faults)
            if deadly and self.dice.random() < 0.5:
                _cut_power(self.device, self.dice.randrange(1, 120), before=self.dice.random() < 0.5)
            try:
                self.device.sync()
            except PowerCut:
                self.deaths += 1
                self.device.reopen()
            self.office.world.clock.advance(DAY_MS)

    def _open(self) -> bool:
        counts = self.device.engine.requests.counts()
        return counts.waiting + counts.sent > 0

    def check(self) -> None:
        """Each effect once, in order, and every dead letter named with who is to blame."""
        done = [key for _, key in self.office.effects()]
        doomed = self._doomed()
        assert len(done) == len(set(done)), "an effect happened twice"
        assert set(done) == self.needs.keys() - doomed
        place = {key: number for number, key in enumerate(done)}
        assert all(place[need] < place[key] for key in done for need in self.needs[key])
        dead = {item.id: item for item in self.device.engine.requests.dead()}
        assert dead.keys() == doomed
        for key, item in dead.items():
            reason: Any = item.reason
            if key in self.never and reason["code"] == "P0001":
                assert reason["message"] == "this one is never done"
            else:
                assert reason["code"] == "depends_on_dead"
                assert reason["request"] in self.needs[key]

    def _doomed(self) -> set[str]:
        doomed: set[str] = set()
        for key, needs in self.needs.items():  # in the order in which they were made
            if key in self.never or doomed.intersection(needs):
                doomed.add(key)
        return doomed


async def dicey(request: Request, dice: random.Random) -> Any:
    """The handler in Python; its twin in SQL is app.dicey."""
    from bmaddb import errors as e

    thrown = dice.randrange(10)
    if request.payload["never"]:
        raise e.RequestRefused("this one is never done", reason="P0001")
    if thrown < 2:
        raise RuntimeError("died before the effect")
    await request.connection.execute(PYTHON["effect"], (request.kind, request.key))
    if thrown < 4:
        raise RuntimeError("died after the effect")
    return request.payload


def _cut_power(device: Device, place: int, *, before: bool) -> None:
    """Die at the commit number `place` of the sync."""
    left = [place]
    apply = device.store.apply

    @contextmanager
    def dying(*arguments: Any, **options: Any) -> Iterator[Any]:
        with apply(*arguments, **options) as connection:
            yield connection
            left[0] -= 1
            if before and left[0] == 0:
                raise PowerCut
        if left[0] == 0:
            raise PowerCut

    device.store.apply = dying  # type: ignore[method-assign]
