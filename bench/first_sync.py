"""First sync of large accounts: Postgres -> HTTP -> SQLite, durable and indexed, beside the least that could be done
(bench/least.py) and beside the WatermelonDB npm client.

Two accounts of the same number of rows (bench/account.py): a mixed one, by which the promise is judged, and one of
journal entries alone. WatermelonDB runs its LokiJS adapter in memory on fewer rows of the same server, which is kind
to it: nothing of it is durable. Every device is a process of its own, so its memory and processor time are its own.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from bench import device, least, slow_reader, watermelon
from bench.account import MIXED_USER, SHARES, USER, Account, opened_account
from bench.figure import Figure
from bench.memory import Watched

ROUNDS = 2
SECONDS_PROMISED = 15.0
ROWS_PROMISED = 1_000_000
WATERMELON_TIMES = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the accounts."""

    name: str
    user: str
    tables: tuple[str, ...]


KINDS = (
    Kind("a mixed account", MIXED_USER, tuple(SHARES)),
    Kind("journal entries", USER, ("journal_entries",)),
)


@dataclass(frozen=True, slots=True)
class Round:
    """Ours and the least in turn, in seconds; what ours took of this machine."""

    ours: device.Run
    least_s: float
    least_cpu_s: float
    server_cpu_s: float
    server_mb: tuple[float, float]
    backend_mb: float
    backend_cpu_s: float

    @property
    def cpu_us(self) -> tuple[float, float, float]:
        """Microseconds of processor time a row: device, server, Postgres."""
        seconds = (self.ours.cpu_s, self.server_cpu_s, self.backend_cpu_s)
        device_us, server_us, backend_us = (round(one / self.ours.rows * 1e6, 1) for one in seconds)
        return device_us, server_us, backend_us


def measure(account: Account, kinds: tuple[Kind, ...] = KINDS) -> list[Figure]:
    """Both ways in turn, ROUNDS times for each account; the figure is the median."""
    peer = watermelon.run(account)
    figures = []
    for kind in kinds:
        rounds = [_round(account, kind, turn) for turn in range(ROUNDS)]
        seconds = statistics.median(one.ours.seconds for one in rounds)
        rows = rounds[0].ours.rows
        least_us = statistics.median(one.least_s for one in rounds) / rows * 1e6
        ours_us = seconds / rows * 1e6
        name = f"first sync of {kind.name}, a row ({_told(rounds[-1], seconds)})"
        figures.append(_figure(name, "COPY out + executemany in", ours_us, least_us, None))
        if peer is not None and kind.user == USER:  # it took journal entries, and is compared with those
            theirs_us = peer["first"]["seconds"] / peer["rows"] * 1e6
            name = f"the same beside WatermelonDB 0.28, which took {peer['rows']:,} journal entries"
            figures.append(_figure(name, "WatermelonDB, LokiJS in memory", ours_us, theirs_us, 1 / WATERMELON_TIMES))
    return [*figures, *slow_reader.measure(account)]


def _round(account: Account, kind: Kind, turn: int) -> Round:
    token = account.token(kind.user)
    path = account.folder / f"ours-{kind.user[-1]}-{turn}.db"
    with Watched() as seen:
        ours = device.run(path, account.url, token, kind.user)
    if ours is None or ours.result != "ok":
        raise SystemExit(f"the first sync ended {ours}")
    cpu = time.process_time()
    with Watched() as beside:
        least_s = least.copy(account.folder / f"least-{kind.user[-1]}-{turn}.db", account, kind.user, kind.tables)
    least_cpu_s = time.process_time() - cpu + beside.backend.cpu_s
    return Round(
        ours=ours,
        least_s=least_s,
        least_cpu_s=least_cpu_s,
        server_cpu_s=seen.server.cpu_s,
        server_mb=(seen.server.first_mb, seen.server.most_mb),
        backend_mb=seen.backend.most_mb,
        backend_cpu_s=seen.backend.cpu_s,
    )


def _told(one: Round, seconds: float) -> str:
    ours, rows = one.ours, one.ours.rows
    device_us, server_us, backend_us = one.cpu_us
    promised = f" of {SECONDS_PROMISED:.0f} s promised" if rows >= ROWS_PROMISED else ""
    return "; ".join(
        (
            f"{rows:,} rows of {ours.bytes_per_row:.0f} bytes: {rows / seconds:,.0f} rows/s, {seconds:.1f} s{promised}",
            f"processor {device_us + server_us + backend_us:.1f} us = device {device_us} + server {server_us}"
            f" + Postgres {backend_us}, beside {one.least_cpu_s / rows * 1e6:.1f} of COPY + executemany",
            f"device {ours.peak_mb:.0f} MB at its peak, server {one.server_mb[0]:.0f} to {one.server_mb[1]:.0f},"
            f" Postgres backend {one.backend_mb:.0f}",
        )
    )


def _figure(name: str, peer: str, ours_us: float, peer_us: float, limit: float | None) -> Figure:
    return Figure(
        name=name,
        peer=peer,
        ours_us=round(ours_us, 2),
        peer_us=round(peer_us, 2),
        ratio=round(ours_us / peer_us, 2),
        limit=limit and round(limit, 2),
    )


if __name__ == "__main__":
    with opened_account(mixed=True) as opened:
        for one in measure(opened):
            print(f"{one.name}: {one.ours_us} us, {one.peer} {one.peer_us} us, ratio {one.ratio}")
