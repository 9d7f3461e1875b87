"""A first sync that is interrupted at five random points: the wire is cut four times, and once the process is killed.

Bytes of the answers are counted by the proxy in between, rows as they are written. What may come twice are the pages on
the way at each interruption, so every row is written once but for one page of the killed process, and no more bytes are
sent than those of an undisturbed sync and PAGES_LOST_MAX pages for each interruption. At the end the file is compared
with the server by digests. `python -m bench.first_sync_resume [SEED]`.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import device
from bench.account import MIXED_USER, Account, opened_account
from bmaddb.device.sync.verify_report import Verified
from bmaddb.device.sync.walk import PAGES_AHEAD_MAX
from bmaddb.protocol.session import Limits
from bmaddb.service.database import Database
from bmaddb.service.opening import open_database
from bmaddb.testing.proxy import CuttingProxy, Wire

CUTS = 4
PAGES_LOST_MAX = PAGES_AHEAD_MAX + 3
"""Being written, ready (PAGES_AHEAD_MAX), being parsed, and one in pieces in the sockets."""
APART_MIN = 0.02
"""So much of the whole lies between two interruptions, or they would be one."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What the interrupted device fetched and wrote, beside one that nobody disturbed."""

    whole: device.Run
    sent_bytes: int
    written_rows: int
    """By the runs that lived to count; the killed one wrote what is missing."""
    killed_rows: int
    cuts_done: int

    def __str__(self) -> str:
        again, allowed = self.sent_bytes - self.whole.bytes_down, _allowed(self.whole)
        return "; ".join(
            (
                f"{self.whole.rows:,} rows, {self.cuts_done} cuts and one kill -9",
                f"the killed process left {self.killed_rows:,} in the file, the next one wrote {self.written_rows:,}",
                f"of {self.whole.bytes_down / 1e6:.0f} MB {again / 1e6:.1f} were sent again or in vain,"
                f" {allowed / 1e6:.0f} are allowed",
                "verify: no difference",
            )
        )


def resume(account: Account, user: str, seed: int) -> Resumed:
    """Interrupt a first sync; raises SystemExit when a finished page came again or anything is amiss at the end."""
    chance = random.Random(seed)
    token = account.token(user)
    whole = device.run(account.folder / f"whole-{seed}.db", account.url, token, user)
    if whole is None or whole.result != "ok":
        raise SystemExit(f"the undisturbed sync ended {whole}")
    path = account.folder / f"cut-{seed}.db"
    points = _points(chance)
    kill = chance.randrange(CUTS + 1)
    with CuttingProxy(int(account.url.rpartition(":")[2])) as proxy:
        _cut_at(proxy, [0.0, *points[:kill]], whole)
        if device.run(path, proxy.url, token, user, kill_at_rows=int(points[kill] * whole.rows)) is not None:
            raise SystemExit("the device was not killed")
        killed_rows = _rows_in(path, account, user)
        _cut_at(proxy, points[kill:], whole)
        last = device.run(path, proxy.url, token, user)
        resumed = Resumed(whole, proxy.answered_bytes, 0 if last is None else last.rows, killed_rows, proxy.cuts_done)
    if last is None or last.result != "ok":
        raise SystemExit(f"the resumed sync ended {last}")
    _check(resumed, path, account, user)
    return resumed


def _points(chance: random.Random) -> list[float]:
    """Where to interrupt, as parts of the whole."""
    while True:
        points = sorted(0.98 * chance.random() + 0.01 for _ in range(CUTS + 1))
        if all(later - earlier > APART_MIN for earlier, later in pairwise(points)):
            return points


def _cut_at(proxy: CuttingProxy, points: list[float], whole: device.Run) -> None:
    for earlier, later in pairwise(points):
        proxy.break_next(Wire.CUT, int((later - earlier) * whole.bytes_down))


def _rows_in(path: Path, account: Account, user: str) -> int:
    """Rows in the file that came from the server."""
    with open_database(path, user=user, url=account.url, token=account.token(user)) as db:
        return sum(_from_server(db, record) for record in db.catalog.records.values() if record.__table__.synced)


def _from_server(db: Database, record: type[Any]) -> int:
    return db.query(record).where(record.server_seq.is_not_null()).count()


def _allowed(whole: device.Run) -> int:
    """Bytes that may be sent twice or in vain."""
    page = min(Limits().page_bytes, Limits().stream_rows * whole.bytes_per_row)
    return int((CUTS + 1) * PAGES_LOST_MAX * page)


def _check(resumed: Resumed, path: Path, account: Account, user: str) -> None:
    whole = resumed.whole
    if resumed.cuts_done != CUTS:
        raise SystemExit(f"not every cut was done: {resumed}")
    if resumed.killed_rows + resumed.written_rows != whole.rows:
        raise SystemExit(f"pages were written twice, or never: {resumed}")
    if resumed.sent_bytes - whole.bytes_down > _allowed(whole):
        raise SystemExit(f"finished pages were sent again: {resumed}")
    with open_database(path, user=user, url=account.url, token=account.token(user)) as db:
        report = db.verify(repair=False)
    if report.result is not Verified.EQUAL:
        raise SystemExit(f"the file is not what the server holds: {report}")


if __name__ == "__main__":
    with opened_account(mixed=True) as opened:
        print(resume(opened, MIXED_USER, int(sys.argv[1]) if len(sys.argv) > 1 else 7))
