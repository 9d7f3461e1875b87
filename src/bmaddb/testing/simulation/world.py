"""One run: devices, people, an operator and a bad network, all moved by one seed, until the weather calms.

Rules of this room: what happens is drawn here and nowhere else; each event leaves a line in the trace, and two runs
of one seed leave the same lines.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bmaddb.device.outbox.parking import AGAIN_MS_MAX
from bmaddb.device.sync.lease import LEASE_MS
from bmaddb.device.sync.verify_report import Verified
from bmaddb.protocol.messages import PUSH_FUNCTION
from bmaddb.protocol.session import Limits
from bmaddb.protocol.steps import Result
from bmaddb.testing import digests
from bmaddb.testing.clock import ManualClock
from bmaddb.testing.power import PowerDisk
from bmaddb.testing.simulation.backend import Backend
from bmaddb.testing.simulation.coverage import Coverage
from bmaddb.testing.simulation.device import Killed, SimulatedDevice
from bmaddb.testing.simulation.dice import Dice
from bmaddb.testing.simulation.editions import EDITIONS, ONLY, Edition
from bmaddb.testing.simulation.history import History, RowKey
from bmaddb.testing.simulation.operators import Operator
from bmaddb.testing.simulation.oracle import Oracle
from bmaddb.testing.simulation.storms import Storms
from bmaddb.testing.simulation.wire import CALM, Sent, Weather, Wire, wire_rows

BEGAN_MS = 1_700_000_000_000
FAR_FUTURE_MS = 7_000_000_000_000
QUIET_ROUNDS_MAX = 12
PATIENT_ROUNDS = 3
"""After so many in calm weather no entry waits any more for a newer server."""
SKEW_MS_MAX = 3 * 60 * 60 * 1000
POWER_CUTS = 0.3
"""How many runs have disks that can lose power."""
CUTS = 0.05
TRUE_CLOCKS = 0.4
"""In how many runs everybody has the right time."""
DEVICES_MAX = 5
TWINS = 0.6
"""How many files are open in two processes, in a run with such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: broken promises (none is good), what it met, and its trace."""

    seed: int
    faults: tuple[str, ...]
    coverage: dict[str, int]
    trace: tuple[str, ...]


class World:
    """Everything of one run."""

    def __init__(self, seed: int, backend: Backend, folder: Path, disks: Sequence[PowerDisk]) -> None:
        self.dice = Dice(seed)
        self.coverage = Coverage()
        self.history = History()
        self.trace: list[str] = []
        self.seed = seed
        self._backend = backend
        self._storms = Storms.of(seed)
        self._editions = EDITIONS if self._storms.upgrades else (ONLY,)
        self._purged = False
        self._faults: list[str] = []
        self._applied: set[Sent] = set()
        """The entries that the server holds."""
        self._folder = folder
        self._disks = list(disks) if self.dice.chance(POWER_CUTS) else []
        self._true_clocks = self.dice.chance(TRUE_CLOCKS)
        self._clock_ms = BEGAN_MS
        self._depth = 0
        self.users = [self._uuid(f"user {n}") for n in range(self.dice.number(1, 2))]
        self.wire = Wire(self._serve, self.dice.split("wire"), self.coverage)
        self.operator = Operator(
            backend, self.history, self.dice.split("operator"), self.coverage, self.users, self._editions[0]
        )
        self.devices = [
            self._device(user, number)
            for user in self.users
            for number in range(self.dice.number(2, 3) if user == self.users[0] else 1)
        ]

        if self._storms.twins:
            twinned = [device for device in self.devices if device.disk is None and self.dice.chance(TWINS)]
            self.devices += [device.twin() for device in twinned]

    # --- the run ---

    async def run(self) -> Outcome:
        """Play, calm down, judge."""
        try:
            self.wire.weather = self._weather()
            for _ in range(self.dice.number(15, 60)):
                await self._step()
            faults = await self._calm_down()
            faults = faults or self._faults or self._judge() or await self._verify()
        except Exception as error:
            faults = [f"{type(error).__name__}: {error}"]
            self.trace.append(_where(error))
        finally:
            for device in self.devices:
                device.close()
                if device.disk is not None:
                    device.disk.power_on()
        return Outcome(seed=self.seed, faults=tuple(faults), coverage=self.coverage.as_dict(), trace=tuple(self.trace))

    async def _step(self) -> None:
        device = self.dice.choice(self.devices)
        event = self.dice.weighted(
            {
                "write": 10.0,
                "sync": 6.0,
                "operator": 1.5,
                "time": 1.0,
                "kill": 0.5,
                "stray": 0.7 if self.wire.strays else 0.0,
                "purge": 0.15,
                "join": 0.5 if self._storms.walks else 0.1,
                "clock": 0.0 if self._true_clocks else 0.25,
                "danger": 2.0 if device.disk is not None else 0.0,
                "backup": (3.0 if self._storms.again else 1.5) if self._storms.restores else 0.0,
                "upgrade": 1.2 if device.edition is not self._newest else 0.0,
                "upgrade server": 0.6 if self.operator.edition is not self._newest else 0.0,
            }
        )
        self.trace.append(f"{event} {device.name}")
        if event == "sync":
            await self._sync(device)
        else:
            _EVENTS[event](self, device)

    async def others(self, device: SimulatedDevice) -> None:
        """What happens elsewhere (or here, by another thread) while a call of `device` is under way."""
        if self._depth >= 2:
            return
        self._depth += 1
        self.coverage.note("other work during a call")
        paused = (10 if self._storms.wide else 3) if self._storms.twins else 0
        try:
            for _ in range(self.dice.number(1, 2)):
                other = self.dice.choice(self.devices)
                event = self.dice.weighted({"write": 4, "sync": 3, "operator": 2, "stray": 1, "pause": paused})
                self.trace.append(f"meanwhile {event} {other.name}")
                if event != "sync":
                    _EVENTS[event](self, other)
                elif not other.syncing:
                    await self._sync(other)
        finally:
            self._depth -= 1

    async def _sync(self, device: SimulatedDevice) -> None:
        try:
            report = await device.sync()
        except Killed:
            self.trace.append(f"{device.name} {'loses power' if device.dark else 'is killed'}")
            device.kill()
            return
        self.trace.append(f"{device.name} synced: {report.result} {(report.failure and report.failure.code) or ''}")

    def _serve(self, user: str, function: str, body: bytes) -> bytes:
        """One thread cannot wait for itself: a push ends the transaction an operator has open; a pull reads past it."""
        if function == PUSH_FUNCTION:
            self.operator.end_late()
        answer = self._backend.call(user, function, body)
        if function == PUSH_FUNCTION:
            self._note_applied(body, answer)
        return answer

    def _note_applied(self, body: bytes, answer: bytes) -> None:
        sent = {entry["number"]: (entry["hlc"], wire_rows(entry)) for entry in msgspec.json.decode(body)["entries"]}
        answers = msgspec.json.decode(answer)["answers"]
        self._applied.update(sent[one["number"]] for one in answers if one["status"] == "applied")

    # --- events ---

    def _write(self, device: SimulatedDevice) -> None:
        if not device.dark:
            device.write()
        if device.dark and not device.syncing:
            self.trace.append(f"{device.name} loses power")
            device.recover()

    def _endanger(self, device: SimulatedDevice) -> None:
        device.endanger(self.dice.number(1, 40))

    def _operate(self, _: SimulatedDevice) -> None:
        self.operator.act()
        if self._storms.cards:
            self.operator.act_on_card()

    def _pass_time(self, _: SimulatedDevice) -> None:
        self._advance(self.dice.number(1, 600_000))

    def _pause(self, _: SimulatedDevice) -> None:
        """A call takes longer than a lease lasts (a laptop that is closed): another process may take over."""
        self._advance(LEASE_MS + 1)

    def _advance(self, by_ms: int) -> None:
        self._clock_ms += by_ms
        for device in self.devices:
            if not device.is_twin:  # it has the clock of the other process
                device.clock.advance(by_ms)

    def _kill(self, device: SimulatedDevice) -> None:
        if not device.syncing:
            device.kill()

    def _stray(self, _: SimulatedDevice) -> None:
        self.operator.end_late()
        self.wire.deliver_stray()

    def _purge(self, _: SimulatedDevice) -> None:
        self._purged = True
        self.wire.strays.clear()  # no request hangs for as long as the horizon is away
        self.operator.purge()

    def _join(self, device: SimulatedDevice) -> None:
        if len(self.devices) < DEVICES_MAX:
            self.devices.append(self._device(device.user, len(self.devices)))
            self.coverage.note("a new device joins")

    def _turn_clock(self, device: SimulatedDevice) -> None:
        self.coverage.note("clock jumps")
        self.history.clocks_are_true = False
        if self.dice.chance(0.2):
            device.clock.set_wall(FAR_FUTURE_MS + self.dice.number(0, 10**9))
        else:
            device.clock.set_wall(self._clock_ms + self.dice.number(-SKEW_MS_MAX, SKEW_MS_MAX))

    def _back_up(self, _: SimulatedDevice) -> None:
        self.operator.end_late()
        if self._backend.has_snapshot and self.dice.chance(0.85 if self._storms.again else 0.5):
            self.operator.restore(again=self._storms.again)
            self._applied.clear()
        else:
            self.operator.snapshot()

    def _upgrade(self, device: SimulatedDevice) -> None:
        if not device.syncing and not device.dark:
            device.upgrade(self._after(device.edition))

    def _upgrade_server(self, _: SimulatedDevice) -> None:
        self.operator.upgrade(self._after(self.operator.edition))

    @property
    def _newest(self) -> Edition:
        return self._editions[-1]

    def _after(self, edition: Edition) -> Edition:
        """A newer edition than this one."""
        return self.dice.choice(self._editions[self._editions.index(edition) + 1 :])

    # --- the end ---

    async def _calm_down(self) -> list[str]:
        """No more faults: sync until nobody has news for anybody; what is parked is given up by its person."""
        self.wire.weather = CALM
        self.operator.end_late()
        while self.wire.strays:
            self.wire.deliver_stray()
        for device in self.devices:
            if device.disk is not None:
                device.disk.crash_at(None)
            device.clock.set_wall(self._clock_ms)
        self._advance(
            LEASE_MS + 1
        )  # a holder that took over from a slow one, and died, is followed when its time is up
        if self._storms.upgrades:
            self._upgrade_everybody()
        for quiet_round in range(QUIET_ROUNDS_MAX):
            news = 0
            for device in self.devices:
                report = await device.sync()
                if report.result not in (Result.OK, Result.PARTIAL):
                    return [f"{device.name} cannot sync in calm weather: {report.failure}"]
                if quiet_round >= PATIENT_ROUNDS and device.waits_for_newer():
                    return [f"{device.name} has an entry in names that nobody knows any more"]
                news += report.pushed_entries + report.pulled_rows + report.pulled_deletes
                news += await self._give_up(device)
            if not news:
                waiting = [device.name for device in self.devices if device.waiting()]
                return [f"{name} has entries that neither leave nor are parked" for name in waiting]
        return [f"after {QUIET_ROUNDS_MAX} rounds in calm weather there is still news"]

    async def _give_up(self, device: SimulatedDevice) -> int:
        """A person discards what is parked; how much that was, and what will be sent again by itself."""
        both = self._applied.intersection(device.parked_entries())
        self._faults += [f"{device.name} has parked what is applied: the entry of {stamp}" for stamp, _ in both]
        for code in device.park_reasons():
            self.coverage.note(f"parked: {code}")
        if device.waits_for_newer():  # that may be an old answer; the server knows the names by now
            self._advance(2 * AGAIN_MS_MAX)
            return 1
        given_up = device.discard_parked()
        if given_up and self._purged:  # what a discard puts back may be gone there, and its tombstone too
            await device.verify(repair=True)
        return given_up

    def _upgrade_everybody(self) -> None:
        """In the end all are of one version; what waits for a newer server has waited long enough."""
        if self.operator.edition is not self._newest:
            self.operator.upgrade(self._newest)
        self._clock_ms += 2 * AGAIN_MS_MAX  # a clock that was hours ahead counts from there
        for device in self.devices:
            device.clock.set_wall(self._clock_ms)
            if device.edition is not self._newest:
                device.upgrade(self._newest)

    def _judge(self) -> list[str]:
        faults: list[str] = []
        oracle = Oracle(self.history, self._newest.catalog.tables, self._kept_sides)
        for user in self.users:
            server = digests.server_rows(self._backend.read(), self._newest.catalog, user)
            faults += oracle.judge(user, server)
            for device in self.devices:
                if device.user == user:
                    lines = digests.differences(device.rows(), server)
                    faults += [f"{device.name} differs from the server: {line}" for line in lines]
        for device in self.devices:
            faults += device.faults
            device.note_verdicts()
            faults += [f"{device.name} holds {row}" for row in device.foreign_rows()]
        return faults

    async def _verify(self) -> list[str]:
        """Verify agrees that all is well, and finds and mends the one value that went bad."""
        for device in self.devices:
            report = await device.verify(repair=False)
            if report.result is not Verified.EQUAL:
                return [f"{device.name} verifies as {report.result}: {report.failure} {report.tables}"]
        device = self.dice.choice(self.devices)
        if not device.rot():
            return []
        self.coverage.note("a value went bad")
        report = await device.verify(repair=True)
        server = digests.server_rows(self._backend.read(), self._newest.catalog, device.user)
        left = digests.differences(device.rows(), server)
        if report.result is Verified.REPAIRED and report.differing == 1 and not left:
            return []
        return [f"{device.name} was not repaired: {report.result} {report.failure} {report.tables} {left}"]

    def _kept_sides(self, key: RowKey) -> str:
        return "".join(device.kept_sides(key[1], key[2]) for device in self.devices if device.user == key[0])

    # --- making ---

    def _device(self, user: str, number: int) -> SimulatedDevice:
        name = f"u{self.users.index(user)}d{number}"
        skew_ms = 0
        if not self._true_clocks and self.dice.chance(0.5):
            skew_ms = self.dice.number(-SKEW_MS_MAX, SKEW_MS_MAX)
            self.history.clocks_are_true = False
        disk = self._disks.pop() if self._disks and self.dice.chance(0.7) else None
        if disk is not None:
            disk.reseed(self.dice.entropy())
        limits = Limits(page_rows=self.dice.choice((1, 3, 20, 5000)), batch_entries=self.dice.choice((1, 3, 500)))
        return SimulatedDevice(
            name=name,
            user=user,
            path=self._folder / f"{name}.db",
            edition=self.dice.choice(self._editions) if self._storms.upgrades else ONLY,
            wire=self.wire,
            dice=self.dice.split(name),
            coverage=self.coverage,
            history=self.history,
            others=self.others,
            limits=limits,
            clock=ManualClock(self._clock_ms + skew_ms),
            disk=disk,
            true_ms=lambda: self._clock_ms,
            theme=self.dice.split("theme").seed,
            walk=self._backend.walk if self._storms.walks else None,
            cards=self._storms.cards,
            durability="normal" if self._storms.late_syncs and disk is not None else "full",
        )

    def _weather(self) -> Weather:
        """Between a clear day and a storm."""
        force = self.dice.choice((0.0, 0.5, 1.0, 2.0))
        full = Weather(lost=0.05, answer_lost=0.06, doubled=0.05, delayed=0.04, busy=0.02, token=0.02, killed=0.03)
        full = replace(full, cut=CUTS if self._storms.upgrades or self._storms.twins else 0.0)
        fair = {name: getattr(full, name) * force for name in full.__slots__}
        return replace(Weather(**fair), interlude=0.15 * force)

    def _uuid(self, what: str) -> str:
        return str(uuid.UUID(bytes=self.dice.split(what).entropy().random_bytes(16), version=4))


_EVENTS: Mapping[str, Callable[[World, SimulatedDevice], None]] = {
    "write": World._write,
    "operator": World._operate,
    "time": World._pass_time,
    "kill": World._kill,
    "stray": World._stray,
    "purge": World._purge,
    "join": World._join,
    "clock": World._turn_clock,
    "danger": World._endanger,
    "backup": World._back_up,
    "pause": World._pause,
    "upgrade": World._upgrade,
    "upgrade server": World._upgrade_server,
}


class _Inline(ThreadPoolExecutor):
    """Runs work where it is handed in: one thread, one order."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def simulate(seed: int, backend: Backend, folder: Path, disks: Sequence[PowerDisk] = ()) -> Outcome:
    """Run one seed on an empty folder; users of different seeds never meet, so databases may be shared."""

    async def play() -> Outcome:
        asyncio.get_running_loop().set_default_executor(_Inline(1))
        return await World(seed, backend, folder, disks).run()

    return asyncio.run(play())


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    places: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return " > ".join(places[-8:])
