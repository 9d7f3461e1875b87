"""Memory and processor time of the server's processes while something runs: read from /proc, beside it, on a thread.

A process is counted by what it holds alone (RssAnon): the buffers that all of Postgres shares are not the stream's.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Peak:
    """The most that was seen of one kind of process, in MB, and the seconds of processor time it took."""

    first_mb: float = 0.0
    most_mb: float = 0.0
    cpu_s: float = 0.0
    _started: dict[int, float] = field(default_factory=dict)
    _latest: dict[int, float] = field(default_factory=dict)

    def see(self, pid: int, held_mb: float, cpu_s: float) -> None:
        """A process as it stands now."""
        self.first_mb = self.first_mb or held_mb
        self.most_mb = max(self.most_mb, held_mb)
        self._started.setdefault(pid, cpu_s)
        self._latest[pid] = cpu_s
        self.cpu_s = sum(self._latest[one] - begun for one, begun in self._started.items())


class Watched:
    """`with Watched() as seen:` what our server and the Postgres backends below this process take meanwhile."""

    def __init__(self) -> None:
        self.server = Peak()
        self.backend = Peak()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        for pid in _below(os.getpid()):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
                peak = self._peak_of(command)
                if peak is not None:
                    peak.see(pid, _held_mb(pid), _cpu_s(pid))
            except (OSError, ValueError):  # it ended just now
                continue

    def _peak_of(self, command: bytes) -> Peak | None:
        if b"bmaddb.cli\0serve" in command:
            return self.server
        return self.backend if command.startswith(b"postgres: ") and b"[local]" in command else None


def _below(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                children = [int(child) for child in (task / "children").read_text().split()]
                found += children
                waiting += children
        except OSError:
            continue
    return found


def _held_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(line.split()[1]) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
