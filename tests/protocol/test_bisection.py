"""A poison entry anywhere: the others arrive, and finding it costs few requests (S9)."""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmaddb.protocol.messages import EntryAnswer, PullAnswer, PushAnswer
from bmaddb.protocol.session import Limits, Session
from bmaddb.protocol.steps import (
    AskNumber,
    Command,
    Done,
    Event,
    Failed,
    Failure,
    FailureKind,
    Lease,
    Leased,
    NumberKnown,
    ParkBatch,
    Pull,
    Pulled,
    Push,
    Pushed,
    Release,
    Released,
    Result,
    Settle,
    Settled,
    Started,
    Wait,
    Waited,
)

COUNT = 500
QUIET = PullAnswer(cursor="c1")


@dataclass
class Twin:
    """A device and a server in one: entries are numbers, the server fails on a push that holds poison."""

    poison: Set[int]
    kind: FailureKind
    waiting: list[int]
    empty_push_fails: bool = False
    arrived: list[int] = field(default_factory=list)
    parked: list[int] = field(default_factory=list)
    leased: list[int] = field(default_factory=list)
    number: int = 0
    requests: int = 0

    def run(self) -> Done:
        session = Session(Limits())
        command = session.handle(Started(cursor="c1"))
        while not isinstance(command, Done):
            command = session.handle(self._outcome(command))
        return command

    def _outcome(self, command: Command) -> Event:
        match command:
            case Pull():
                return Pulled(answer=QUIET)
            case Lease():
                self.leased = self.waiting[: command.limit_entries]
                return Leased(numbers=self._numbers(), parked=len(self.parked))
            case Push():
                return self._push()
            case AskNumber():
                self.requests += 1
                return self._failed() if self.empty_push_fails else NumberKnown()
            case ParkBatch():
                self.parked += self.leased
                self.waiting = [item for item in self.waiting if item not in self.leased]
                return Released()
            case Settle():
                return Settled()
            case Release():
                return Released()
            case Wait():
                return Waited()
        raise AssertionError(command)

    def _numbers(self) -> tuple[int, ...]:
        return tuple(range(self.number + 1, self.number + 1 + len(self.leased)))

    def _failed(self) -> Event:
        return Failed(failure=Failure(kind=self.kind, code="c", message="m"))

    def _push(self) -> Event:
        self.requests += 1
        if self.empty_push_fails or self.poison & set(self.leased):
            return self._failed()
        answers = tuple(EntryAnswer(number=number, status="applied", version=1) for number in self._numbers())
        self.number += len(self.leased)
        self.arrived += self.leased
        self.waiting = self.waiting[len(self.leased) :]
        return Pushed(answer=PushAnswer(answers=answers, last_number=self.number, pull=QUIET))


KINDS = [FailureKind.REFUSED, FailureKind.SERVER, FailureKind.TOO_LARGE]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(poison=st.frozensets(st.integers(0, COUNT - 1), min_size=1, max_size=3))
def test_the_others_arrive_and_the_search_is_short(kind: FailureKind, poison: frozenset[int]) -> None:
    twin = Twin(poison, kind, list(range(COUNT)))
    done = twin.run()
    assert done.result is Result.PARTIAL
    assert sorted(twin.parked) == sorted(poison)
    assert twin.arrived == [item for item in range(COUNT) if item not in poison]
    steps = math.ceil(math.log2(COUNT))
    assert twin.requests <= len(poison) * (4 * steps + 6) + 2


def test_a_server_that_always_fails_blames_nobody() -> None:
    twin = Twin(frozenset(), FailureKind.SERVER, list(range(COUNT)), empty_push_fails=True)
    done = twin.run()
    assert done.result is Result.OFFLINE
    assert twin.parked == []
    assert twin.requests <= 8
