"""A device in a process of its own: one sync of a file, and what it cost. `python -m bench.device FILE URL TOKEN USER`.

The processor time and the memory are those of this process; what stands in it before the sync begins is told apart.
With a fifth argument it kills itself, as by `kill -9`, soon after so many rows are in the file.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bmaddb.entropy import SystemEntropy
from bmaddb.service.opening import open_database
from bmaddb.signals import PageApplied

SECONDS_MAX = 900
KILL_S_MAX = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: how it ended, rows that came, how long and how much."""

    result: str
    rows: int
    seconds: float
    cpu_s: float
    peak_mb: float
    start_mb: float
    bytes_down: int
    requests: int

    @property
    def bytes_per_row(self) -> float:
        """Bytes of the answer for each row."""
        return self.bytes_down / max(1, self.rows)


def run(path: Path, url: str, token: str, user: str, kill_at_rows: int | None = None) -> Run | None:
    """Sync once in a new process; None when it was killed."""
    given = [str(path), url, token, user, *([] if kill_at_rows is None else [str(kill_at_rows)])]
    done = subprocess.run(
        [sys.executable, "-m", "bench.device", *given],
        stdout=subprocess.PIPE,
        check=False,
        timeout=SECONDS_MAX,
        text=True,
    )
    if done.returncode == -signal.SIGKILL and kill_at_rows is not None:
        return None
    if done.returncode != 0:
        raise SystemExit(f"the device ended with {done.returncode}")
    return Run(**json.loads(done.stdout))


def main(path: str, url: str, token: str, user: str, kill_at_rows: str = "") -> None:
    """What the process does."""
    started, cpu_before = time.perf_counter(), time.process_time()
    start_mb = _peak_mb()
    with open_database(Path(path), user=user, url=url, token=token) as db:
        if kill_at_rows:
            db.signals.listen(PageApplied, Doom(int(kill_at_rows)))
        report = db.sync()
        told = {
            "result": str(report.result),
            "rows": report.pulled_rows,
            "seconds": time.perf_counter() - started,
            "cpu_s": time.process_time() - cpu_before,
            "peak_mb": _peak_mb(),
            "start_mb": start_mb,
            "bytes_down": report.bytes_down,
            "requests": report.requests,
        }
    print(json.dumps(told))


class Doom:
    """Told of every page; after `rows` of them the process dies within a few hundredths of a second, wherever it is."""

    def __init__(self, rows: int) -> None:
        self._left = rows

    def __call__(self, fact: PageApplied) -> None:
        """One more page is in the file."""
        before, self._left = self._left, self._left - fact.rows
        if before > 0 >= self._left:
            delay_s = SystemEntropy().fraction() * KILL_S_MAX
            threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()


def _peak_mb() -> float:
    """Of this program alone: what the system's accounts call the maximum begins with that of who started it."""
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
