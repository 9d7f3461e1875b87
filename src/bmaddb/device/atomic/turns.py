"""The queue in front of the one writer: operations take turns, lane by lane, and within a lane in their order.

Rules of this room: nobody waits unseen: there is a limit, and who is over it hears so at once; who gives up leaves the
queue; a turn is handed on even when its holder failed; nobody waits for a turn that is theirs: who is told of a commit
may run an operation of their own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bmaddb import errors as e
from bmaddb.device.atomic.bounds import Watch

WAITING_MAX: Final = 1_000
"""Operations that wait for their turn at once; each holds a thread."""


class Turns:
    """Gives the turn to one at a time."""

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        self._lock = threading.Lock()
        self._waiting_max = waiting_max
        self._lanes: OrderedDict[str, deque[_Ticket]] = OrderedDict()
        self._waiting = 0
        self._taken = False
        self._holder: int | None = None
        """The thread that has the turn."""

    @property
    def waiting(self) -> int:
        """How many wait just now."""
        return self._waiting

    @contextmanager
    def turn(self, watch: Watch) -> Iterator[None]:
        """Wait for the turn, and have it inside the `with`. QueueFull, DeadlinePassed or OperationCancelled without."""
        watch.check()
        me = threading.get_ident()
        if self._holder == me:  # a listener of this thread's commit: it stands, and the writer is free
            yield
            return
        ticket = self._queue_up(watch.bounds.lane)
        if ticket is not None:
            self._wait(ticket, watch)
        try:
            self._holder = me
            yield
        finally:
            self._holder = None
            self._hand_on()

    def _queue_up(self, lane: str) -> _Ticket | None:
        """None: the turn is ours at once."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return None
            if self._waiting >= self._waiting_max:
                raise e.QueueFull(f"{self._waiting} operations wait already", hint="try again when some are done")
            ticket = _Ticket(lane)
            self._lanes.setdefault(lane, deque()).append(ticket)
            self._waiting += 1
            return ticket

    def _wait(self, ticket: _Ticket, watch: Watch) -> None:
        cancellation = watch.bounds.cancellation
        stop = None if cancellation is None else cancellation.listen(ticket.woken.set)
        try:
            left_ms = watch.left_ms()
            in_time = ticket.woken.wait(None if left_ms is None else max(left_ms, 0.0) / 1000)
            if not in_time and self._left(ticket):
                raise e.DeadlinePassed("its time was over before its turn came", hint="others write; try again")
            if not ticket.called and self._left(ticket):
                raise e.OperationCancelled
        except BaseException:
            if not self._left(ticket) and ticket.called:
                self._hand_on()
            raise
        finally:
            if stop is not None:
                stop()

    def _left(self, ticket: _Ticket) -> bool:
        """Leave the queue; False when the turn was given to us meanwhile, or we had left."""
        with self._lock:
            lane = self._lanes.get(ticket.lane)
            if lane is None or ticket not in lane:
                return False
            lane.remove(ticket)
            self._waiting -= 1
            if not lane:
                del self._lanes[ticket.lane]
            return True

    def _hand_on(self) -> None:
        """The next of the lane that waits longest for its turn; the lane goes to the end of the row."""
        with self._lock:
            if not self._lanes:
                self._taken = False
                return
            lane, tickets = self._lanes.popitem(last=False)
            ticket = tickets.popleft()
            if tickets:
                self._lanes[lane] = tickets
            self._waiting -= 1
            ticket.called = True
        ticket.woken.set()


class _Ticket:
    """One who waits."""

    __slots__ = ("called", "lane", "woken")

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.called = False
        self.woken = threading.Event()
