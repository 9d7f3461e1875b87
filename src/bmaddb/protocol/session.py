"""One sync of one device, as a machine: an event in, the next command out.

Theory of operation. The machine knows where the sync stands and nothing else: the engine beside it holds the
file and the wire, does what a command says and reports what came of it. A sync runs
    entries in flight first (their fate is unknown, and nothing may change them until it is known),
    then pull until there is nothing more (what waits here is merged with it on the way),
    then lease and push, batch by batch, until nothing waits and nothing is left to pull.

Rules of this room: everything that decides the course of a sync stands in this file; TRANSITIONS says which
event may come in which state, and anything else is our own error; every loop has a limit in Limits.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bmaddb import errors as e
from bmaddb.protocol.answers import numbers_disagree, read_answers
from bmaddb.protocol.messages import Cursor, PullAnswer
from bmaddb.protocol.steps import (
    ApplyPage,
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
    PageApplied,
    ParkBatch,
    Pull,
    Pulled,
    Push,
    Pushed,
    RefreshToken,
    Release,
    Released,
    Result,
    Resync,
    ResyncBegun,
    Settled,
    Started,
    Sweep,
    Swept,
    TokenRefreshed,
    Wait,
    Waited,
)


class State(enum.StrEnum):
    """Where a sync stands: what the engine is doing at this moment."""

    IDLE = "idle"
    PULLING = "pulling"
    APPLYING = "applying"
    RESYNCING = "resyncing"
    SWEEPING = "sweeping"
    NUMBERING = "numbering"
    LEASING = "leasing"
    PUSHING = "pushing"
    SETTLING = "settling"
    RELEASING = "releasing"
    REFRESHING = "refreshing"
    WAITING = "waiting"
    DONE = "done"


STREAM_PAGE_TIMES = 4
ROWS_PER_PAGE_MAX = 20_000
"""More than that no server gives at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much at once, how often again."""

    page_rows: int = 5_000
    page_bytes: int = 4_000_000
    batch_entries: int = 500
    batch_bytes: int = 1_000_000
    attempts: int = 3
    """How often one request is sent before the device calls itself offline."""
    wait_ms: int = 200
    """Before the second attempt; doubles with each further one."""
    conflict_rounds: int = 20
    """Pushes in a row that ended in a conflict and got nothing across."""
    disagreements: int = 5
    """How often one sync begins anew with the numbers of its entries."""
    pages: int = 100_000
    """Taken by one sync; a server that has still more does not come to an end."""
    resyncs: int = 2
    """How often one sync begins again from nothing."""

    @property
    def stream_rows(self) -> int:
        """Of a page in the stream of a first sync: a commit costs more than its rows when they are small."""
        return min(STREAM_PAGE_TIMES * self.page_rows, ROWS_PER_PAGE_MAX)


_MAY_PASS = frozenset({FailureKind.LINK, FailureKind.SERVER})


class Session:
    """The course of one sync; `handle` takes what happened and says what to do next."""

    def __init__(self, limits: Limits) -> None:
        self.state = State.IDLE
        self.cursor: Cursor = None
        self._served_schema: int | None = None
        self._limits = limits
        self._page: PullAnswer | None = None
        self._pages = 0
        self._in_flight: tuple[int, ...] = ()
        self._sweeping = False
        self._number_doubtful = False
        self._attempts = 0
        self._refreshed = False
        self._refused_token: Failure | None = None
        """Why a new token was asked for; when there is none, that is what went wrong."""
        self._conflict_rounds = 0
        self._resyncs = 0
        self._shrink = 1
        self._refusal: Failure | None = None
        self._asked: Command | None = None
        self._asked_in = State.IDLE
        self._caught_up = False
        self._unheard = False
        self._disagreements = 0

    def handle(self, event: Event) -> Command:
        """The next command after `event`; LocalProtocolError when it cannot come now."""
        handler = TRANSITIONS[self.state].get(type(event))
        if handler is None:
            raise e.LocalProtocolError(f"{type(event).__name__} cannot happen while {self.state}")
        return handler(self, event)

    # --- the beginning ---

    def _started(self, event: Started) -> Command:
        self.cursor = event.cursor
        self._served_schema = event.served_schema
        self._sweeping = event.resyncing
        self._number_doubtful = event.resyncing
        if event.in_flight:
            self._in_flight = event.in_flight
            return self._request(State.PUSHING, Push(cursor=self.cursor, limit_rows=self._limits.page_rows))
        if event.push_first:  # as if caught up: one round trip where two would do the same
            self._caught_up = self._unheard = True
            return self._go_on()
        return self._pull()

    # --- pulling ---

    def _pulled(self, event: Pulled) -> Command:
        self._calm()
        return self._take(event.answer)

    def _take(self, answer: PullAnswer) -> Command:
        if answer.resync:
            return self._resync(answer.reason or "the server cannot continue from this cursor")
        if answer.more and answer.cursor == self.cursor:
            raise e.RemoteProtocolError("the server promises more, yet its cursor stands still")
        self._pages += 1
        if answer.more and self._pages > self._limits.pages:
            raise e.RemoteProtocolError(f"the server promises more after {self._pages} pages")
        if not answer.tables and answer.cursor == self.cursor and answer.schema_version in (None, self._served_schema):
            return self._after_page(answer.more)
        self._page = answer
        return self._go(State.APPLYING, ApplyPage(page=answer))

    def _applied(self, event: PageApplied) -> Command:
        if self._page is None:
            raise e.LocalProtocolError("a page was applied that nobody asked for")
        self._served_schema = self._page.schema_version or self._served_schema
        self.cursor, more, self._page = self._page.cursor, self._page.more, None
        return self._after_page(more)

    def _after_page(self, more: bool) -> Command:
        self._caught_up = not more
        return self._go_on()

    def _pull(self) -> Command:
        return self._request(State.PULLING, Pull(cursor=self.cursor, limit_rows=self._limits.page_rows))

    # --- beginning again from nothing ---

    def _resync(self, reason: str) -> Command:
        self._resyncs += 1
        if self._resyncs > self._limits.resyncs:
            raise e.RemoteProtocolError(
                f"the server asked for a new beginning {self._resyncs} times in one sync: {reason}"
            )
        return self._go(State.RESYNCING, Resync(reason=reason))

    def _resync_begun(self, event: ResyncBegun) -> Command:
        self.cursor, self._caught_up = None, False
        self._sweeping = self._number_doubtful = True
        return self._go_on()

    def _swept(self, event: Swept) -> Command:
        self._calm()
        self._sweeping, self._caught_up = event.again, not event.again
        return self._go_on()

    # --- pushing ---

    def _go_on(self) -> Command:
        if not self._caught_up:
            return self._pull()
        # The sweep ends what the file notes of the new beginning: a device that dies after it must not send an entry
        # under its old number, for the answer would be as old, and its row may have gone since.
        if self._number_doubtful:
            return self._request(State.NUMBERING, AskNumber())
        if self._sweeping:
            return self._request(State.SWEEPING, Sweep())
        entries = max(1, self._limits.batch_entries // self._shrink)
        size = max(1, self._limits.batch_bytes // self._shrink)
        return self._go(State.LEASING, Lease(limit_entries=entries, limit_bytes=size))

    def _number_known(self, event: NumberKnown) -> Command:
        self._calm()
        self._number_doubtful = False
        refusal, self._refusal = self._refusal, None
        if refusal is None:
            return self._go_on()
        # Half of what was refused, down to the one entry to blame.
        return self._smaller(refusal, max(2, 2 * self._limits.batch_entries // len(self._in_flight)))

    def _leased(self, event: Leased) -> Command:
        if not event.numbers and self._unheard:  # nothing could leave, so nothing was heard either
            self._caught_up = self._unheard = False
            return self._go_on()
        if not event.numbers:
            return self._finish(Result.PARTIAL if event.parked else Result.OK, None)
        self._in_flight = event.numbers
        return self._request(State.PUSHING, Push(cursor=self.cursor, limit_rows=self._limits.page_rows))

    def _pushed(self, event: Pushed) -> Command:
        self._calm()
        if numbers_disagree(event.answer):
            # Somebody else used our numbers: this file is a copy or an old backup. The answers may belong to
            # other changes, so none is believed; under new numbers a repeat is recognised by its rows.
            self._number_doubtful = True
            self._disagreements += 1
            if self._disagreements > self._limits.disagreements:
                raise e.RemoteProtocolError(
                    "the server counts the entries of this device otherwise than it answers them"
                )
            return self._go(State.RELEASING, Release())
        settle = read_answers(self._in_flight, event.answer)
        self._page = event.answer.pull
        self._conflict_rounds = self._conflict_rounds + 1 if settle.clash and not settle.applied else 0
        return self._go(State.SETTLING, settle)

    def _settled(self, event: Settled) -> Command:
        page, self._page, self._in_flight = self._page, None, ()
        self._unheard = False
        if self._conflict_rounds > self._limits.conflict_rounds:
            text = "a row changes on the server as fast as it is merged here"
            failure = Failure(kind=FailureKind.CONFLICTS, code="conflicts", message=text)
            return self._finish(Result.PARTIAL, failure)
        return self._pull() if page is None else self._take(page)

    def _released(self, event: Released) -> Command:
        self._in_flight = ()
        return self._go_on()

    # --- trouble ---

    def _failed(self, event: Failed) -> Command:
        failure = event.failure
        if failure.kind is FailureKind.TOKEN and not self._refreshed:
            self._refreshed, self._refused_token = True, failure
            return self._go(State.REFRESHING, RefreshToken())
        if failure.kind in _MAY_PASS and self._attempts + 1 < self._limits.attempts:
            self._attempts += 1
            wait_ms = max(event.failure.retry_after_ms, self._limits.wait_ms << (self._attempts - 1))
            return self._go(State.WAITING, Wait(delay_ms=wait_ms))
        if failure.kind is FailureKind.TOKEN or failure.kind in _MAY_PASS:
            return self._finish(Result.OFFLINE, failure)
        return self._finish(Result.FAILED, failure)

    def _pull_failed(self, event: Failed) -> Command:
        if event.failure.kind is FailureKind.CURSOR:
            return self._resync(event.failure.message)
        return self._failed(event)

    def _push_failed(self, event: Failed) -> Command:
        kind = event.failure.kind
        if kind is FailureKind.CURSOR:
            return self._resync(event.failure.message)
        if kind is FailureKind.NUMBER:
            self._number_doubtful = True
            return self._go(State.RELEASING, Release())
        if kind is FailureKind.TOO_LARGE:
            return self._smaller(event.failure, self._shrink * 2)
        if kind is FailureKind.SERVER and not self._looks_for_one() and self._attempts + 1 < self._limits.attempts:
            return self._failed(event)
        if kind in (FailureKind.REFUSED, FailureKind.SERVER):
            # Is it the request, or what it carries? A push of nothing tells: refused as well, no entry is to
            # blame. And nothing is released before the number is known, for an earlier try may have arrived.
            self._refusal, self._attempts = event.failure, 0
            return self._request(State.NUMBERING, AskNumber())
        return self._failed(event)

    def _looks_for_one(self) -> bool:
        """Is this batch a part of one the server failed on? Then only the last step is worth a second attempt."""
        return self._shrink > 1 and len(self._in_flight) > 1

    def _smaller(self, failure: Failure, shrink: int) -> Command:
        """Less at once; a single entry that cannot get through is parked, and its size says nothing of others."""
        if len(self._in_flight) == 1:
            self._shrink = 1
            return self._go(State.RELEASING, ParkBatch(failure=failure))
        self._shrink = shrink
        return self._go(State.RELEASING, Release())

    def _again(self, event: Waited | TokenRefreshed) -> Command:
        if isinstance(event, TokenRefreshed) and not event.refreshed:
            return self._finish(Result.OFFLINE, self._refused_token)
        if self._asked is None:
            raise e.LocalProtocolError("there is no request to repeat")
        return self._go(self._asked_in, self._asked)

    # --- moving ---

    def _calm(self) -> None:
        self._attempts, self._refreshed = 0, False

    def _request(self, state: State, command: Command) -> Command:
        self._asked, self._asked_in = command, state
        return self._go(state, command)

    def _go(self, state: State, command: Command) -> Command:
        self.state = state
        return command

    def _finish(self, result: Result, failure: Failure | None) -> Command:
        return self._go(State.DONE, Done(result=result, failure=failure))


Handler = Callable[[Session, Any], Command]
TRANSITIONS: Mapping[State, Mapping[type[Event], Handler]] = MappingProxyType(
    {
        State.IDLE: {Started: Session._started},
        State.PULLING: {Pulled: Session._pulled, Failed: Session._pull_failed},
        State.APPLYING: {PageApplied: Session._applied},
        State.RESYNCING: {ResyncBegun: Session._resync_begun},
        State.SWEEPING: {Swept: Session._swept, Failed: Session._failed},
        State.NUMBERING: {NumberKnown: Session._number_known, Failed: Session._failed},
        State.LEASING: {Leased: Session._leased},
        State.PUSHING: {Pushed: Session._pushed, Failed: Session._push_failed},
        State.SETTLING: {Settled: Session._settled},
        State.RELEASING: {Released: Session._released},
        State.REFRESHING: {TokenRefreshed: Session._again, Failed: Session._failed},
        State.WAITING: {Waited: Session._again},
        State.DONE: {},
    }
)
