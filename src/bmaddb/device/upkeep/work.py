"""The work of one clean-up: its transactions, one short one after the other, until it is enough or told to stop.

Rules of this room: a step does what it does in batches; a batch is one transaction, and right by itself; between two
anybody may write, sync, or pull the plug.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import apsw

from bmaddb.device.outbox import Outbox
from bmaddb.device.store import Store
from bmaddb.device.upkeep.policy import UpkeepPolicy
from bmaddb.device.upkeep.usage import pages_bytes

ROWS_MIN = 20
DAY_MS = 86_400_000
BREATH_S = 0.001
"""Between two batches: whoever waits to write takes the lock then, which else might stay with this thread."""


class Stop(Exception):
    """Somebody asked the clean-up to stop."""


@dataclass(slots=True)
class Tally:
    """What one step did so far."""

    rows: int = 0
    batches: int = 0
    longest_ms: float = 0.0
    kept: str = ""


@dataclass(slots=True)
class Work:
    """What every step works on. `attachment_bytes` are kept up by the step that removes files.

    `whole`: it is never enough; all that may go goes.
    """

    store: Store
    outbox: Outbox
    policy: UpkeepPolicy
    stopping: Callable[[], bool]
    attachment_bytes: int
    used_bytes: int
    batch_rows: int = 0
    tally: Tally = field(default_factory=Tally)
    breath: threading.Event = field(default_factory=threading.Event)
    whole: bool = False

    @property
    def enough(self) -> bool:
        """Is the file below the share at which a clean-up ends?"""
        return not self.whole and self.used_bytes + self.attachment_bytes <= self.policy.end_bytes

    @property
    def now_ms(self) -> int:
        return self.store.clock.now_ms()

    def before(self, days: int) -> int:
        """The moment `days` ago, in milliseconds since the epoch."""
        return self.now_ms - days * DAY_MS

    @contextmanager
    def batch(self) -> Iterator[apsw.Connection]:
        """One transaction without capture, what waits in view; timed, and the next made smaller when it is slow."""
        if self.stopping():
            raise Stop
        self.breath.wait(BREATH_S)
        with self.outbox.edit() as (connection, _):
            began = self.store.clock.monotonic_ms()
            yield connection
            self.used_bytes = pages_bytes(connection)
        took = self.store.clock.monotonic_ms() - began
        self.tally.batches += 1
        self.tally.longest_ms = max(self.tally.longest_ms, took)
        aim = self.policy.batch_ms_aim
        if took > aim:
            self.batch_rows = max(ROWS_MIN, int(self.batch_rows * aim / took))
        elif took < aim / 2:
            self.batch_rows = min(self.policy.batch_rows_max, self.batch_rows * 2)
